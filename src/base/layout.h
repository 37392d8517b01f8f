/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How an image is divided into objects. The first `stripe_unit` bytes go to one object, the next to the next object,
 * and so on through the `stripe_count` objects of a set. This repeats until the objects of the set are full.
 */
#ifndef VD_LAYOUT_H
#define VD_LAYOUT_H

#include <stdint.h>

struct vd_layout {
    uint64_t object_size;
    uint64_t stripe_unit;
    uint64_t stripe_count;
};

/*
 * Converts a granularity within objects to one within the image. A range of the image whose offset and length are
 * multiples of the result covers whole multiples of `granularity` bytes in each object. `granularity` counts as the
 * object size if it is larger.
 */
uint64_t vd_layout_granularity(const struct vd_layout *layout, uint64_t granularity);

/*
 * Returns the length of the pieces that a long discard is cut into. A piece is about 32 objects, in whole sets, so that
 * objects are removed as a whole. librbd works on all objects of a request at once: 32 keep a cluster busy without
 * overloading it or this process.
 */
uint64_t vd_layout_piece(const struct vd_layout *layout);

/* Returns the offset in the image where the object that contains `offset` begins. */
uint64_t vd_layout_object_start(const struct vd_layout *layout, uint64_t offset);

#endif
