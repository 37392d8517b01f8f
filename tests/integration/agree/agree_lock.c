/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose the exclusive lock of an image is. */
#include "agree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct client {
    rados_t cluster;
    rados_ioctx_t pool;
    rbd_image_t image;
    char *address;
};

static void open_client(struct client *client)
{
    client->cluster = connect_to_cluster();
    assert_int_equal(rados_ioctx_create(client->cluster, POOL, &client->pool), 0);
    assert_int_equal(rbd_open(client->pool, image_name, &client->image, NULL), 0);
    assert_int_equal(rados_getaddrs(client->cluster, &client->address), 0);
}

static void close_client(struct client *client)
{
    assert_int_equal(rbd_close(client->image), 0);
    rados_ioctx_destroy(client->pool);
    rados_shutdown(client->cluster);
    free(client->address);
}

static int owner_error(rbd_image_t opened)
{
    char *owners[4];
    size_t count = 4;
    rbd_lock_mode_t mode;
    int r = rbd_lock_get_owners(opened, &mode, owners, &count);

    if (r == 0)
        rbd_lock_get_owners_cleanup(owners, count);
    return r;
}

static void assert_owner(rbd_image_t opened, const char *address)
{
    char *owners[4];
    size_t count = 4;
    rbd_lock_mode_t mode;

    assert_int_equal(rbd_lock_get_owners(opened, &mode, owners, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(mode, RBD_LOCK_MODE_EXCLUSIVE);
    assert_string_equal(owners[0], address);
    rbd_lock_get_owners_cleanup(owners, count);
}

static void nobody_has_it_before_the_first_change(void **state)
{
    char byte;

    (void)state;
    assert_int_equal(owner_error(image), -ENOENT);
    assert_int_equal(do_read(image, 0, &byte, 1), 1);
    assert_int_equal(owner_error(image), -ENOENT);
}

static void a_write_takes_it(void **state)
{
    struct client one, other;

    (void)state;
    open_client(&one);
    open_client(&other);
    assert_int_equal(do_write(one.image, 0, "x", 1), 0);
    assert_owner(one.image, one.address);
    assert_owner(other.image, one.address);
    assert_int_equal(do_write(other.image, 0, "x", 1), 0);
    assert_owner(one.image, other.address);
    close_client(&one);
    assert_owner(image, other.address);
    close_client(&other);
    assert_int_equal(owner_error(image), -ENOENT);
}

static void a_read_only_handle_cannot_ask(void **state)
{
    rbd_image_t fixed = open_read_only(NULL);

    (void)state;
    assert_int_equal(do_write(image, 0, "x", 1), 0);
    assert_int_equal(owner_error(fixed), -EINVAL);
    assert_int_equal(rbd_close(fixed), 0);
}

static void too_little_room_is_told(void **state)
{
    rbd_lock_mode_t mode;
    size_t count = 0;

    (void)state;
    assert_int_equal(do_write(image, 0, "x", 1), 0);
    assert_int_equal(rbd_lock_get_owners(image, &mode, NULL, &count), -ERANGE);
    assert_int_equal(count, 1);
}

static void a_fenced_client_keeps_it_until_somebody_else_writes(void **state)
{
    struct client one, other;
    char byte;

    (void)state;
    open_client(&one);
    assert_int_equal(do_write(one.image, 0, "x", 1), 0);
    assert_int_equal(rados_blocklist_add(cluster, one.address, 3600), 0);
    assert_int_equal(rados_wait_for_latest_osdmap(one.cluster), 0);
    for (int i = 0; i < 100 && do_read(one.image, 0, &byte, 1) != -ESHUTDOWN; i++)
        usleep(100000);
    open_client(&other);
    assert_owner(other.image, one.address);
    assert_int_equal(owner_error(one.image), -ESHUTDOWN);
    assert_int_equal(rbd_close(one.image), 0);
    assert_owner(other.image, one.address);
    assert_int_equal(do_write(other.image, 0, "x", 1), 0);
    assert_owner(other.image, other.address);
    rados_ioctx_destroy(one.pool);
    rados_shutdown(one.cluster);
    free(one.address);
    close_client(&other);
}

static void an_image_without_the_feature_has_none(void **state)
{
    rbd_image_t opened;
    char name[80];

    (void)state;
    strcat(strcpy(name, image_name), "-plain");
    assert_int_equal(create(name, SIZE, RBD_IMAGE_OPTION_FEATURES, RBD_FEATURE_LAYERING), 0);
    assert_int_equal(rbd_open(pool, name, &opened, NULL), 0);
    assert_int_equal(do_write(opened, 0, "x", 1), 0);
    assert_int_equal(owner_error(opened), -EINVAL);
    assert_int_equal(rbd_close(opened), 0);
    assert_int_equal(rbd_remove(pool, name), 0);
}

int agree_on_locks(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(nobody_has_it_before_the_first_change),
        WITH_IMAGE(a_write_takes_it),
        WITH_IMAGE(a_read_only_handle_cannot_ask),
        WITH_IMAGE(too_little_room_is_told),
        WITH_IMAGE(a_fenced_client_keeps_it_until_somebody_else_writes),
        WITH_IMAGE(an_image_without_the_feature_has_none),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
