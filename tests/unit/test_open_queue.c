/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening through a queue: nothing blocks, what is cancelled is closed. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"
#include "wrap.h"

struct world {
    struct vdisk_queue *queue;
    struct vdisk_uri *uri;
    struct vdisk *disk;
    struct vdisk_error err;
};

static int set_up(void **state)
{
    static struct world world;

    set_up_cluster(NULL);
    memset(&world, 0, sizeof world);
    assert_int_equal(vdisk_queue_create(&world.queue, NULL, NULL), 0);
    assert_int_equal(vdisk_uri_parse(&world.uri, IMAGE_URI, NULL), 0);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    assert_int_equal(vdisk_queue_destroy(world->queue), 0);
    vdisk_uri_free(world->uri);
    return tear_down_cluster(NULL);
}

static int submit(struct world *world)
{
    return vdisk_aio_open(world->queue, &world->disk, world->uri, NULL, 0, world, &world->err);
}

static struct vdisk_completion reap(struct world *world)
{
    struct vdisk_completion completion;

    assert_int_equal(vdisk_queue_wait(world->queue, &completion, 1, 1, 30000), 1);
    assert_ptr_equal(completion.user_data, world);
    return completion;
}

static void the_disk_comes_with_the_completion(void **state)
{
    struct world *world = *state;
    struct vdisk_completion completion;
    char byte;

    world->disk = (void *)1;
    fake_block_call("rbd_open");
    assert_int_equal(submit(world), 0);
    assert_null(world->disk);
    assert_true(fake_wait_blocked("rbd_open"));
    assert_int_equal(vdisk_queue_reap(world->queue, &completion, 1), 0);
    fake_unblock_call("rbd_open");
    wait_until(vdisk_queue_in_flight(world->queue) == 1 && fake_calls("rbd_update_watch") == 1);
    /* Only on the caller's thread, in a call of the caller's. */
    allow_time_for(world->disk != NULL);
    assert_null(world->disk);
    completion = reap(world);
    assert_int_equal(completion.result, 0);
    assert_non_null(world->disk);
    assert_ptr_equal(completion.disk, world->disk);
    assert_int_equal(vdisk_pread(world->disk, &byte, 1, 0, 0, NULL), 0);
    close_disk(world->disk);
}

static void a_failure_is_the_completions(void **state)
{
    struct world *world = *state;
    struct vdisk_completion completion;

    fake_remove_image("p", "", "i");
    assert_int_equal(submit(world), 0);
    completion = reap(world);
    assert_int_equal(completion.result, -ENOENT);
    assert_null(completion.disk);
    assert_null(world->disk);
    assert_int_equal(vdisk_queue_error(world->queue, &completion, &world->err), -ENOENT);
    assert_says(&world->err, -ENOENT, "no image \"i\"");
}

static void what_makes_no_sense_is_refused_at_once(void **state)
{
    struct world *world = *state;
    struct vdisk_open_options options;
    struct vdisk_uri *snapshot;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = UINT32_MAX;
    assert_int_equal(vdisk_uri_parse(&snapshot, IMAGE_URI "@s", NULL), 0);
    assert_int_equal(vdisk_aio_open(world->queue, NULL, world->uri, NULL, 0, NULL, &world->err), -EINVAL);
    assert_int_equal(vdisk_aio_open(NULL, &world->disk, world->uri, NULL, 0, NULL, &world->err), -EINVAL);
    assert_int_equal(vdisk_aio_open(world->queue, &world->disk, NULL, NULL, 0, NULL, &world->err), -EINVAL);
    assert_int_equal(vdisk_aio_open(world->queue, &world->disk, world->uri, NULL, 1, NULL, &world->err), -EINVAL);
    assert_int_equal(vdisk_aio_open(world->queue, &world->disk, world->uri, &options, 0, NULL, &world->err), -EINVAL);
    assert_int_equal(vdisk_aio_open(world->queue, &world->disk, snapshot, NULL, 0, NULL, &world->err), -EROFS);
    assert_says(&world->err, -EROFS, "VDISK_OPEN_READ_ONLY");
    assert_int_equal(vdisk_queue_in_flight(world->queue), 0);
    assert_int_equal(fake_calls(NULL), 0);
    vdisk_uri_free(snapshot);
}

