/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of bytes share these functions: each moves the whole of a disk from or to memory, in another way. */
#ifndef MOVERS_H
#define MOVERS_H

#include "support.h"

/*
 * ODD_SIZE is a multiple of nothing. SECTOR_SIZE is a multiple of 512 and of nothing else: QEMU 7.2 aborts on an image
 * that ends inside a sector.
 */
#define ODD_SIZE (MIB(10) + 4097)
#define SECTOR_SIZE (MIB(10) + 4608)

typedef void (*mover)(struct vdisk *disk, unsigned char *data, size_t size);

/* One call writes or reads the whole disk. */
void write_at_once(struct vdisk *disk, unsigned char *data, size_t size);
void write_at_once_zero_copy(struct vdisk *disk, unsigned char *data, size_t size);
void read_at_once(struct vdisk *disk, unsigned char *data, size_t size);
void read_at_once_zero_copy(struct vdisk *disk, unsigned char *data, size_t size);
/* Several calls write it, in pieces of an odd size. */
void write_in_pieces(struct vdisk *disk, unsigned char *data, size_t size);
/* One call moves it from or to buffers of odd sizes. */
void write_vectors(struct vdisk *disk, unsigned char *data, size_t size);
void read_vectors(struct vdisk *disk, unsigned char *data, size_t size);
/* Requests on a queue move it, with buffers of odd sizes. */
void write_by_queue(struct vdisk *disk, unsigned char *data, size_t size);
void write_by_queue_zero_copy(struct vdisk *disk, unsigned char *data, size_t size);
void read_by_queue(struct vdisk *disk, unsigned char *data, size_t size);
void read_by_queue_zero_copy(struct vdisk *disk, unsigned char *data, size_t size);

/* Opens the image, and has `write` write `data`; or has `read` read it, which must find `expected`. */
void write_image(const char *image, unsigned char *data, size_t size, mover write);
void read_image(const char *image, const unsigned char *expected, size_t size, mover read);

#endif
