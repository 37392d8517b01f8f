/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* News of an image that come while its disk is being closed. */
#include "disk_fixture.h"

#include <errno.h>

#include "fake.h"

static int close_now(void *disk)
{
    return vdisk_close(disk, NULL);
}

/* Its callback can come until the image is closed, and must then use neither the image nor, later, the disk. */
static void a_watch_that_cannot_be_taken_back_is_not_heard(void **state)
{
    struct fixture *fixture = *state;
    struct background closing;
    unsigned int questions;

    assert_true(fake_wait_idle());
    fake_fail_call("rbd_update_unwatch", 1, EIO);
    fake_block_call("rbd_close");
    start_background(&closing, close_now, fixture->disk);
    assert_true(fake_wait_blocked("rbd_close"));
    questions = fake_calls("rbd_get_size");
    fake_notify("p", "", "i");
    assert_true(fake_wait_idle());
    fake_unblock_call("rbd_close");
    assert_int_equal(end_background(&closing), 0);
    assert_int_equal(fake_calls("rbd_get_size"), questions);
    fixture->disk = NULL;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_watch_that_cannot_be_taken_back_is_not_heard, set_up_disk, tear_down_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
