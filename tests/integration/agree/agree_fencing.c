/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A blocklisted client. */
#include "agree.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct victim {
    rados_t cluster;
    rados_ioctx_t pool;
    rbd_image_t image;
    rbd_image_t fixed;
};

static void open_victim(struct victim *victim)
{
    victim->cluster = connect_to_cluster();
    assert_int_equal(rados_ioctx_create(victim->cluster, POOL, &victim->pool), 0);
    assert_int_equal(rbd_open(victim->pool, image_name, &victim->image, NULL), 0);
    assert_int_equal(rbd_open_read_only(victim->pool, image_name, &victim->fixed, NULL), 0);
}

static void close_victim(struct victim *victim)
{
    assert_int_equal(rbd_close(victim->fixed), 0);
    assert_int_equal(rbd_close(victim->image), 0);
    rados_ioctx_destroy(victim->pool);
    rados_shutdown(victim->cluster);
}

/* Until the map that says so has arrived. */
static void fence(const struct victim *victim)
{
    char *address, data[1];

    assert_int_equal(rados_getaddrs(victim->cluster, &address), 0);
    assert_int_equal(rados_blocklist_add(cluster, address, 3600), 0);
    free(address);
    assert_int_equal(rados_wait_for_latest_osdmap(victim->cluster), 0);
    for (int i = 0; i < 100 && do_read(victim->fixed, 0, data, 1) != -ESHUTDOWN; i++)
        usleep(100000);
}

/* Now and then librbd calls a flush a success when everything written before it has failed. */
static void assert_fenced_or_nothing_to_flush(int result)
{
    assert_true(result == -ESHUTDOWN || result == 0);
}

static void fenced_client_gets_eshutdown(void **state)
{
    struct victim victim;
    rbd_image_t opened;
    char data[10];
    bool exists;

    (void)state;
    open_victim(&victim);
    assert_int_equal(do_write(victim.image, 0, "x", 1), 0);
    fence(&victim);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(do_write(victim.image, 0, data, 10), -ESHUTDOWN);
        assert_int_equal(do_read(victim.image, 0, data, 10), -ESHUTDOWN);
        assert_fenced_or_nothing_to_flush((int)do_flush(victim.image));
    }
    assert_fenced_or_nothing_to_flush(rbd_flush(victim.image));
    assert_int_equal(do_read(victim.fixed, 0, data, 10), -ESHUTDOWN);
    assert_int_equal(resize(victim.image, 2 * SIZE, false), -ESHUTDOWN);
    assert_int_equal(rbd_snap_create(victim.image, "s"), -ESHUTDOWN);
    assert_int_equal(rbd_namespace_exists(victim.pool, "n", &exists), -ESHUTDOWN);
    assert_int_equal(rbd_open(victim.pool, image_name, &opened, NULL), -ESHUTDOWN);
    assert_int_equal(rbd_open_read_only(victim.pool, image_name, &opened, NULL), -ESHUTDOWN);
    close_victim(&victim);
}

/* While librbd is finding out that it is fenced, everything fails with -ESHUTDOWN. */
static void settle(const struct victim *victim)
{
    char data[1];

    assert_int_equal(do_write(victim->image, 0, "x", 1), -ESHUTDOWN);
    for (int i = 0; i < 100; i++) {
        bool settled = do_read(victim->image, 0, data, 0) == 0 && rbd_invalidate_cache(victim->image) == 0;

        if (settled)
            return;
        usleep(100000);
    }
}

static void fenced_client_is_told_what_needs_no_cluster(void **state)
{
    rbd_image_info_t info;
    rbd_snap_info_t list[2];
    struct victim victim;
    char data[1];
    int max = 2, is_protected;

    (void)state;
    open_victim(&victim);
    fence(&victim);
    settle(&victim);
    assert_int_equal(do_read(victim.image, 0, data, 0), 0);
    assert_int_equal(do_read(victim.image, SIZE, data, 1), -EINVAL);
    assert_int_equal(do_write(victim.image, SIZE, data, 1), -EINVAL);
    assert_int_equal(do_write(victim.fixed, 0, data, 1), -EROFS);
    assert_int_equal(size_of(victim.image), SIZE);
    assert_int_equal(rbd_stat(victim.image, &info, sizeof info), 0);
    assert_int_equal(rbd_snap_list(victim.image, list, &max), 0);
    assert_int_equal(rbd_snap_is_protected(victim.image, "s", &is_protected), -ENOENT);
    assert_int_equal(rbd_snap_remove(victim.image, "s"), -ENOENT);
    assert_int_equal(rbd_invalidate_cache(victim.image), 0);
    assert_int_equal(do_flush(victim.fixed), 0);
    close_victim(&victim);
}

static void others_are_not_fenced(void **state)
{
    struct victim victim;

    (void)state;
    open_victim(&victim);
    fence(&victim);
    close_victim(&victim);
    assert_int_equal(do_write(image, 0, "x", 1), 0);
    open_victim(&victim);
    assert_int_equal(do_write(victim.image, 0, "x", 1), 0);
    close_victim(&victim);
}

int agree_on_fencing(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(fenced_client_gets_eshutdown),
        WITH_IMAGE(fenced_client_is_told_what_needs_no_cluster),
        WITH_IMAGE(others_are_not_fenced),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
