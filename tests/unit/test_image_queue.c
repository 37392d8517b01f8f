/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations on images, their snapshots and sizes, on a queue: nothing blocks, and the results come later. */
#include "image_helpers.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

/* A disk of the clone of the image's snapshot "s", and URIs of what there is and is not. */
struct world {
    struct vdisk_queue *queue;
    struct vdisk *disk;
    struct vdisk_uri *image;
    struct vdisk_uri *snapshot;
    struct vdisk_uri *missing;
    /* Out-parameters. */
    struct vdisk_image *images;
    struct vdisk_snapshot *snapshots;
    size_t count;
    struct vdisk_error err;
};

static int set_up(void **state)
{
    static struct world world;
    int r = set_up_parent(state);

    fake_create_clone("p", "", "i", "s", 1, "clone");
    memset(&world, 0, sizeof world);
    assert_int_equal(vdisk_queue_create(&world.queue, NULL, NULL), 0);
    world.disk = open_disk("rbd:p/clone", 0);
    assert_int_equal(vdisk_snapshot_create(world.disk, "mine", 0, NULL), 0);
    world.image = parse(IMAGE_URI);
    world.snapshot = parse("rbd:p/i@s");
    world.missing = parse("rbd:p/none");
    *state = &world;
    return r;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    close_disk(world->disk);
    assert_int_equal(vdisk_queue_destroy(world->queue), 0);
    vdisk_uri_free(world->image);
    vdisk_uri_free(world->snapshot);
    vdisk_uri_free(world->missing);
    vdisk_image_list_free(world->images);
    vdisk_snapshot_list_free(world->snapshots);
    return tear_down_cluster(state);
}

/* Each operation: what accepts it, what of librbd it calls, and what is to be seen when it is done. */

static int submit_create(struct world *world, uint32_t flags)
{
    return vdisk_aio_create(world->queue, world->missing, MIB, NULL, NULL, flags, world, &world->err);
}

static int submit_clone(struct world *world, uint32_t flags)
{
    return vdisk_aio_clone(world->queue, world->snapshot, world->missing, NULL, NULL, flags, world, &world->err);
}

static bool is_made(const struct world *world)
{
    (void)world;
    return fake_image_exists("p", "", "none");
}

static int submit_remove(struct world *world, uint32_t flags)
{
    if (!fake_image_exists("p", "", "none"))
        fake_create_image("p", "", "none", IMAGE_SIZE);
    return vdisk_aio_remove(world->queue, world->missing, NULL, flags, world, &world->err);
}

static bool is_removed(const struct world *world)
{
    (void)world;
    return !fake_image_exists("p", "", "none");
}

static int submit_rename(struct world *world, uint32_t flags)
{
    return vdisk_aio_rename(world->queue, world->image, "none", NULL, flags, world, &world->err);
}

static int submit_list(struct world *world, uint32_t flags)
{
    return vdisk_aio_list(world->queue, &world->images, &world->count, "p", NULL, NULL, flags, world, &world->err);
}

static bool is_listed(const struct world *world)
{
    return world->images && world->count == 2 && strcmp(world->images[0].name, "clone") == 0;
}

static int submit_flatten(struct world *world, uint32_t flags)
{
    return vdisk_aio_flatten(world->queue, world->disk, flags, world, &world->err);
}

static bool is_flat(const struct world *world)
{
    (void)world;
    return !fake_image_is_clone("p", "", "clone");
}

static int submit_resize(struct world *world, uint32_t flags)
{
    return vdisk_aio_resize(world->queue, world->disk, MIB, VDISK_RESIZE_SHRINK | flags, world, &world->err);
}

static bool is_resized(const struct world *world)
{
    return vdisk_get_size(world->disk) == MIB;
}

static int submit_snapshot_list(struct world *world, uint32_t flags)
{
    return vdisk_aio_snapshot_list(world->queue, &world->snapshots, &world->count, world->disk, flags, world,
                                   &world->err);
}

static bool are_snapshots_listed(const struct world *world)
{
    return world->snapshots && world->count == 1 && strcmp(world->snapshots[0].name, "mine") == 0;
}

static int submit_rollback(struct world *world, uint32_t flags)
{
    fake_image_write("p", "", "clone", 0, "new", 3);
    return vdisk_aio_snapshot_rollback(world->queue, world->disk, "mine", flags, world, &world->err);
}

static bool is_rolled_back(const struct world *world)
{
    char data[3];

    (void)world;
    fake_image_read("p", "", "clone", NULL, 0, data, sizeof data);
    return is_zero(data, sizeof data);
}

