/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What disks have to do aside: each in its order, none held up by the others'. */
#include "disk_fixture.h"

#include <string.h>

#include "base/container.h"
#include "fake.h"
#include "thread/background.h"
#include "thread_helpers.h"
#include "wrap.h"

struct fixture_of_two {
    struct vd_worker worker;
    struct vd_executor *executor;
    struct vd_background first, second;
};

static int set_up(void **state)
{
    static struct fixture_of_two two;

    memset(&two, 0, sizeof two);
    two.executor = vd_executor_new(4);
    if (!two.executor || vd_worker_start(&two.worker) < 0)
        return -1;
    vd_background_init(&two.first, &two.worker, two.executor);
    vd_background_init(&two.second, &two.worker, two.executor);
    *state = &two;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture_of_two *two = *state;

    vd_background_flush(&two->first);
    vd_background_flush(&two->second);
    vd_worker_stop(&two->worker);
    vd_executor_put(two->executor);
    return 0;
}

struct noted {
    struct vd_background_job background_job;
    unsigned int place;
    pthread_t thread;
};

static unsigned int ran;

static void note(struct vd_background_job *background_job)
{
    struct noted *noted = VD_CONTAINER_OF(background_job, struct noted, background_job);

    noted->place = ++ran;
    noted->thread = pthread_self();
}

struct blocker {
    struct vd_background_job background_job;
    struct checkpoint checkpoint;
};

static void block(struct vd_background_job *background_job)
{
    pass_checkpoint(&VD_CONTAINER_OF(background_job, struct blocker, background_job)->checkpoint);
}

static void start_blocking(struct blocker *blocker, struct vd_background *background)
{
    init_checkpoint(&blocker->checkpoint, true);
    blocker->background_job.run = block;
    vd_background_post(background, &blocker->background_job);
    await_checkpoint(&blocker->checkpoint);
}

static void chores_are_done_in_their_order(void **state)
{
    static struct noted noted[500];
    struct fixture_of_two *two = *state;

    ran = 0;
    for (int i = 0; i < 500; i++) {
        noted[i].background_job.run = note;
        vd_background_post(&two->first, &noted[i].background_job);
    }
    vd_background_flush(&two->first);
    for (unsigned int i = 0; i < 500; i++)
        assert_int_equal(noted[i].place, i + 1);
}

static void one_that_blocks_holds_up_its_own_only(void **state)
{
    struct fixture_of_two *two = *state;
    struct noted own = {.background_job.run = note}, other = {.background_job.run = note};
    static struct blocker blocker;

    ran = 0;
    start_blocking(&blocker, &two->first);
    vd_background_post(&two->first, &own.background_job);
    vd_background_post(&two->second, &other.background_job);
    vd_background_flush(&two->second);
    assert_int_equal(other.place, 1);
    assert_int_equal(own.place, 0);
    open_checkpoint(&blocker.checkpoint);
    vd_background_flush(&two->first);
    assert_int_equal(own.place, 2);
}

static void the_worker_does_them_when_there_are_no_threads(void **state)
{
    struct fixture_of_two *two = *state;
    struct noted noted = {.background_job.run = note};

    ran = 0;
    wrap_fail_call("pthread_create", 1);
    vd_background_post(&two->first, &noted.background_job);
    vd_worker_flush(&two->worker);
    assert_true(wrap_disarm());
    assert_int_equal(noted.place, 1);
    assert_true(pthread_equal(noted.thread, two->worker.thread));
    wrap_fail_call("pthread_create", 1);
    vd_background_flush(&two->first);
    assert_true(wrap_disarm());
}

/* Disks on one connection. */

static int set_up_disks(void **state)
{
    set_up_cluster(state);
    fake_create_image("p", "", "other", IMAGE_SIZE);
    return 0;
}

static void an_image_that_does_not_answer_holds_up_no_other(void **state)
{
    struct vdisk *stuck = open_polled(IMAGE_URI), *disk;

    (void)state;
    fake_block_call("rbd_open_read_only");
    assert_true(fake_wait_blocked("rbd_open_read_only"));
    disk = open_disk("rbd:p/other", 0);
    assert_int_equal(fake_calls("rados_connect"), 1);
    fake_resize_image("p", "", "other", 2 * IMAGE_SIZE, true);
    wait_until(vdisk_get_size(disk) == 2 * IMAGE_SIZE);
    close_disk(disk);
    fake_unblock_call("rbd_open_read_only");
    close_disk(stuck);
}

static void a_slow_look_is_not_asked_for_again(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);

    (void)state;
    fake_block_call("rbd_open_read_only");
    assert_true(fake_wait_blocked("rbd_open_read_only"));
    fake_resize_image("p", "", "i", 2 * IMAGE_SIZE, false);
    allow_time_for(false);
    fake_unblock_call("rbd_open_read_only");
    wait_until(vdisk_get_size(disk) == 2 * IMAGE_SIZE);
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define WITH_DISKS(name) cmocka_unit_test_setup_teardown(name, set_up_disks, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(chores_are_done_in_their_order),
        TEST(one_that_blocks_holds_up_its_own_only),
        TEST(the_worker_does_them_when_there_are_no_threads),
        WITH_DISKS(an_image_that_does_not_answer_holds_up_no_other),
        WITH_DISKS(a_slow_look_is_not_asked_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
