/* SPDX-License-Identifier: MIT */
/*
 * Tells URIs of images from URIs of snapshots. All functions return 0 or a negative errno.
 */
#ifndef IMAGE_URI_H
#define IMAGE_URI_H

#include <vdisk/vdisk.h>

/* Refuses a URI that names a snapshot. `command` is the command that needs an image, for the message. */
int image_uri_refuse_snapshot(const struct vdisk_uri *uri, const char *command, struct vdisk_error *err);

/* Refuses a URI that names no snapshot. */
int image_uri_require_snapshot(const struct vdisk_uri *uri, struct vdisk_error *err);

/* Makes a URI of the same image, with the same options but without the snapshot. The caller frees *image. */
int image_uri_without_snapshot(struct vdisk_uri **image, const struct vdisk_uri *uri, struct vdisk_error *err);

#endif
