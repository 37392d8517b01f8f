/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <stdio.h>
#include <unistd.h>

rados_t cluster;
rados_ioctx_t pool;
rbd_image_t image;
char image_name[64];

rados_t connect_to_cluster(void)
{
    rados_t handle;

    assert_int_equal(rados_create(&handle, "admin"), 0);
    assert_int_equal(rados_conf_read_file(handle, conf_path()), 0);
    assert_int_equal(rados_connect(handle), 0);
    return handle;
}

int set_up_all(void **state)
{
    (void)state;
    set_up_cluster();
    cluster = connect_to_cluster();
    assert_int_equal(rados_ioctx_create(cluster, POOL, &pool), 0);
    return 0;
}

int tear_down_all(void **state)
{
    (void)state;
    rados_ioctx_destroy(pool);
    rados_shutdown(cluster);
    tear_down_cluster();
    return 0;
}

int create(const char *name, uint64_t size, int option, uint64_t value)
{
    rbd_image_options_t options;
    int r;

    rbd_image_options_create(&options);
    assert_int_equal(rbd_image_options_set_uint64(options, option, value), 0);
    r = rbd_create4(pool, name, size, options);
    rbd_image_options_destroy(options);
    return r;
}

int set_up_image(void **state)
{
    static int count;

    (void)state;
    snprintf(image_name, sizeof image_name, "agrees-%ld-%d", (long)getpid(), ++count);
    assert_int_equal(create(image_name, SIZE, RBD_IMAGE_OPTION_ORDER, 22), 0);
    assert_int_equal(rbd_open(pool, image_name, &image, NULL), 0);
    return 0;
}

static void remove_snapshots(void)
{
    rbd_snap_info_t list[16];
    int max = 16;
    int count = rbd_snap_list(image, list, &max);

    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        int is_protected;

        assert_int_equal(rbd_snap_is_protected(image, list[i].name, &is_protected), 0);
        if (is_protected)
            assert_int_equal(rbd_snap_unprotect(image, list[i].name), 0);
        assert_int_equal(rbd_snap_remove(image, list[i].name), 0);
    }
    rbd_snap_list_end(list);
}

int tear_down_image(void **state)
{
    (void)state;
    remove_snapshots();
    assert_int_equal(rbd_close(image), 0);
    assert_int_equal(rbd_remove(pool, image_name), 0);
    return 0;
}

rbd_image_t open_read_only(const char *snapshot)
{
    rbd_image_t opened;

    assert_int_equal(rbd_open_read_only(pool, image_name, &opened, snapshot), 0);
    return opened;
}

rbd_image_t open_again(const char *snapshot)
{
    rbd_image_t opened;

    assert_int_equal(rbd_open(pool, image_name, &opened, snapshot), 0);
    return opened;
}

int ignore_progress(uint64_t done, uint64_t total, void *arg)
{
    (void)done;
    (void)total;
    (void)arg;
    return 0;
}

int resize(rbd_image_t opened, uint64_t size, bool allow_shrink)
{
    return rbd_resize2(opened, size, allow_shrink, ignore_progress, NULL);
}

uint64_t size_of(rbd_image_t opened)
{
    uint64_t size;

    assert_int_equal(rbd_get_size(opened, &size), 0);
    return size;
}

int main(void)
{
    int failed = agree_on_config() + agree_on_requests() + agree_on_changes() + agree_on_handles() +
                 agree_on_snapshots() + agree_on_images() + agree_on_clones() + agree_on_directory() +
                 agree_on_locks() + agree_on_exclusive() + agree_on_fencing();

    return failed > 0;
}
