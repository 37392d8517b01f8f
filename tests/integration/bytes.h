/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests fill images with bytes, and compare what libvdisk, `rbd` and QEMU read. */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

/* Bytes that no two offsets, or seeds, have in common for long. To be freed. */
unsigned char *pattern(size_t size, uint64_t seed);
void fill(unsigned char *data, size_t size, uint64_t seed);
uint64_t next_random(uint64_t *state);
void assert_bytes(const unsigned char *actual, const unsigned char *expected, size_t size, const char *what);

/* Checks that `rbd export`, or `qemu-img convert`, reads `data`, and that the image has this size. */
void assert_rbd_exports(const char *spec, const unsigned char *data, size_t size);
void assert_qemu_converts(const char *spec, const unsigned char *data, size_t size);
/* Checks that vdisk_pread reads `data`, and that the disk has this size. */
void assert_disk_holds(struct vdisk *disk, const unsigned char *data, size_t size);
/* Has `rbd import` make the image. `options` may be NULL. */
void import_image(const char *spec, const unsigned char *data, size_t size, const char *const options[]);

#endif
