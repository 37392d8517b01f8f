/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue's thread never blocks. Every call of librbd and librados but rbd_aio_... waits until it is let go, one step
 * at a time; and all the while the thread submits and reaps reads, whichever operation is under way on its queue.
 */
#include "disk_fixture.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

struct stage;

/* A queue form, in circumstances where it succeeds. */
struct form {
    const char *name;
    int (*submit)(struct stage *stage);
    /* Looks at the findings, and frees them. NULL: there are none. */
    void (*check)(struct stage *stage);
    /* What there is: nothing; an image; that and a disk on it; a clone and a disk on it. */
    enum { NOTHING, IMAGE, DISK, CLONE } has;
    /* The image has a snapshot "s", and it is protected. */
    bool has_snapshot;
    bool is_protected;
    /* A request, which these make wait. */
    unsigned int held;
};

/* One form being tried. */
struct stage {
    const struct form *form;
    struct vdisk_queue *queue;
    char image[32];
    struct vdisk_uri *uri, *snapshot_uri;
    struct vdisk *disk;
    bool done;
    /* How often librbd was found waiting, or a request held, and reads went on. */
    unsigned int stalls;
    /* Findings. */
    struct vdisk_snapshot *snapshots;
    struct vdisk_image *images;
    struct vdisk_extent extents[4];
    size_t count;
    uint64_t next;
    char data[512];
};

/* The forms. */

static int submit_clone(struct stage *stage)
{
    return vdisk_aio_clone(stage->queue, stage->snapshot_uri, stage->uri, NULL, NULL, 0, stage, NULL);
}

static int submit_close(struct stage *stage)
{
    struct vdisk *disk = stage->disk;

    stage->disk = NULL;
    return vdisk_aio_close(stage->queue, disk, -1, 0, stage, NULL);
}

static int submit_compare_and_write(struct stage *stage)
{
    return vdisk_aio_compare_and_write(stage->queue, stage->disk, stage->data, stage->data, 512, 0, 0, stage);
}

static int submit_create(struct stage *stage)
{
    return vdisk_aio_create(stage->queue, stage->uri, MIB, NULL, NULL, 0, stage, NULL);
}

static int submit_diff(struct stage *stage)
{
    stage->count = LENGTH(stage->extents);
    return vdisk_aio_diff(stage->queue, stage->extents, &stage->count, &stage->next, stage->disk, "s", 0, MIB, 0, stage,
                          NULL);
}

static int submit_discard(struct stage *stage)
{
    return vdisk_aio_discard(stage->queue, stage->disk, MIB, 0, 0, stage);
}

static int submit_extents(struct stage *stage)
{
    stage->count = LENGTH(stage->extents);
    return vdisk_aio_extents(stage->queue, stage->extents, &stage->count, &stage->next, stage->disk, 0, MIB, 0, stage,
                             NULL);
}

static void check_extents(struct stage *stage)
{
    assert_int_equal(stage->next, MIB);
}

static int submit_flatten(struct stage *stage)
{
    return vdisk_aio_flatten(stage->queue, stage->disk, VDISK_AIO_PROGRESS, stage, NULL);
}

static int submit_flush_form(struct stage *stage)
{
    return vdisk_aio_flush(stage->queue, stage->disk, 0, stage);
}

static int submit_invalidate(struct stage *stage)
{
    return vdisk_aio_invalidate(stage->queue, stage->disk, 0, stage, NULL);
}

static int submit_list(struct stage *stage)
{
    return vdisk_aio_list(stage->queue, &stage->images, &stage->count, "p", NULL, NULL, 0, stage, NULL);
}

static void check_list(struct stage *stage)
{
    assert_true(stage->count > 0);
    vdisk_image_list_free(stage->images);
}

static int submit_open(struct stage *stage)
{
    return vdisk_aio_open(stage->queue, &stage->disk, stage->uri, NULL, 0, stage, NULL);
}

static void check_open(struct stage *stage)
{
    assert_int_equal(vdisk_get_size(stage->disk), MIB);
}

static int submit_readv(struct stage *stage)
{
    return vdisk_aio_readv(stage->queue, stage->disk, &(struct iovec){stage->data, 512}, 1, 0, 0, stage);
}

static int submit_remove(struct stage *stage)
{
    return vdisk_aio_remove(stage->queue, stage->uri, NULL, VDISK_AIO_PROGRESS, stage, NULL);
}

static int submit_rename(struct stage *stage)
{
    char name[64];

    snprintf(name, sizeof name, "%s-renamed", stage->image);
    return vdisk_aio_rename(stage->queue, stage->uri, name, NULL, 0, stage, NULL);
}

static int submit_reopen(struct stage *stage)
{
    return vdisk_aio_reopen(stage->queue, stage->disk, 0, stage, NULL);
}

