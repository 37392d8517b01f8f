/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queue_disk.h"

#include <poll.h>
#include <stdlib.h>

struct fixture set_up_disk(uint32_t flags)
{
    struct fixture fixture = {new_image(), pattern(SIZE, 1), NULL};

    import_image(fixture.image, fixture.data, SIZE, NULL);
    fixture.disk = open_disk(fixture.image, flags);
    return fixture;
}

void take_down_disk(struct fixture *fixture)
{
    if (fixture->disk)
        close_disk(fixture->disk);
    free(fixture->data);
}

int read_into(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, size_t length, uint64_t offset,
              uint32_t flags)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_readv(queue, disk, &iov, 1, offset, flags, buffer);
}

int write_from(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, size_t length, uint64_t offset,
               uint32_t flags)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_writev(queue, disk, &iov, 1, offset, flags, buffer);
}

bool is_readable(const struct vdisk_queue *queue, int timeout_ms)
{
    struct pollfd bell = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&bell, 1, timeout_ms) == 1 && bell.revents == POLLIN;
}

void end_queue(struct vdisk_queue *queue)
{
    reap_all(queue);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}