static void the_callers_arguments_are_copied(void **state)
{
    struct world *world = *state;
    struct vdisk_open_options options;
    char key[] = "rbd_cache_size", value[] = "1M", id[] = "me";
    struct vdisk_option own = {key, value};
    struct vdisk_uri *uri;

    vdisk_open_options_init(&options, sizeof options);
    options.id = id;
    options.options = &own;
    options.option_count = 1;
    fake_block_call("rados_create");
    assert_int_equal(vdisk_uri_parse(&uri, IMAGE_URI ":rbd_cache_max_dirty=7", NULL), 0);
    assert_int_equal(vdisk_aio_open(world->queue, &world->disk, uri, &options, 0, world, &world->err), 0);
    vdisk_uri_free(uri);
    memset(key, 'x', sizeof key - 1);
    memset(value, 'x', sizeof value - 1);
    memset(id, 'x', sizeof id - 1);
    memset(&own, 0, sizeof own);
    fake_unblock_call("rados_create");
    assert_int_equal(reap(world).result, 0);
    assert_string_equal(fake_conf_get("rbd_cache_size"), "1048576");
    assert_string_equal(fake_conf_get("rbd_cache_max_dirty"), "7");
    assert_contains(fake_conf_log(), "create id=me");
    close_disk(world->disk);
}

static void a_cancelled_open_closes_what_it_opens(void **state)
{
    struct world *world = *state;
    struct vdisk_completion completion;

    fake_block_call("rbd_open");
    assert_int_equal(submit(world), 0);
    assert_true(fake_wait_blocked("rbd_open"));
    world->disk = (void *)1;
    assert_int_equal(vdisk_queue_cancel(world->queue, world), 1);
    completion = reap(world);
    assert_int_equal(completion.result, -ECANCELED);
    assert_null(completion.disk);
    assert_int_equal(fake_calls("rados_shutdown"), 0);
    fake_unblock_call("rbd_open");
    wait_until(fake_calls("rados_shutdown") == 1);
    assert_int_equal(fake_calls("rbd_close"), 1);
    /* The caller's memory is not touched any more. */
    assert_ptr_equal(world->disk, (void *)1);
}

static void a_cancelled_open_that_fails_leaves_nothing(void **state)
{
    struct world *world = *state;

    fake_fail_call("rbd_open", 1, EIO);
    fake_block_call("rbd_open");
    assert_int_equal(submit(world), 0);
    assert_true(fake_wait_blocked("rbd_open"));
    assert_int_equal(vdisk_queue_cancel(world->queue, world), 1);
    assert_int_equal(reap(world).result, -ECANCELED);
    fake_unblock_call("rbd_open");
    wait_until(fake_calls("rados_shutdown") == 1);
}

static void a_queue_goes_on_while_a_cluster_does_not_answer(void **state)
{
    struct world *world = *state;
    struct vdisk *other = open_disk(IMAGE_URI ":rbd_cache_size=1M", 0);
    char byte;

    fake_block_call("rados_connect");
    assert_int_equal(submit(world), 0);
    assert_true(fake_wait_blocked("rados_connect"));
    for (int i = 0; i < 100; i++) {
        struct vdisk_completion completion;

        assert_int_equal(submit_read(world->queue, other, &byte, 1, 0), 0);
        assert_int_equal(vdisk_queue_wait(world->queue, &completion, 1, 1, 30000), 1);
        assert_int_equal(completion.result, 0);
    }
    fake_unblock_call("rados_connect");
    assert_int_equal(reap(world).result, 0);
    close_disk(world->disk);
    close_disk(other);
}

static void many_open_at_once_on_few_connections(void **state)
{
    enum { COUNT = 100 };
    static struct vdisk *disks[COUNT];
    struct world *world = *state;

    for (int i = 0; i < COUNT; i++)
        assert_int_equal(vdisk_aio_open(world->queue, &disks[i], world->uri, NULL, 0, world, NULL), 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(reap(world).result, 0);
    assert_int_equal(fake_calls("rados_connect"), (COUNT + 15) / 16);
    for (int i = 0; i < COUNT; i++)
        close_disk(disks[i]);
}

static void signals_are_blocked_around_it(void **state)
{
    struct world *world = *state;

    assert_int_equal(submit(world), 0);
    assert_int_equal(reap(world).result, 0);
    assert_true(fake_signals_blocked("rados_connect"));
    assert_true(fake_signals_blocked("rbd_open"));
    close_disk(world->disk);
}

static void every_allocation_may_fail(void **state)
{
    struct world *world = *state;
    unsigned int n = 0;
    bool struck;

    do {
        int r;

        wrap_fail_nth_anywhere(++n);
        r = submit(world);
        if (r == 0)
            r = reap(world).result;
        struck = wrap_disarm();
        assert_true(r == 0 || struck);
        if (r == 0)
            close_disk(world->disk);
        else
            assert_null(world->disk);
    } while (struck);
    assert_true(n > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_disk_comes_with_the_completion),
        TEST(a_failure_is_the_completions),
        TEST(what_makes_no_sense_is_refused_at_once),
        TEST(the_callers_arguments_are_copied),
        TEST(a_cancelled_open_closes_what_it_opens),
        TEST(a_cancelled_open_that_fails_leaves_nothing),
        TEST(a_queue_goes_on_while_a_cluster_does_not_answer),
        TEST(many_open_at_once_on_few_connections),
        TEST(signals_are_blocked_around_it),
        TEST(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