static int submit_resize(struct stage *stage)
{
    return vdisk_aio_resize(stage->queue, stage->disk, 2 * MIB, 0, stage, NULL);
}

static int submit_snapshot_create(struct stage *stage)
{
    return vdisk_aio_snapshot_create(stage->queue, stage->disk, "new", 0, stage, NULL);
}

static int submit_snapshot_list(struct stage *stage)
{
    return vdisk_aio_snapshot_list(stage->queue, &stage->snapshots, &stage->count, stage->disk, 0, stage, NULL);
}

static void check_snapshot_list(struct stage *stage)
{
    assert_int_equal(stage->count, 1);
    vdisk_snapshot_list_free(stage->snapshots);
}

static int submit_snapshot_protect(struct stage *stage)
{
    return vdisk_aio_snapshot_protect(stage->queue, stage->disk, "s", 0, stage, NULL);
}

static int submit_snapshot_remove(struct stage *stage)
{
    return vdisk_aio_snapshot_remove(stage->queue, stage->disk, "s", VDISK_AIO_PROGRESS, stage, NULL);
}

static int submit_snapshot_rollback(struct stage *stage)
{
    return vdisk_aio_snapshot_rollback(stage->queue, stage->disk, "s", VDISK_AIO_PROGRESS, stage, NULL);
}

static int submit_snapshot_unprotect(struct stage *stage)
{
    return vdisk_aio_snapshot_unprotect(stage->queue, stage->disk, "s", 0, stage, NULL);
}

/* Done when it first tells of something. */
static int submit_watch(struct stage *stage)
{
    int r = vdisk_aio_watch(stage->queue, stage->disk, 0, stage, NULL);

    fake_resize_image("p", "", stage->image, 2 * MIB, true);
    return r;
}

static void check_watch(struct stage *stage)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_cancel(stage->queue, stage), 1);
    do
        assert_int_equal(vdisk_queue_wait(stage->queue, &done, 1, 1, 30000), 1);
    while (done.flags & VDISK_COMPLETION_MORE);
}

static int submit_write_zeroes(struct stage *stage)
{
    return vdisk_aio_write_zeroes(stage->queue, stage->disk, MIB, 0, 0, stage);
}

static int submit_writev(struct stage *stage)
{
    return vdisk_aio_writev(stage->queue, stage->disk, &(struct iovec){stage->data, 512}, 1, 0, 0, stage);
}

static const struct form forms[] = {
    {"vdisk_aio_clone", submit_clone, .has = NOTHING},
    {"vdisk_aio_close", submit_close, .has = DISK},
    {"vdisk_aio_compare_and_write", submit_compare_and_write, .has = DISK, .held = FAKE_COMPARE},
    {"vdisk_aio_create", submit_create, .has = NOTHING},
    {"vdisk_aio_diff", submit_diff, check_extents, .has = DISK, .has_snapshot = true},
    {"vdisk_aio_discard", submit_discard, .has = DISK, .held = FAKE_DISCARD},
    {"vdisk_aio_extents", submit_extents, check_extents, .has = DISK},
    {"vdisk_aio_flatten", submit_flatten, .has = CLONE},
    {"vdisk_aio_flush", submit_flush_form, .has = DISK, .held = FAKE_FLUSH},
    {"vdisk_aio_invalidate", submit_invalidate, .has = DISK},
    {"vdisk_aio_list", submit_list, check_list, .has = NOTHING},
    {"vdisk_aio_open", submit_open, check_open, .has = IMAGE},
    {"vdisk_aio_readv", submit_readv, .has = DISK},
    {"vdisk_aio_remove", submit_remove, .has = IMAGE},
    {"vdisk_aio_rename", submit_rename, .has = IMAGE},
    {"vdisk_aio_reopen", submit_reopen, .has = DISK},
    {"vdisk_aio_resize", submit_resize, .has = DISK},
    {"vdisk_aio_snapshot_create", submit_snapshot_create, .has = DISK},
    {"vdisk_aio_snapshot_list", submit_snapshot_list, check_snapshot_list, .has = DISK, .has_snapshot = true},
    {"vdisk_aio_snapshot_protect", submit_snapshot_protect, .has = DISK, .has_snapshot = true},
    {"vdisk_aio_snapshot_remove", submit_snapshot_remove, .has = DISK, .has_snapshot = true},
    {"vdisk_aio_snapshot_rollback", submit_snapshot_rollback, .has = DISK, .has_snapshot = true},
    {"vdisk_aio_snapshot_unprotect", submit_snapshot_unprotect, .has = DISK, .has_snapshot = true,
     .is_protected = true},
    {"vdisk_aio_watch", submit_watch, check_watch, .has = DISK},
    {"vdisk_aio_write_zeroes", submit_write_zeroes, .has = DISK, .held = FAKE_ZEROES},
    {"vdisk_aio_writev", submit_writev, .has = DISK, .held = FAKE_WRITE},
};

