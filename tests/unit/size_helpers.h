/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of a changing size share these helpers. */
#ifndef SIZE_HELPERS_H
#define SIZE_HELPERS_H

#include "disk_fixture.h"

#include "fake.h"

static inline void resize_elsewhere(uint64_t size, bool notify)
{
    fake_resize_image("p", "", "i", size, notify);
}

static inline void assert_size_becomes(const struct vdisk *disk, uint64_t size)
{
    wait_until(vdisk_get_size(disk) == size);
}

#endif
