/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resizing.h"

#include <stdlib.h>

uint64_t size_for_rbd(const char *spec)
{
    char *json = RBD_OUTPUT("info", spec, "--format", "json");
    uint64_t size = json_number(json, "size");

    free(json);
    return size;
}

void resize(struct vdisk *disk, uint64_t size, uint32_t flags)
{
    struct vdisk_error err;

    assert_done(vdisk_resize(disk, size, flags, &err), &err);
    /* At once, without waiting for anything. */
    assert_int_equal(vdisk_get_size(disk), size);
}

void resize_from_outside(const char *spec, size_t size)
{
    RBD("resize", "--allow-shrink", "--size", text("%zuB", size), spec);
}

void write_at(struct vdisk *disk, const void *data, size_t size, uint64_t offset)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, offset, 0, &err), &err);
}
