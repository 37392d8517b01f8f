/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that every call is refused in a forked child, and that the parent goes on. */
#include "flush_helpers.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct vdisk *parents_disk;
static struct vdisk_queue *parents_queue;

static int c_open(void)
{
    struct vdisk *disk = (void *)1;
    int r = vdisk_open_uri(&disk, IMAGE_URI, NULL, NULL);

    return disk ? 0 : r;
}

static int c_create(void)
{
    struct vdisk_uri *uri;
    int r = vdisk_uri_parse(&uri, "rbd:p/new", NULL);

    if (r == 0)
        r = vdisk_create(uri, MIB, NULL, NULL, NULL);
    vdisk_uri_free(uri);
    return r;
}

static int c_get_info(void)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    return vdisk_get_info(&info, parents_disk, NULL);
}

static int c_resize(void)
{
    return vdisk_resize(parents_disk, 2 * IMAGE_SIZE, 0, NULL);
}

static int c_acknowledge_loss(void)
{
    return vdisk_acknowledge_loss(parents_disk, NULL);
}

static char byte;
static const struct iovec iov = {&byte, 1};

static int c_pread(void)
{
    return vdisk_pread(parents_disk, &byte, 1, 0, 0, NULL);
}

static int c_preadv(void)
{
    return vdisk_preadv(parents_disk, &iov, 1, 0, 0, NULL);
}

static int c_pwrite(void)
{
    return vdisk_pwrite(parents_disk, &byte, 1, 0, 0, NULL);
}

static int c_pwritev(void)
{
    return vdisk_pwritev(parents_disk, &iov, 1, 0, 0, NULL);
}

static int c_flush(void)
{
    return vdisk_flush(parents_disk, NULL);
}

static int c_aio_readv(void)
{
    return vdisk_aio_readv(parents_queue, parents_disk, &iov, 1, 0, 0, NULL);
}

static int c_aio_writev(void)
{
    return vdisk_aio_writev(parents_queue, parents_disk, &iov, 1, 0, 0, NULL);
}

static int c_aio_flush(void)
{
    return vdisk_aio_flush(parents_queue, parents_disk, 0, NULL);
}

static int c_queue_create(void)
{
    struct vdisk_queue *queue = (void *)1;
    int r = vdisk_queue_create(&queue, NULL, NULL);

    return queue ? 0 : r;
}

static int c_queue_reap(void)
{
    struct vdisk_completion done;

    return vdisk_queue_reap(parents_queue, &done, 1);
}

static int c_queue_wait(void)
{
    struct vdisk_completion done;

    return vdisk_queue_wait(parents_queue, &done, 1, 1, -1);
}

static int c_queue_drain(void)
{
    return vdisk_queue_drain(parents_queue);
}

static int c_queue_destroy(void)
{
    return vdisk_queue_destroy(parents_queue);
}

static int c_snapshot_create(void)
{
    return vdisk_snapshot_create(parents_disk, "s", 0, NULL);
}

static int c_snapshot_remove(void)
{
    return vdisk_snapshot_remove(parents_disk, "s", 0, NULL);
}

static int c_snapshot_rollback(void)
{
    return vdisk_snapshot_rollback(parents_disk, "s", 0, NULL);
}

static int c_snapshot_protect(void)
{
    return vdisk_snapshot_protect(parents_disk, "s", 0, NULL);
}

static int c_snapshot_unprotect(void)
{
    return vdisk_snapshot_unprotect(parents_disk, "s", 0, NULL);
}

static int c_snapshot_list(void)
{
    struct vdisk_snapshot *snapshots = (void *)1;
    size_t count = 1;
    int r = vdisk_snapshot_list(&snapshots, &count, parents_disk, NULL);

    return snapshots || count ? 0 : r;
}

static int c_close(void)
{
    struct vdisk_error err;
    int r = vdisk_close(parents_disk, &err);

    return strstr(err.message, "forked") ? r : 0;
}

static const struct {
    const char *name;
    int (*call)(void);
} child_calls[] = {
#define CALL(name)                                                                                                     \
    {                                                                                                                  \
#name, c_##name                                                                                                \
    }
    CALL(open),
    CALL(create),
    CALL(get_info),
    CALL(resize),
    CALL(acknowledge_loss),
    CALL(pread),
    CALL(preadv),
    CALL(pwrite),
    CALL(pwritev),
    CALL(flush),
    CALL(aio_readv),
    CALL(aio_writev),
    CALL(aio_flush),
    CALL(queue_create),
    CALL(queue_reap),
    CALL(queue_wait),
    CALL(queue_drain),
    CALL(queue_destroy),
    CALL(snapshot_create),
    CALL(snapshot_remove),
    CALL(snapshot_rollback),
    CALL(snapshot_protect),
    CALL(snapshot_unprotect),
    CALL(snapshot_list),
    CALL(close),
#undef CALL
};

/* Makes one call in a child. A call that hangs is ended by the alarm. */
static bool is_refused_in_a_child(int (*call)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        _exit(call() == -EPERM ? 0 : 1);
    }
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void every_call_is_refused_in_a_forked_child(void **state)
{
    const struct fixture *fixture = *state;

    parents_disk = fixture->disk;
    parents_queue = fixture->queue;
    /* What a queue would have to wait for, since an idle one never blocks. */
    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), 0);
    for (size_t i = 0; i < sizeof child_calls / sizeof *child_calls; i++) {
        if (!is_refused_in_a_child(child_calls[i].call))
            fail_msg("%s is not -EPERM in a child", child_calls[i].name);
    }
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
}

static void the_parent_of_a_child_goes_on(void **state)
{
    struct fixture *fixture = *state;
    char data[3];

    parents_disk = fixture->disk;
    assert_true(is_refused_in_a_child(c_close));
    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    assert_int_equal(vdisk_pread(fixture->disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
    assert_int_equal(flushes_at_close(fixture), 1);
    fixture->disk = open_disk(IMAGE_URI, 0);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(every_call_is_refused_in_a_forked_child),
        DISK_TEST(the_parent_of_a_child_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
