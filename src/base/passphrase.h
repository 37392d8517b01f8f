/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A passphrase, from memory or a file, for as long as it is needed.
 */
#ifndef VD_PASSPHRASE_H
#define VD_PASSPHRASE_H

#include <stddef.h>

/* More than anybody's. */
#define VD_PASSPHRASE_MAX 65536

struct vd_passphrase {
    char *bytes;
    size_t size;
};

/* Copies `size` bytes. 0 or -ENOMEM. */
int vd_passphrase_copy(struct vd_passphrase *passphrase, const void *bytes, size_t size);

/*
 * Reads all of a file, without the newline that it may end with, as `rbd encryption format` does. Returns 0, -EFBIG
 * beyond VD_PASSPHRASE_MAX bytes, -ENOMEM, or why the file cannot be read.
 */
int vd_passphrase_read(struct vd_passphrase *passphrase, const char *path);

/* Overwrites and frees it. All zero, and after a failure, there is nothing to wipe. */
void vd_passphrase_destroy(struct vd_passphrase *passphrase);

#endif