static struct stage stages[LENGTH(forms)];

/* A watchdog, since a queue's thread that blocks would say nothing at all. */

static struct {
    pthread_t thread;
    sem_t over;
    _Atomic(const char *) form;
} watchdog = {.form = ""};

static void *watch_over(void *arg)
{
    struct timespec end;

    (void)arg;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 300;
    while (sem_timedwait(&watchdog.over, &end) < 0) {
        if (errno != ETIMEDOUT)
            continue;
        fprintf(stderr, "the thread of the queue is blocked, with %s under way\n", atomic_load(&watchdog.form));
        _exit(1);
    }
    return NULL;
}

static int start_watchdog(void **state)
{
    (void)state;
    sem_init(&watchdog.over, 0, 0);
    return pthread_create(&watchdog.thread, NULL, watch_over, NULL);
}

static int end_watchdog(void **state)
{
    (void)state;
    sem_post(&watchdog.over);
    return pthread_join(watchdog.thread, NULL);
}

/* Setting the stage. */

static struct vdisk_uri *make_uri(const char *image, const char *snapshot)
{
    struct vdisk_uri *uri;

    assert_int_equal(vdisk_uri_new(&uri, "p", NULL, image, snapshot, NULL), 0);
    return uri;
}

static struct vdisk *open_writable(const char *image)
{
    char uri[64];

    snprintf(uri, sizeof uri, "rbd:p/%s", image);
    return open_disk(uri, 0);
}

static void make_image(const struct stage *stage)
{
    if (stage->form->has == CLONE)
        fake_create_clone("p", "", "parent", "s", 1, stage->image);
    else if (stage->form->has != NOTHING)
        fake_create_image("p", "", stage->image, MIB);
    if (stage->form->has_snapshot)
        fake_create_snapshot("p", "", stage->image, "s", RBD_SNAP_NAMESPACE_TYPE_USER);
}

/* With something written that is not flushed. */
static void open_stage(struct stage *stage)
{
    stage->disk = open_writable(stage->image);
    assert_int_equal(vdisk_pwrite(stage->disk, stage->data, sizeof stage->data, 0, 0, NULL), 0);
    if (stage->form->is_protected)
        assert_int_equal(vdisk_snapshot_protect(stage->disk, "s", 0, NULL), 0);
}

static void set_stage(struct stage *stage, const struct form *form, struct vdisk_queue *queue)
{
    *stage = (struct stage){.form = form, .queue = queue};
    snprintf(stage->image, sizeof stage->image, "image-%zu", (size_t)(form - forms));
    stage->uri = make_uri(stage->image, NULL);
    stage->snapshot_uri = make_uri("parent", "s");
    make_image(stage);
    if (form->has >= DISK)
        open_stage(stage);
}

static void clear_stage(struct stage *stage)
{
    if (stage->form->check)
        stage->form->check(stage);
    if (stage->disk)
        close_disk(stage->disk);
    vdisk_uri_free(stage->uri);
    vdisk_uri_free(stage->snapshot_uri);
}

/* A parent for clones. */
static int set_up(void **state)
{
    const struct fixture *fixture;
    struct vdisk *parent;

    set_up_disk(state);
    fixture = *state;
    fake_create_image("p", "", "parent", MIB);
    fake_create_snapshot("p", "", "parent", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    parent = open_writable("parent");
    assert_int_equal(vdisk_snapshot_protect(parent, "s", 0, NULL), 0);
    close_disk(parent);
    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    return 0;
}

/* The loop of the queue's thread. */

static char read_tag;

static bool note_completion(const struct vdisk_completion *done)
{
    struct stage *stage = done->user_data;

    assert_int_equal(done->result, 0);
    if (done->user_data == &read_tag)
        return true;
    /* Progress is not the end; the first event of a watch is. */
    if (!(done->flags & VDISK_COMPLETION_MORE) || stage->form->submit == submit_watch)
        stage->done = true;
    return false;
}

/* Submits a read and goes on until it is reaped. */
static void read_once(const struct fixture *fixture)
{
    struct vdisk_completion done[4];
    char data[3] = "";
    bool read = false;

    assert_int_equal(
        vdisk_aio_readv(fixture->queue, fixture->disk, &(struct iovec){data, sizeof data}, 1, 0, 0, &read_tag), 0);
    while (!read) {
        int count = vdisk_queue_wait(fixture->queue, done, 1, LENGTH(done), 30000);

        assert_true(count > 0);
        for (int i = 0; i < count; i++)
            read |= note_completion(&done[i]);
    }
    assert_memory_equal(data, "abc", 3);
}

static bool is_readable(struct vdisk_queue *queue)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&ready, 1, 0) == 1;
}

