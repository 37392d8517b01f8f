/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The images of a pool, and who has them open. */
#include "agree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count_progress(uint64_t done, uint64_t total, void *count)
{
    (void)done;
    (void)total;
    (*(int *)count)++;
    return 0;
}

static void removing_tells_how_far_it_is(void **state)
{
    int count = 0;
    char name[80];

    (void)state;
    snprintf(name, sizeof name, "%s-other", image_name);
    assert_int_equal(create(name, UINT64_C(32) << 20, RBD_IMAGE_OPTION_ORDER, 22), 0);
    assert_int_equal(rbd_remove_with_progress(pool, image_name, count_progress, &count), -EBUSY);
    assert_int_equal(rbd_remove_with_progress(pool, "no-such-image", count_progress, &count), -ENOENT);
    assert_int_equal(count, 0);
    assert_int_equal(rbd_remove_with_progress(pool, name, count_progress, &count), 0);
    assert_true(count > 0);
}

static void renaming_keeps_what_is_open(void **state)
{
    char name[80];

    (void)state;
    snprintf(name, sizeof name, "%s@a/b", image_name);
    assert_int_equal(rbd_rename(pool, "no-such-image", name), -ENOENT);
    assert_int_equal(rbd_rename(pool, image_name, image_name), -EEXIST);
    assert_int_equal(rbd_rename(pool, image_name, name), 0);
    assert_int_equal(rbd_rename(pool, image_name, "other"), -ENOENT);
    assert_int_equal(do_write(image, 0, "abc", 4), 0);
    assert_int_equal(rbd_rename(pool, name, image_name), 0);
}

static void lists_need_their_count(void **state)
{
    rbd_image_spec_t images[3];
    size_t max = 0;
    char name[80];

    (void)state;
    snprintf(name, sizeof name, "list-%s", image_name);
    assert_int_equal(rbd_namespace_create(pool, name), 0);
    rados_ioctx_set_namespace(pool, name);
    assert_int_equal(rbd_list2(pool, NULL, &max), 0);
    assert_int_equal(max, 0);
    assert_int_equal(create("b", SIZE, RBD_IMAGE_OPTION_ORDER, 22), 0);
    assert_int_equal(create("a", SIZE, RBD_IMAGE_OPTION_ORDER, 22), 0);
    assert_int_equal(rbd_list2(pool, NULL, &max), -ERANGE);
    assert_int_equal(max, 2);
    max = 1;
    assert_int_equal(rbd_list2(pool, images, &max), -ERANGE);
    assert_int_equal(max, 2);
    max = 3;
    assert_int_equal(rbd_list2(pool, images, &max), 0);
    assert_int_equal(max, 2);
    assert_true(strlen(images[0].id) > 0);
    assert_string_not_equal(images[0].id, images[1].id);
    assert_string_not_equal(images[0].name, images[1].name);
    rbd_image_spec_list_cleanup(images, max);
    assert_int_equal(rbd_remove(pool, "a"), 0);
    assert_int_equal(rbd_remove(pool, "b"), 0);
    rados_ioctx_set_namespace(pool, "");
}

/* Those who can write, not those who only read. */
static void writers_are_watchers(void **state)
{
    rbd_image_watcher_t watchers[2];
    rbd_image_t reader = open_read_only(NULL);
    size_t max = 0;
    char *address;

    (void)state;
    assert_int_equal(rbd_watchers_list(reader, NULL, &max), -ERANGE);
    assert_int_equal(max, 1);
    max = 2;
    assert_int_equal(rbd_watchers_list(reader, watchers, &max), 0);
    assert_int_equal(max, 1);
    assert_int_equal(rados_getaddrs(cluster, &address), 0);
    assert_string_equal(watchers[0].addr, address);
    free(address);
    rbd_watchers_list_cleanup(watchers, max);
    assert_int_equal(rbd_close(reader), 0);
}

static void snapshots_have_an_id(void **state)
{
    uint64_t id = 0, other = 0;

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_create(image, "t"), 0);
    assert_int_equal(rbd_snap_get_id(image, "s", &id), 0);
    assert_int_equal(rbd_snap_get_id(image, "t", &other), 0);
    assert_true(0 < id && id < other);
    assert_int_equal(rbd_snap_get_id(image, "u", &id), -ENOENT);
}

static void rolling_back_tells_how_far_it_is(void **state)
{
    int count = 0;

    (void)state;
    assert_int_equal(do_write(image, 0, "abc", 4), 0);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_rollback_with_progress(image, "t", count_progress, &count), -ENOENT);
    assert_int_equal(count, 0);
    assert_int_equal(rbd_snap_rollback_with_progress(image, "s", count_progress, &count), 0);
    assert_true(count > 0);
}

int agree_on_directory(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(removing_tells_how_far_it_is), WITH_IMAGE(renaming_keeps_what_is_open),
        WITH_IMAGE(lists_need_their_count),       WITH_IMAGE(writers_are_watchers),
        WITH_IMAGE(snapshots_have_an_id),         WITH_IMAGE(rolling_back_tells_how_far_it_is),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
