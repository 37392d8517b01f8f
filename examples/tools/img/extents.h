/* SPDX-License-Identifier: MIT */
/*
 * Prints the extents of a disk, for the commands map and diff.
 */
#ifndef EXTENTS_H
#define EXTENTS_H

#include <vdisk/vdisk.h>

#include "common/extent_reader.h"
#include "img/args.h"
#include "img/json.h"

/* Adds to `object` what the extent is. The object already has the offset and the length. */
typedef void extents_add_kind(struct json_builder *builder, json_t *object, const struct vdisk_extent *extent);

/* Prints all extents that the reader finds, as the options ask for. Returns 0 or a negative errno. */
int extents_print(const struct img_args *args, struct extent_reader *reader, extents_add_kind *add_kind,
                  struct vdisk_error *err);

#endif
