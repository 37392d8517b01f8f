/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of opening share these helpers: attempts, and the options, users and keys that they use. */
#ifndef OPENINGS_H
#define OPENINGS_H

#include "support.h"

/* The size of plain_image. */
#define SIZE MIB(1)

/* Makes an image without data. */
const char *plain_image(void);

/* Opens the disk, which must fail with `code` and a sentence that holds these texts and no value of an option. */
void must_not_open(const char *uri, const struct vdisk_open_options *options, int code, const char *const fragments[]);
/* Opens and closes the disk, which must succeed. */
void must_open_uri(const char *uri, const struct vdisk_open_options *options);

/* The default options, and one option of Ceph that the program sets. The next call overwrites that one. */
struct vdisk_open_options with_option(const char *key, const char *value);

/* Returns the user's key, to be freed. */
char *key_of(const char *user);
/* Returns the name without "client.". */
const char *bare(const char *user);
/* Returns the path of a keyring that holds the user's key. */
const char *keyring_of(const char *user);

#endif
