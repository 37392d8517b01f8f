/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cluster that is full, and a pool whose quota is used up. On a cluster of its own, with a manager, since nobody else
 * knows how much a pool holds.
 */
#include "own_cluster.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECT MIB(4)
#define OBJECTS 8
#define SIZE (OBJECTS * OBJECT)

static void set_full_ratios(const char *nearfull, const char *backfillfull, const char *full)
{
    /* All three: an OSD takes none for lower than the one before. */
    CEPH("osd", "set-nearfull-ratio", nearfull);
    CEPH("osd", "set-backfillfull-ratio", backfillfull);
    CEPH("osd", "set-full-ratio", full);
}

static bool is_full(void *pool)
{
    char *dump = CEPH_OUTPUT("osd", "pool", "ls", "detail");
    const char *line = strstr(dump, text("'%s'", (const char *)pool));
    const char *full = line ? strstr(line, ",full") : NULL;
    bool here = full && full < strchr(line, '\n');

    free(dump);
    return here;
}

static bool is_not_full(void *pool)
{
    return !is_full(pool);
}

static char full_cluster;

static void make_room(void *ignored)
{
    (void)ignored;
    set_full_ratios("0.85", "0.9", "0.95");
    /* Nothing can be removed before that either. */
    wait_until(is_not_full, (void *)(uintptr_t) "rbd", "there is room again");
}

static void make_room_now(void)
{
    forget(&full_cluster);
    make_room(NULL);
}

static void fill_cluster(void)
{
    set_full_ratios("0.0000001", "0.0000001", "0.0000001");
    undo_later(make_room, &full_cluster);
    wait_until(is_full, (void *)(uintptr_t) "rbd", "the pool is full");
}

struct writing {
    struct vdisk *disk;
    unsigned char *data;
    /* The next object to write to, which takes room. */
    unsigned int next;
    int code;
};

/* A client learns of it by the map that comes with an answer, so some writes may get through. */
static bool write_fails(void *arg)
{
    struct writing *writing = arg;
    struct vdisk_error err;
    int r = vdisk_pwrite(writing->disk, writing->data, 4096, writing->next++ % OBJECTS * OBJECT, 0, &err);

    if (r == 0)
        return false;
    assert_failed(r, writing->code, &err, FRAGMENTS(strerror(-writing->code)));
    return true;
}

static bool write_succeeds(void *arg)
{
    struct writing *writing = arg;

    return vdisk_pwrite(writing->disk, writing->data, 4096, writing->next++ % OBJECTS * OBJECT, 0, NULL) == 0;
}

static void a_full_cluster_is_an_error_and_reading_goes_on(void **state)
{
    struct writing writing = {.data = pattern(4096, 1), .code = -ENOSPC};
    const char *image = new_image();
    unsigned char *read = pattern(4096, 2);
    struct vdisk *another;
    struct vdisk_error err;

    (void)state;
    create_image(image, SIZE, OBJECT);
    writing.disk = open_disk(image, 0);
    assert_done(vdisk_pwrite(writing.disk, writing.data, 4096, 4096, 0, &err), &err);
    fill_cluster();
    wait_until(write_fails, &writing, "a write fails");
    assert_done(vdisk_pread(writing.disk, read, 4096, 4096, 0, &err), &err);
    assert_bytes(read, writing.data, 4096, "read");
    /* Opening, which writes to the image's header, is possible too. */
    another = open_disk(image, 0);
    close_disk(another);
    make_room_now();
    wait_until(write_succeeds, &writing, "a write succeeds");
    close_disk(writing.disk);
    free(writing.data);
    free(read);
}

/* That a slow write may be taken for a waiting one makes the test weaker, but not wrong. */
static bool write_gets_stuck(struct vdisk_queue *queue, struct vdisk *disk, unsigned char *data, unsigned int object)
{
    struct iovec iov = {data, 4096};
    struct vdisk_completion completion;

    assert_int_equal(vdisk_aio_writev(queue, disk, &iov, 1, object % OBJECTS * OBJECT, 0, NULL), 0);
    return vdisk_queue_wait(queue, &completion, 1, 1, 1000) == 0;
}

static void writes_wait_for_room_where_that_is_wanted(void **state)
{
    struct vdisk_open_options options = default_options(VDISK_OPEN_WAIT_FOR_SPACE);
    unsigned char *data = pattern(4096, 1), *read = pattern(4096, 2);
    struct vdisk_queue *queue = new_queue(16);
    const char *image = new_image();
    unsigned int object = 1;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, OBJECT);
    disk = open_disk_with(image, &options);
    assert_done(vdisk_pwrite(disk, data, 4096, 4096, 0, &err), &err);
    fill_cluster();
    while (!write_gets_stuck(queue, disk, data, object))
        object++;
    assert_done(vdisk_pread(disk, read, 4096, 4096, 0, &err), &err);
    assert_int_equal(vdisk_queue_in_flight(queue), 1);
    make_room_now();
    assert_int_equal(wait_one(queue).result, 0);
    assert_done(vdisk_pread(disk, read, 4096, object % OBJECTS * OBJECT, 0, &err), &err);
    assert_bytes(read, data, 4096, "written");
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    close_disk(disk);
    free(data);
    free(read);
}

static void a_used_up_quota_is_an_error(void **state)
{
    struct writing writing = {.data = pattern(4096, 1), .code = -EDQUOT};
    const char *image = "quota/image";

    (void)state;
    CEPH("osd", "pool", "create", "quota", "4", "4");
    RBD("pool", "init", "quota");
    CEPH("osd", "pool", "set-quota", "quota", "max_bytes", "4096");
    create_image(image, SIZE, OBJECT);
    writing.disk = open_disk(image, 0);
    /* What there is has to be more than the quota. */
    assert_int_equal(vdisk_pwrite(writing.disk, writing.data, 4096, 4096, 0, NULL), 0);
    assert_int_equal(vdisk_pwrite(writing.disk, writing.data, 4096, OBJECT + 4096, 0, NULL), 0);
    wait_until(is_full, (void *)(uintptr_t) "quota", "the quota is used up");
    writing.next = 2;
    wait_until(write_fails, &writing, "a write fails");
    CEPH("osd", "pool", "set-quota", "quota", "max_bytes", "0");
    wait_until(is_not_full, (void *)(uintptr_t) "quota", "the quota is gone");
    wait_until(write_succeeds, &writing, "a write succeeds");
    close_disk(writing.disk);
    RBD("rm", "--no-progress", image);
    free(writing.data);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_full_cluster_is_an_error_and_reading_goes_on),
        TEST(writes_wait_for_room_where_that_is_wanted),
        TEST(a_used_up_quota_is_an_error),
    };

    return cmocka_run_group_tests(tests, start_own_cluster_with_manager, stop_own_cluster);
}
