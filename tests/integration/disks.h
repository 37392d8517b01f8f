/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests open disks of the cluster, and compare what calls return with what they must return. */
#ifndef DISKS_H
#define DISKS_H

#include <stdint.h>

#include <vdisk/vdisk.h>

#include "program.h"

/* Opens POOL/IMAGE[@SNAPSHOT] with the cluster's conf. clean_up closes it unless close_disk has. */
struct vdisk *open_disk(const char *spec, uint32_t flags);
struct vdisk *open_disk_with(const char *spec, const struct vdisk_open_options *options);
/* Opens it with a cache that keeps writes back until it is flushed. */
struct vdisk *open_write_back(const char *spec);
void close_disk(struct vdisk *disk);
struct vdisk_open_options default_options(uint32_t flags);

/* Calls vdisk_create with the cluster's conf. An object_size of 0 means the default. */
void create_image(const char *spec, uint64_t size, uint64_t object_size);

/* The call must have succeeded; or have failed with `code` and a sentence that holds all of these texts. */
void assert_done(int result, const struct vdisk_error *err);
void assert_failed(int result, int code, const struct vdisk_error *err, const char *const fragments[]);
#define FRAGMENTS(...) ARGV(__VA_ARGS__)

#endif
