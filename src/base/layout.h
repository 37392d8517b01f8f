/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How an image is cut into objects: `stripe_unit` bytes go to one object, then as many to the next, through the
 * `stripe_count` objects of a set and over again until they are full.
 */
#ifndef VD_LAYOUT_H
#define VD_LAYOUT_H

#include <stdint.h>

struct vd_layout {
    uint64_t object_size;
    uint64_t stripe_unit;
    uint64_t stripe_count;
};

/* In an image cut like this, what has a multiple of `granularity` bytes at multiples of it in each of its objects. */
uint64_t vd_layout_granularity(const struct vd_layout *layout, uint64_t granularity);

/*
 * How long a piece of a long discard is: whole sets of objects, so that objects go whole, about 32 objects together.
 * librbd works on all objects of a request at once; that many keep a cluster busy and cannot swamp it, or this process.
 */
uint64_t vd_layout_piece(const struct vd_layout *layout);

/* Where in the image the object that holds `offset` begins. */
uint64_t vd_layout_object_start(const struct vd_layout *layout, uint64_t offset);

#endif
