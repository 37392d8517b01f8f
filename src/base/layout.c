/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/layout.h"

#define OBJECTS_AT_ONCE 32

static uint64_t set_size(const struct vd_layout *layout)
{
    return layout->object_size * layout->stripe_count;
}

uint64_t vd_layout_granularity(const struct vd_layout *layout, uint64_t granularity)
{
    if (granularity > layout->object_size)
        granularity = layout->object_size;
    /*
     * At most a stripe unit of an object is contiguous in the image. A longer range of an object is spread over as many
     * stripe units of each other object of its set.
     */
    return granularity > layout->stripe_unit ? granularity * layout->stripe_count : granularity;
}

uint64_t vd_layout_piece(const struct vd_layout *layout)
{
    uint64_t sets = OBJECTS_AT_ONCE / layout->stripe_count;

    return set_size(layout) * (sets > 0 ? sets : 1);
}

uint64_t vd_layout_object_start(const struct vd_layout *layout, uint64_t offset)
{
    uint64_t within_set = offset % set_size(layout);
    uint64_t column = within_set / layout->stripe_unit % layout->stripe_count;

    return offset - within_set + column * layout->stripe_unit;
}