static int submit_snapshot_remove(struct world *world, uint32_t flags)
{
    return vdisk_aio_snapshot_remove(world->queue, world->disk, "mine", flags, world, &world->err);
}

static bool is_snapshot_removed(const struct world *world)
{
    (void)world;
    return fake_image_snapshots("p", "", "clone") == 0;
}

static const struct operation {
    int (*submit)(struct world *world, uint32_t flags);
    const char *function;
    bool (*is_done)(const struct world *world);
    bool has_progress;
    /* What librbd tells of it. */
    bool tells;
} operations[] = {
    {submit_create, "rbd_create4", is_made, false, false},
    {submit_clone, "rbd_clone3", is_made, false, false},
    {submit_remove, "rbd_remove_with_progress", is_removed, true, true},
    {submit_rename, "rbd_rename", is_made, false, false},
    {submit_list, "rbd_list2", is_listed, false, false},
    {submit_flatten, "rbd_flatten_with_progress", is_flat, true, true},
    {submit_resize, "rbd_resize2", is_resized, true, true},
    {submit_snapshot_list, "rbd_snap_list", are_snapshots_listed, false, false},
    {submit_rollback, "rbd_snap_rollback_with_progress", is_rolled_back, true, true},
    {submit_snapshot_remove, "rbd_snap_remove2", is_snapshot_removed, true, false},
};

#define OPERATIONS (sizeof operations / sizeof *operations)

static void for_each(void **state, void (*check)(struct world *world, const struct operation *operation))
{
    assert_int_equal(tear_down(state), 0);
    for (size_t i = 0; i < OPERATIONS; i++) {
        assert_int_equal(set_up(state), 0);
        check(*state, &operations[i]);
        assert_int_equal(tear_down(state), 0);
    }
    assert_int_equal(set_up(state), 0);
}

static struct vdisk_completion reap(struct world *world)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(world->queue, &done, 1, 1, 30000), 1);
    assert_ptr_equal(done.user_data, world);
    return done;
}

/* The result. */

static void do_it(struct world *world, const struct operation *operation)
{
    struct vdisk_completion done;

    assert_int_equal(operation->submit(world, 0), 0);
    assert_int_equal(world->err.code, 0);
    done = reap(world);
    assert_int_equal(done.result, 0);
    assert_int_equal(done.flags, 0);
    assert_true(operation->is_done(world));
    assert_int_equal(fake_calls(operation->function) > 0, true);
    assert_int_equal(vdisk_queue_in_flight(world->queue), 0);
}

static void each_is_done_when_it_is_reaped(void **state)
{
    for_each(state, do_it);
}

/* The queue's thread submits, reads and reaps, while librbd does not come back. */
static void block_it(struct world *world, const struct operation *operation)
{
    struct vdisk *other = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    struct vdisk_completion done;
    char data[512];

    fake_block_call(operation->function);
    assert_int_equal(operation->submit(world, 0), 0);
    assert_null(world->images);
    assert_null(world->snapshots);
    assert_int_equal(world->count, 0);
    assert_true(fake_wait_blocked(operation->function));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(submit_read(world->queue, other, data, sizeof data, 0), 0);
        assert_int_equal(submit_read(world->queue, world->disk, data, sizeof data, 0), 0);
        assert_int_equal(reap_one(world->queue), 0);
        assert_int_equal(reap_one(world->queue), 0);
    }
    assert_int_equal(vdisk_queue_reap(world->queue, &done, 1), 0);
    assert_int_equal(vdisk_queue_in_flight(world->queue), 1);
    fake_unblock_call(operation->function);
    assert_int_equal(reap(world).result, 0);
    assert_true(operation->is_done(world));
    close_disk(other);
}

static void none_blocks_the_queue(void **state)
{
    for_each(state, block_it);
}

/* Failures. */

static void fail_it(struct world *world, const struct operation *operation)
{
    struct vdisk_completion done;
    struct vdisk_error err;

    fake_fail_call(operation->function, 1, EIO);
    assert_int_equal(operation->submit(world, 0), 0);
    done = reap(world);
    assert_int_equal(done.result, -EIO);
    assert_int_equal(vdisk_queue_error(world->queue, &done, &err), -EIO);
    assert_says(&err, -EIO, "Input/output error.");
    assert_false(operation->is_done(world));
    assert_null(world->images);
    assert_null(world->snapshots);
    assert_int_equal(world->count, 0);
}

static void each_failure_comes_with_its_sentence(void **state)
{
    for_each(state, fail_it);
}

