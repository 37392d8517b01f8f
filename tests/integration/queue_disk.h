/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of queues share these helpers: a disk with known bytes, and requests to it. */
#ifndef QUEUE_DISK_H
#define QUEUE_DISK_H

#include "support.h"

#define SIZE (MIB(6) + 4097)

/* An image of SIZE bytes that holds `data`, and a disk of it. A test that closes the disk sets it to NULL. */
struct fixture {
    const char *image;
    unsigned char *data;
    struct vdisk *disk;
};

struct fixture set_up_disk(uint32_t flags);
void take_down_disk(struct fixture *fixture);

/* Submit a request of one buffer, which is also the request's tag. */
int read_into(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, size_t length, uint64_t offset,
              uint32_t flags);
int write_from(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, size_t length, uint64_t offset,
               uint32_t flags);

/* Returns whether poll says that the queue's descriptor is readable. */
bool is_readable(const struct vdisk_queue *queue, int timeout_ms);

/* Reaps what is in flight and destroys the queue. */
void end_queue(struct vdisk_queue *queue);

#endif
