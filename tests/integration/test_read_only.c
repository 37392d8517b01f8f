/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests disks that are open read-only: they refuse writes, and take neither lock nor watch. */
#include "openings.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>

static void a_read_only_disk_refuses_every_write(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 2), *other = pattern(SIZE, 3);
    struct vdisk_queue *queue = new_queue(4);
    struct iovec iov = {other, SIZE};
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, SIZE, NULL);
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        const char *const *name = FRAGMENTS(base_name(image), "read-only");

        assert_failed(vdisk_pwrite(disk, other, SIZE, 0, flags, &err), -EROFS, &err, name);
        assert_failed(vdisk_pwritev(disk, &iov, 1, 0, flags, &err), -EROFS, &err, name);
        assert_int_equal(vdisk_aio_writev(queue, disk, &iov, 1, 0, flags, NULL), -EROFS);
    }
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    assert_rbd_exports(image, data, SIZE);
    free(data);
    free(other);
}

static void flushing_a_read_only_disk_does_nothing_and_succeeds(void **state)
{
    struct vdisk *disk = open_disk(plain_image(), VDISK_OPEN_READ_ONLY);
    struct vdisk_queue *queue = new_queue(4);
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_flush(disk, &err), &err);
    assert_int_equal(vdisk_aio_flush(queue, disk, 0, NULL), 0);
    assert_int_equal(wait_one(queue).result, 0);
    close_disk(disk);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

/* It takes no lock and no watch: an image with neither can be removed. */
static void a_read_only_disk_does_not_keep_the_image_from_being_removed(void **state)
{
    const char *image = plain_image();
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);

    (void)state;
    RBD("rm", image);
    close_disk(disk);
}

static void a_disk_that_can_be_written_keeps_the_image_from_being_removed(void **state)
{
    const char *image = plain_image();
    struct vdisk *disk = open_disk(image, 0);

    (void)state;
    assert_int_not_equal(RBD_STATUS("rm", image), 0);
    close_disk(disk);
    RBD("rm", image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_only_disk_refuses_every_write),
        TEST(flushing_a_read_only_disk_does_nothing_and_succeeds),
        TEST(a_read_only_disk_does_not_keep_the_image_from_being_removed),
        TEST(a_disk_that_can_be_written_keeps_the_image_from_being_removed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
