/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pool without room: an error, or waiting for it. */
#include "disk_fixture.h"

#include <errno.h>

#include "fake.h"

static int write_byte(struct vdisk *disk)
{
    return vdisk_pwrite(disk, "x", 1, 0, 0, NULL);
}

static void a_full_pool_is_an_error(void **state)
{
    static const int errors[] = {ENOSPC, EDQUOT};
    struct vdisk *disk = open_disk(IMAGE_URI, 0);
    char byte;

    (void)state;
    for (int i = 0; i < 2; i++) {
        fake_fill_pool("p", errors[i]);
        assert_int_equal(write_byte(disk), -errors[i]);
        assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    }
    fake_fill_pool("p", 0);
    assert_int_equal(write_byte(disk), 0);
    close_disk(disk);
}

static void waiting_can_be_chosen(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_WAIT_FOR_SPACE);
    struct vdisk_completion completion;
    struct vdisk_queue *queue;

    (void)state;
    assert_int_equal(vdisk_queue_create(&queue, NULL, NULL), 0);
    fake_fill_pool("p", ENOSPC);
    assert_int_equal(submit_write(queue, disk, "x", 1, 0), 0);
    allow_time_for(vdisk_queue_reap(queue, &completion, 1) != 0);
    assert_int_equal(vdisk_queue_in_flight(queue), 1);
    fake_fill_pool("p", 0);
    assert_int_equal(reap_one(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    close_disk(disk);
}

/* The choice is a disk's, not the connection's. */
static void both_can_share_a_connection(void **state)
{
    struct vdisk *waiting = open_disk(IMAGE_URI, VDISK_OPEN_WAIT_FOR_SPACE);
    struct vdisk *disk = open_disk(IMAGE_URI, 0);

    (void)state;
    assert_int_equal(fake_calls("rados_connect"), 1);
    fake_fill_pool("p", EDQUOT);
    assert_int_equal(write_byte(disk), -EDQUOT);
    fake_fill_pool("p", 0);
    assert_int_equal(write_byte(waiting), 0);
    close_disk(disk);
    close_disk(waiting);
}

static void it_is_still_so_after_reopening(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, 0);

    (void)state;
    assert_int_equal(vdisk_reopen(disk, 0, NULL), 0);
    fake_fill_pool("p", ENOSPC);
    assert_int_equal(write_byte(disk), -ENOSPC);
    fake_fill_pool("p", 0);
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_full_pool_is_an_error),
        TEST(waiting_can_be_chosen),
        TEST(both_can_share_a_connection),
        TEST(it_is_still_so_after_reopening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
