/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Ceph's configuration makes of an open image: that of the client, overridden by the pool's and the image's own.
 */
#ifndef VD_IMAGE_CONFIG_H
#define VD_IMAGE_CONFIG_H

#include <rbd/librbd.h>
#include <stdbool.h>
#include <stdint.h>

struct vd_image_config {
    /* A cache that reads are served from: write-through or write-back. */
    bool cache_keeps_data;
    /* What of enum vdisk_cache_mode is in force. */
    uint32_t cache_mode;
    /* What a discard frees, inside an object, is trimmed to multiples of this; 1: it is not trimmed. */
    uint64_t discard_granularity;
    /* Data to be written is copied before the call for it returns. */
    bool copies_writes;
};

/* Blocks. Returns 0 or a negative errno. */
int vd_image_config_read(struct vd_image_config *config, rbd_image_t image);

#endif
