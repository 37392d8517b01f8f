/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ceph's configuration that is in force for an open image: the client's, overridden by the pool's and then the image's
 * own.
 */
#ifndef VD_IMAGE_CONFIG_H
#define VD_IMAGE_CONFIG_H

#include <rbd/librbd.h>
#include <stdbool.h>
#include <stdint.h>

struct vd_image_config {
    /* The cache serves reads: it is write-through or write-back. */
    bool cache_keeps_data;
    /* enum vdisk_cache_mode */
    uint32_t cache_mode;
    /* librbd trims a discard inside an object to multiples of this. 1: it does not trim. */
    uint64_t discard_granularity;
    /* librbd copies the data of a write before the call returns. */
    bool copies_writes;
};

/* Asks librbd for the configuration. Blocks. Returns 0 or a negative errno. */
int vd_image_config_read(struct vd_image_config *config, rbd_image_t image);

#endif