static void refuse_it(struct world *world, const struct operation *operation)
{
    unsigned int calls = fake_calls(operation->function);

    assert_int_equal(operation->submit(world, 1u << 20), -EINVAL);
    assert_says(&world->err, -EINVAL, "flags 0x100000 ");
    assert_int_equal(operation->submit(world, VDISK_AIO_PROGRESS), operation->has_progress ? 0 : -EINVAL);
    if (operation->has_progress)
        while (reap(world).flags & VDISK_COMPLETION_MORE)
            continue;
    else
        assert_int_equal(fake_calls(operation->function), calls);
    assert_int_equal(vdisk_queue_in_flight(world->queue), 0);
}

static void flags_that_are_not_known_are_refused(void **state)
{
    for_each(state, refuse_it);
}

static void submit_to_none(struct world *world, const struct operation *operation)
{
    struct vdisk_queue *queue = world->queue;

    world->queue = NULL;
    assert_int_equal(operation->submit(world, 0), -EINVAL);
    assert_says(&world->err, -EINVAL, "queue is NULL");
    world->queue = queue;
}

static void a_queue_is_needed(void **state)
{
    for_each(state, submit_to_none);
}

/* Progress. */

static void watch_it(struct world *world, const struct operation *operation)
{
    struct vdisk_completion done;
    unsigned int reports = 0;

    if (!operation->has_progress)
        return;
    assert_int_equal(operation->submit(world, VDISK_AIO_PROGRESS), 0);
    while ((done = reap(world)).flags & VDISK_COMPLETION_MORE) {
        assert_int_equal(done.result, 0);
        assert_true(done.value <= VDISK_PROGRESS_WHOLE);
        reports++;
    }
    assert_int_equal(done.result, 0);
    assert_int_equal(reports > 0, operation->tells);
    assert_true(operation->is_done(world));
}

static void progress_is_told_on_request(void **state)
{
    for_each(state, watch_it);
}

/* What is passed is copied. */

static void names_may_go_at_once(void **state)
{
    struct world *world = *state;
    char name[] = "new";
    struct vdisk_uri *uri = parse(IMAGE_URI);

    fake_block_call("rbd_rename");
    assert_int_equal(vdisk_aio_rename(world->queue, uri, name, NULL, 0, world, NULL), 0);
    vdisk_uri_free(uri);
    memset(name, 'x', sizeof name);
    fake_unblock_call("rbd_rename");
    assert_int_equal(reap(world).result, 0);
    assert_true(fake_image_exists("p", "", "new"));
}

static void options_may_go_at_once(void **state)
{
    struct world *world = *state;
    char pool[] = "data", list_pool[] = "p", value[] = "17";
    struct vdisk_option option = {"client_mount_timeout", value};
    struct vdisk_create_options create;
    struct vdisk_open_options connect;

    fake_create_pool("data");
    vdisk_create_options_init(&create, sizeof create);
    create.data_pool = pool;
    vdisk_open_options_init(&connect, sizeof connect);
    connect.options = &option;
    connect.option_count = 1;
    fake_block_call("rados_create");
    assert_int_equal(vdisk_aio_create(world->queue, world->missing, MIB, &create, &connect, 0, world, NULL), 0);
    assert_int_equal(
        vdisk_aio_list(world->queue, &world->images, &world->count, list_pool, NULL, &connect, 0, world, NULL), 0);
    memset(pool, 'x', sizeof pool);
    memset(list_pool, 'x', sizeof list_pool);
    memset(value, '1', sizeof value);
    memset(&create, 0xff, sizeof create);
    memset(&connect, 0xff, sizeof connect);
    memset(&option, 0xff, sizeof option);
    fake_unblock_call("rados_create");
    assert_int_equal(reap(world).result, 0);
    assert_int_equal(reap(world).result, 0);
    assert_string_equal(fake_image_layout("p", "", "none").data_pool, "data");
    assert_string_equal(fake_conf_get("client_mount_timeout"), "17");
    assert_true(world->count > 0);
}

/* Order, closing, and cancelling. */

static void operations_on_one_disk_keep_their_order(void **state)
{
    struct world *world = *state;

    fake_block_call("rbd_resize2");
    assert_int_equal(submit_resize(world, 0), 0);
    assert_int_equal(vdisk_aio_snapshot_create(world->queue, world->disk, "after", 0, world, NULL), 0);
    assert_int_equal(submit_flatten(world, 0), 0);
    assert_true(fake_wait_blocked("rbd_resize2"));
    allow_time_for(fake_calls("rbd_flatten_with_progress") > 0);
    assert_int_equal(fake_image_snapshots("p", "", "clone"), 1);
    fake_unblock_call("rbd_resize2");
    for (int i = 0; i < 3; i++)
        assert_int_equal(reap(world).result, 0);
    assert_int_equal(vdisk_snapshot_list(&world->snapshots, &world->count, world->disk, NULL), 0);
    assert_int_equal(world->count, 2);
    assert_int_equal(world->snapshots[1].size, MIB);
}

