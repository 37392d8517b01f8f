/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of snapshots share these helpers: they change snapshots, and compare lists with `rbd snap ls`. */
#ifndef SNAPSHOTS_H
#define SNAPSHOTS_H

#include "support.h"

/* The size of the images. */
#define SIZE (MIB(5) + 4097)

typedef int (*change_fn)(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/* Makes a change, which must succeed; or must fail with `code` and a sentence that names the image and the snapshot. */
void must(change_fn change, struct vdisk *disk, const char *name);
void must_fail(change_fn change, struct vdisk *disk, const char *image, const char *name, int code);

/* Makes an image without data and opens it. `image` gets its name. */
struct vdisk *open_new_image(const char **image);

/* Returns the list of the disk's snapshots, to be freed. */
void list(struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk);
/* Counts the snapshots in what `rbd snap ls` printed as JSON. */
size_t count_objects(const char *json);
/* Checks that the list has so many snapshots, and that each field is what `rbd snap ls` says. */
void assert_lists_agree(struct vdisk *disk, const char *image, size_t expected);

#endif
