/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy of a passphrase from memory or a file, which is overwritten when it is freed.
 */
#ifndef VD_PASSPHRASE_H
#define VD_PASSPHRASE_H

#include <stddef.h>

/* The longest passphrase that a file may contain, far longer than anybody needs. */
#define VD_PASSPHRASE_MAX 65536

struct vd_passphrase {
    char *bytes;
    size_t size;
};

/* Copies `size` bytes. Returns 0 or -ENOMEM. */
int vd_passphrase_copy(struct vd_passphrase *passphrase, const void *bytes, size_t size);

/*
 * Reads a whole file, without the newline that it may end with, as `rbd encryption format` does. Blocks.
 *
 * -EFBIG   the passphrase is longer than VD_PASSPHRASE_MAX bytes
 * -ENOMEM  out of memory
 * or the errno of opening or reading the file
 */
int vd_passphrase_read(struct vd_passphrase *passphrase, const char *path);

/* Overwrites and frees the passphrase. Does nothing if it is all zero, as it is after a failure. */
void vd_passphrase_destroy(struct vd_passphrase *passphrase);

#endif