static bool all_done(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!stages[i].done)
            return false;
    }
    return true;
}

/* What stalls now, until the next step. */
static bool stalls(void)
{
    return fake_waiting_calls() > 0 || fake_held(FAKE_ALL) > 0;
}

/* Reads while something stalls; then lets go what does. Until all of the first stages are done. */
static void read_through(const struct fixture *fixture, size_t count)
{
    while (!all_done(count)) {
        wait_until(stalls() || is_readable(fixture->queue));
        for (size_t i = 0; i < count; i++)
            stages[i].stalls += stalls();
        for (size_t i = 0; i < 10; i++)
            read_once(fixture);
        fake_step_calls();
        fake_release(FAKE_ALL, SIZE_MAX, FAKE_FIFO, 0);
    }
}

static void submit_stage(struct stage *stage)
{
    atomic_store(&watchdog.form, stage->form->name);
    fake_hold(stage->form->held);
    assert_int_equal(stage->form->submit(stage), 0);
}

static void try_form(const struct fixture *fixture, const struct form *form)
{
    set_stage(&stages[0], form, fixture->queue);
    fake_block_calls();
    submit_stage(&stages[0]);
    read_through(fixture, 1);
    fake_unblock_calls();
    fake_release_all();
    /* A read that is held would keep the others. */
    assert_true(stages[0].stalls > 0 || form->submit == submit_readv);
    clear_stage(&stages[0]);
}

static void no_form_blocks_the_thread_of_its_queue(void **state)
{
    for (size_t i = 0; i < LENGTH(forms); i++)
        try_form(*state, &forms[i]);
}

static void nor_do_all_of_them_together(void **state)
{
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < LENGTH(forms); i++)
        set_stage(&stages[i], &forms[i], fixture->queue);
    fake_block_calls();
    for (size_t i = 0; i < LENGTH(forms); i++)
        submit_stage(&stages[i]);
    read_through(fixture, LENGTH(forms));
    fake_unblock_calls();
    fake_release_all();
    for (size_t i = 0; i < LENGTH(forms); i++)
        clear_stage(&stages[i]);
}

static bool is_tried(const char *name)
{
    for (size_t i = 0; i < LENGTH(forms); i++) {
        if (strcmp(forms[i].name, name) == 0)
            return true;
    }
    return false;
}

static void every_form_that_is_exported_is_tried(void **state)
{
    FILE *map = fopen(VDISK_MAP, "re");
    char line[256], name[256];
    size_t count = 0;

    (void)state;
    assert_non_null(map);
    while (fgets(line, sizeof line, map)) {
        if (sscanf(line, " %255[a-z_0-9];", name) != 1 || strncmp(name, "vdisk_aio_", strlen("vdisk_aio_")) != 0)
            continue;
        if (!is_tried(name))
            fail_msg("%s is not in the table", name);
        count++;
    }
    fclose(map);
    assert_int_equal(count, LENGTH(forms));
}

/* Clusters. */

#define DISKS 20

/* More disks than a cluster has threads, whose operations do not end, and one of another cluster. */
static void a_cluster_that_does_not_answer_holds_up_no_other(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disks[DISKS], *other;

    for (size_t i = 0; i < DISKS; i++) {
        char image[32];

        snprintf(image, sizeof image, "disk-%zu", i);
        fake_create_image("p", "", image, MIB);
        disks[i] = open_writable(image);
    }
    fake_create_image("p", "", "other", MIB);
    fake_create_snapshot("p", "", "other", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    other = open_disk("rbd:p/other:id=somebody", 0);
    fake_block_call("rbd_snap_create");
    for (size_t i = 0; i < DISKS; i++)
        assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, disks[i], "s", 0, NULL, NULL), 0);
    wait_until(fake_calls("rbd_snap_create") >= 16);
    assert_int_equal(vdisk_aio_snapshot_remove(fixture->other_queue, other, "s", 0, NULL, NULL), 0);
    assert_int_equal(reap_one(fixture->other_queue), 0);
    /* The rest waits for threads. */
    assert_int_equal(fake_calls("rbd_snap_create"), 16);
    fake_unblock_call("rbd_snap_create");
    for (size_t i = 0; i < DISKS; i++)
        assert_int_equal(reap_one(fixture->queue), 0);
    for (size_t i = 0; i < DISKS; i++)
        close_disk(disks[i]);
    close_disk(other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_form_blocks_the_thread_of_its_queue),
        TEST(nor_do_all_of_them_together),
        TEST(every_form_that_is_exported_is_tried),
        TEST(a_cluster_that_does_not_answer_holds_up_no_other),
    };

    return cmocka_run_group_tests(tests, start_watchdog, end_watchdog);
}
