/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cache: that a flush of it can be believed; dropping it, and that nothing written is dropped with it. */
#include "disk_fixture.h"

#include <errno.h>

#include "fake.h"
#include "wrap.h"

static char tag;

/* Flushing. */

static struct vdisk *open_cached(uint32_t mode)
{
    struct vdisk_open_options options;
    struct vdisk *disk;

    vdisk_open_options_init(&options, sizeof options);
    options.cache_mode = mode;
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, &options, NULL), 0);
    return disk;
}

/* The first may hide that something could not be written, which the second then tries again. */
static void a_write_back_cache_is_flushed_twice(void **state)
{
    struct vdisk *disk = open_cached(VDISK_CACHE_WRITE_BACK);

    (void)state;
    assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_flush"), 2);
    assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_invalidate(disk, NULL), 0);
    assert_int_equal(fake_calls("rbd_flush"), 2);
    assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
    close_disk(disk);
    assert_int_equal(fake_calls("rbd_flush"), 4);
}

static void other_caches_are_flushed_once(void **state)
{
    static const uint32_t modes[] = {VDISK_CACHE_NONE, VDISK_CACHE_WRITE_THROUGH};

    (void)state;
    for (unsigned int i = 0; i < 2; i++) {
        struct vdisk *disk = open_cached(modes[i]);

        assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
        assert_int_equal(vdisk_flush(disk, NULL), 0);
        assert_int_equal(fake_calls("rbd_aio_flush"), i + 1);
        assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
        close_disk(disk);
        assert_int_equal(fake_calls("rbd_flush"), i + 1);
    }
}

static void either_flush_of_the_two_can_fail(void **state)
{
    struct vdisk *disk = open_cached(VDISK_CACHE_WRITE_BACK);

    (void)state;
    for (unsigned int n = 1; n <= 2; n++) {
        assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
        fake_fail_mode(FAKE_AT_COMPLETION);
        fake_fail_call("rbd_aio_flush", n, ENOSPC);
        assert_int_equal(vdisk_flush(disk, NULL), -ENOSPC);
        fake_fail_mode(FAKE_AT_SUBMISSION);
        assert_int_equal(vdisk_flush(disk, NULL), -ENOSPC);
        assert_int_equal(vdisk_acknowledge_loss(disk, NULL), 0);
        fake_fail_call("rbd_flush", n, ENOSPC);
        assert_int_equal(vdisk_invalidate(disk, NULL), -ENOSPC);
        assert_int_equal(vdisk_acknowledge_loss(disk, NULL), 0);
    }
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    close_disk(disk);
}

/* Dropping. */

static void the_cache_is_dropped(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_invalidate(fixture->disk, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(fake_calls("rbd_invalidate_cache"), 1);
    /* A flush would take the lock from another client. */
    assert_int_equal(fake_calls("rbd_flush"), 0);
}

static void a_read_only_disk_can_drop_it_too(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);

    (void)state;
    assert_int_equal(vdisk_invalidate(disk, NULL), 0);
    assert_int_equal(fake_calls("rbd_invalidate_cache"), 1);
    close_disk(disk);
}

static void what_was_written_is_flushed_first(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_invalidate(fixture->disk, NULL), 0);
    assert_int_equal(fake_calls("rbd_flush"), 1);
    /* It was a good flush, so that there is nothing for the next, nor for closing. */
    assert_int_equal(vdisk_invalidate(fixture->disk, NULL), 0);
    assert_int_equal(fake_calls("rbd_flush"), 1);
}

static void nothing_is_dropped_when_flushing_fails(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    fake_fail_call("rbd_flush", 1, ENOSPC);
    assert_int_equal(vdisk_invalidate(fixture->disk, &err), -ENOSPC);
    assert_says(&err, -ENOSPC, "Flushing image \"i\" before its cache is dropped failed: ");
    assert_int_equal(fake_calls("rbd_invalidate_cache"), 0);
    /* It sticks, as of any flush. */
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ENOSPC);
    assert_int_equal(vdisk_invalidate(fixture->disk, NULL), -ENOSPC);
    assert_int_equal(fake_calls("rbd_invalidate_cache"), 0);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_int_equal(vdisk_invalidate(fixture->disk, NULL), 0);
}

static void dropping_can_fail(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_fail_call("rbd_invalidate_cache", 1, EBUSY);
    assert_int_equal(vdisk_invalidate(fixture->disk, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Dropping the cache of image \"i\" failed: ");
}

static void a_queue_does_it_without_blocking(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;
    struct vdisk_error err;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    fake_block_call("rbd_flush");
    assert_int_equal(vdisk_aio_invalidate(fixture->queue, fixture->disk, 0, &tag, &err), 0);
    assert_true(fake_wait_blocked("rbd_flush"));
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 0);
    fake_unblock_call("rbd_flush");
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_ptr_equal(done.user_data, &tag);
    assert_int_equal(done.result, 0);
    assert_int_equal(fake_calls("rbd_invalidate_cache"), 1);

    fake_fail_call("rbd_invalidate_cache", 1, EBUSY);
    assert_int_equal(vdisk_aio_invalidate(fixture->queue, fixture->disk, 0, &tag, &err), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Dropping the cache of image \"i\" failed: ");
}

static void what_is_not_valid_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_invalidate(NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "The disk is NULL");
    assert_int_equal(vdisk_aio_invalidate(NULL, fixture->disk, 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "The queue is NULL");
    assert_int_equal(vdisk_aio_invalidate(fixture->queue, fixture->disk, 1, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "0x1");
    wrap_fail_call("calloc", 1);
    assert_int_equal(vdisk_invalidate(fixture->disk, &err), -ENOMEM);
    wrap_disarm();
    assert_says(&err, -ENOMEM, "Out of memory");
    assert_int_equal(fake_calls("rbd_invalidate_cache"), 0);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_write_back_cache_is_flushed_twice, set_up_cluster, tear_down_cluster),
        cmocka_unit_test_setup_teardown(other_caches_are_flushed_once, set_up_cluster, tear_down_cluster),
        cmocka_unit_test_setup_teardown(either_flush_of_the_two_can_fail, set_up_cluster, tear_down_cluster),
        DISK_TEST(the_cache_is_dropped),
        cmocka_unit_test_setup_teardown(a_read_only_disk_can_drop_it_too, set_up_cluster, tear_down_cluster),
        DISK_TEST(what_was_written_is_flushed_first),
        DISK_TEST(nothing_is_dropped_when_flushing_fails),
        DISK_TEST(dropping_can_fail),
        DISK_TEST(a_queue_does_it_without_blocking),
        DISK_TEST(what_is_not_valid_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