static void operations_on_images_do_not_wait_for_each_other(void **state)
{
    struct world *world = *state;

    fake_block_call("rbd_rename");
    assert_int_equal(submit_rename(world, 0), 0);
    assert_true(fake_wait_blocked("rbd_rename"));
    assert_int_equal(submit_list(world, 0), 0);
    assert_int_equal(reap(world).result, 0);
    assert_true(is_listed(world));
    fake_unblock_call("rbd_rename");
    assert_int_equal(reap(world).result, 0);
}

static void closing_waits_for_them(void **state)
{
    struct world *world = *state;
    struct closing closing;

    fake_block_call("rbd_flatten_with_progress");
    assert_int_equal(submit_flatten(world, 0), 0);
    assert_true(fake_wait_blocked("rbd_flatten_with_progress"));
    start_closing(&closing, world->disk);
    assert_int_equal(submit_flatten(world, 0), -ESHUTDOWN);
    fake_unblock_call("rbd_flatten_with_progress");
    assert_int_equal(end_closing(&closing), 0);
    assert_int_equal(reap(world).result, 0);
    assert_true(is_flat(world));
    world->disk = open_disk("rbd:p/clone", 0);
}

static void a_queue_with_one_of_them_is_not_destroyed(void **state)
{
    struct world *world = *state;

    fake_block_call("rbd_list2");
    assert_int_equal(submit_list(world, 0), 0);
    assert_true(fake_wait_blocked("rbd_list2"));
    assert_int_equal(vdisk_queue_destroy(world->queue), -EBUSY);
    fake_unblock_call("rbd_list2");
    assert_int_equal(reap(world).result, 0);
}

/* Forked children. */

static bool is_all_refused(struct world *world)
{
    struct vdisk_uri *uri = world->image, *snapshot = world->snapshot, *missing = world->missing;
    struct vdisk_queue *queue = world->queue;
    struct vdisk *disk = world->disk;
    int results[] = {
        vdisk_create(missing, MIB, NULL, NULL, NULL),
        vdisk_aio_create(queue, missing, MIB, NULL, NULL, 0, NULL, NULL),
        vdisk_clone(snapshot, missing, NULL, NULL, NULL),
        vdisk_aio_clone(queue, snapshot, missing, NULL, NULL, 0, NULL, NULL),
        vdisk_remove(uri, NULL, NULL),
        vdisk_aio_remove(queue, uri, NULL, 0, NULL, NULL),
        vdisk_rename(uri, "none", NULL, NULL),
        vdisk_aio_rename(queue, uri, "none", NULL, 0, NULL, NULL),
        vdisk_list(&world->images, &world->count, "p", NULL, NULL, NULL),
        vdisk_aio_list(queue, &world->images, &world->count, "p", NULL, NULL, 0, NULL, NULL),
        vdisk_flatten(disk, 0, NULL),
        vdisk_aio_flatten(queue, disk, 0, NULL, NULL),
        vdisk_aio_resize(queue, disk, MIB, VDISK_RESIZE_SHRINK, NULL, NULL),
        vdisk_aio_snapshot_list(queue, &world->snapshots, &world->count, disk, 0, NULL, NULL),
        vdisk_aio_snapshot_remove(queue, disk, "mine", 0, NULL, NULL),
    };

    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (results[i] != -EPERM)
            return false;
    }
    return true;
}

static void a_forked_child_can_do_none_of_it(void **state)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        /* Ends a call that hangs. */
        alarm(60);
        _exit(is_all_refused(*state) ? 0 : 1);
    }
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_is_done_when_it_is_reaped),
        TEST(none_blocks_the_queue),
        TEST(each_failure_comes_with_its_sentence),
        TEST(flags_that_are_not_known_are_refused),
        TEST(a_queue_is_needed),
        TEST(progress_is_told_on_request),
        TEST(names_may_go_at_once),
        TEST(options_may_go_at_once),
        TEST(operations_on_one_disk_keep_their_order),
        TEST(operations_on_images_do_not_wait_for_each_other),
        TEST(closing_waits_for_them),
        TEST(a_queue_with_one_of_them_is_not_destroyed),
        TEST(a_forked_child_can_do_none_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
