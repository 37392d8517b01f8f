/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Read-only handles. */

static void read_only_handles_refuse_changes(void **state)
{
    rbd_image_t fixed;

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    fixed = open_read_only(NULL);
    assert_int_equal(rbd_snap_create(image, "later"), 0);
    assert_int_equal(do_write(fixed, 0, "x", 1), -EROFS);
    assert_int_equal(do_write(fixed, 0, "x", 0), -EROFS);
    assert_int_equal(do_write(fixed, SIZE, "x", 0), -EROFS);
    assert_int_equal(do_write(fixed, SIZE, "x", 1), -EINVAL);
    assert_int_equal(do_flush(fixed), 0);
    assert_int_equal(rbd_flush(fixed), 0);
    assert_int_equal(rbd_invalidate_cache(fixed), 0);
    assert_int_equal(resize(fixed, 2 * SIZE, false), -EROFS);
    assert_int_equal(resize(fixed, SIZE / 2, false), -EROFS);
    assert_int_equal(rbd_snap_create(fixed, "s"), -EROFS);
    assert_int_equal(rbd_snap_remove(fixed, "s"), -EROFS);
    assert_int_equal(rbd_snap_remove(fixed, "missing"), -ENOENT);
    assert_int_equal(rbd_snap_remove(fixed, "later"), -ENOENT);
    assert_int_equal(rbd_snap_rollback(fixed, "s"), -EROFS);
    assert_int_equal(rbd_snap_rollback(fixed, "missing"), -EROFS);
    assert_int_equal(rbd_snap_protect(fixed, "s"), -EROFS);
    assert_int_equal(rbd_snap_unprotect(fixed, "missing"), -EROFS);
    assert_int_equal(rbd_close(fixed), 0);
}

static void read_only_handles_stay_as_they_were_opened(void **state)
{
    rbd_image_t fixed = open_read_only(NULL);
    rbd_image_info_t info;
    rbd_snap_info_t list[4];
    char data[20];
    int max = 4;

    (void)state;
    assert_int_equal(resize(image, 2 * SIZE, false), 0);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(size_of(fixed), SIZE);
    assert_int_equal(rbd_stat(fixed, &info, sizeof info), 0);
    assert_int_equal(info.size, SIZE);
    assert_int_equal(rbd_snap_list(fixed, list, &max), 0);
    assert_int_equal(do_read(fixed, SIZE - 10, data, 20), 10);
    assert_int_equal(do_read(fixed, SIZE, data, 20), -EINVAL);
    assert_int_equal(rbd_close(fixed), 0);
}

static void read_only_handles_see_new_data(void **state)
{
    rbd_image_t fixed = open_read_only(NULL);
    char data[4];

    (void)state;
    assert_int_equal(do_write(image, 0, "new", 4), 0);
    assert_int_equal(do_flush(image), 0);
    assert_int_equal(do_read(fixed, 0, data, 4), 4);
    assert_string_equal(data, "new");
    assert_int_equal(rbd_close(fixed), 0);
}

static void read_only_handles_read_zeroes_where_it_was_cut(void **state)
{
    rbd_image_t fixed;
    char data[4] = "xxx";

    (void)state;
    assert_int_equal(do_write(image, SIZE - 4, "end", 4), 0);
    assert_int_equal(do_flush(image), 0);
    fixed = open_read_only(NULL);
    assert_int_equal(resize(image, SIZE / 2, true), 0);
    assert_int_equal(do_read(fixed, SIZE - 4, data, 4), 4);
    assert_memory_equal(data, "\0\0\0\0", 4);
    assert_int_equal(rbd_close(fixed), 0);
}

/* Sizes and watches. */

static void count_event(void *arg)
{
    sem_post(arg);
}

static int posted(sem_t *events)
{
    int count;

    sem_getvalue(events, &count);
    return count;
}

static void shrinking_must_be_allowed(void **state)
{
    (void)state;
    assert_int_equal(resize(image, SIZE / 2, false), -EINVAL);
    assert_int_equal(size_of(image), SIZE);
    assert_int_equal(resize(image, SIZE, false), 0);
    assert_int_equal(resize(image, SIZE / 2, true), 0);
    assert_int_equal(size_of(image), SIZE / 2);
    assert_int_equal(rbd_resize2(image, SIZE, false, NULL, NULL), 0);
    assert_int_equal(size_of(image), SIZE);
}

static void writable_handles_see_the_size_at_once(void **state)
{
    rbd_image_t other = open_again(NULL);
    char data[10];

    (void)state;
    assert_int_equal(resize(other, SIZE + 5, false), 0);
    assert_int_equal(size_of(image), SIZE + 5);
    assert_int_equal(do_read(image, SIZE, data, 10), 5);
    assert_int_equal(resize(other, SIZE - 5, true), 0);
    assert_int_equal(size_of(image), SIZE - 5);
    assert_int_equal(do_read(image, SIZE, data, 10), -EINVAL);
    assert_int_equal(rbd_close(other), 0);
}

static void watches_fire_on_writable_handles(void **state)
{
    rbd_image_t other = open_again(NULL), fixed = open_read_only(NULL);
    sem_t mine, others, never;
    uint64_t my_watch, other_watch, dead_watch;

    (void)state;
    sem_init(&mine, 0, 0);
    sem_init(&others, 0, 0);
    sem_init(&never, 0, 0);
    assert_int_equal(rbd_update_watch(image, &my_watch, count_event, &mine), 0);
    assert_int_equal(rbd_update_watch(other, &other_watch, count_event, &others), 0);
    assert_int_equal(rbd_update_watch(fixed, &dead_watch, count_event, &never), 0);
    assert_int_equal(resize(image, 2 * SIZE, false), 0);
    while (sem_wait(&mine) < 0 || sem_wait(&others) < 0)
        continue;
    assert_int_equal(rbd_update_unwatch(image, my_watch), 0);
    assert_int_equal(posted(&never), 0);
    assert_int_equal(rbd_update_unwatch(fixed, dead_watch), 0);
    assert_int_equal(rbd_update_unwatch(other, other_watch), 0);
    assert_int_equal(rbd_close(other), 0);
    assert_int_equal(rbd_close(fixed), 0);
}

static void unwatched_is_quiet(void **state)
{
    sem_t events;
    uint64_t watch;
    int before;

    (void)state;
    sem_init(&events, 0, 0);
    assert_int_equal(rbd_update_watch(image, &watch, count_event, &events), 0);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    while (sem_wait(&events) < 0)
        continue;
    assert_int_equal(rbd_update_unwatch(image, watch), 0);
    before = posted(&events);
    assert_int_equal(resize(image, 2 * SIZE, false), 0);
    usleep(200000);
    assert_int_equal(posted(&events), before);
    sem_destroy(&events);
}

int agree_on_handles(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(read_only_handles_refuse_changes), WITH_IMAGE(read_only_handles_stay_as_they_were_opened),
        WITH_IMAGE(read_only_handles_see_new_data),   WITH_IMAGE(read_only_handles_read_zeroes_where_it_was_cut),
        WITH_IMAGE(shrinking_must_be_allowed),        WITH_IMAGE(writable_handles_see_the_size_at_once),
        WITH_IMAGE(watches_fire_on_writable_handles), WITH_IMAGE(unwatched_is_quiet),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
