/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeping the exclusive lock, breaking it, and encryption. */
#include "agree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    rbd_close(client->image);
    rados_ioctx_destroy(client->pool);
    rados_shutdown(client->cluster);
    free(client->address);
}

static void what_is_acquired_is_kept(void **state)
{
    struct client other;
    char byte;

    (void)state;
    open_client(&other);
    assert_int_equal(do_write(other.image, 0, "x", 1), 0);
    /* Whoever has it by writing gives it up. */
    assert_int_equal(rbd_lock_acquire(image, RBD_LOCK_MODE_EXCLUSIVE), 0);
    assert_int_equal(rbd_lock_acquire(image, RBD_LOCK_MODE_EXCLUSIVE), 0);
    assert_int_equal(rbd_lock_acquire(other.image, RBD_LOCK_MODE_EXCLUSIVE), -EROFS);
    assert_int_equal(do_write(other.image, 0, "x", 1), -EROFS);
    assert_int_equal(do_read(other.image, 0, &byte, 1), 1);
    assert_int_equal(do_write(image, 0, "x", 1), 0);
    close_client(&other);
}

static void breaking_needs_the_owner_and_fences_it(void **state)
{
    struct client other;

    (void)state;
    open_client(&other);
    assert_int_equal(rbd_lock_break(image, RBD_LOCK_MODE_EXCLUSIVE, other.address), -ENOENT);
    assert_int_equal(rbd_lock_acquire(other.image, RBD_LOCK_MODE_EXCLUSIVE), 0);
    assert_int_equal(rbd_lock_break(image, RBD_LOCK_MODE_EXCLUSIVE, "192.0.2.1:0/1"), -EBUSY);
    assert_int_equal(rbd_lock_break(image, RBD_LOCK_MODE_EXCLUSIVE, other.address), 0);
    assert_int_equal(rbd_lock_acquire(image, RBD_LOCK_MODE_EXCLUSIVE), 0);
    assert_int_equal(do_write(other.image, 0, "x", 1), -ESHUTDOWN);
    close_client(&other);
}

static void read_only_openings_cannot(void **state)
{
    rbd_image_t fixed = open_read_only(NULL);

    (void)state;
    assert_int_equal(rbd_lock_acquire(fixed, RBD_LOCK_MODE_EXCLUSIVE), -EINVAL);
    assert_int_equal(rbd_lock_break(fixed, RBD_LOCK_MODE_EXCLUSIVE, "192.0.2.1:0/1"), -EROFS);
    assert_int_equal(rbd_close(fixed), 0);
}

static void what_is_not_encrypted_does_not_load(void **state)
{
    rbd_encryption_luks2_format_options_t options = {.passphrase = "p", .passphrase_size = 1};

    (void)state;
    assert_int_equal(rbd_encryption_load(image, RBD_ENCRYPTION_FORMAT_LUKS2, &options, sizeof options), -EINVAL);
    assert_int_equal(rbd_encryption_load(image, RBD_ENCRYPTION_FORMAT_LUKS1, &options, 3), -EINVAL);
    assert_int_equal(rbd_encryption_load(image, (rbd_encryption_format_t)7, &options, sizeof options), -ENOTSUP);
    assert_int_equal(size_of(image), SIZE);
}

static void the_header_comes_off_the_size(void **state)
{
    rbd_encryption_luks1_format_options_t options = {
        .alg = RBD_ENCRYPTION_ALGORITHM_AES256, .passphrase = "p", .passphrase_size = 1};
    rbd_image_t again;
    char byte = 0;

    (void)state;
    assert_int_equal(rbd_encryption_format(image, RBD_ENCRYPTION_FORMAT_LUKS1, &options, sizeof options), -ENOSPC);
    assert_int_equal(resize(image, 6 * SIZE, false), 0);
    assert_int_equal(rbd_encryption_format(image, RBD_ENCRYPTION_FORMAT_LUKS1, &options, sizeof options), 0);
    assert_int_equal(size_of(image), 4 * SIZE);
    assert_int_equal(rbd_encryption_load(image, RBD_ENCRYPTION_FORMAT_LUKS1, &options, sizeof options), -EEXIST);
    assert_int_equal(do_write(image, 0, "x", 1), 0);
    /* By what is stored. */
    assert_int_equal(resize(image, 7 * SIZE, false), 0);
    assert_int_equal(size_of(image), 5 * SIZE);

    again = open_read_only(NULL);
    assert_int_equal(size_of(again), 7 * SIZE);
    assert_int_equal(rbd_encryption_load(again, RBD_ENCRYPTION_FORMAT_LUKS1, &options, sizeof options), 0);
    assert_int_equal(size_of(again), 5 * SIZE);
    assert_int_equal(do_read(again, 0, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(rbd_close(again), 0);
}

int agree_on_exclusive(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(what_is_acquired_is_kept),      WITH_IMAGE(breaking_needs_the_owner_and_fences_it),
        WITH_IMAGE(read_only_openings_cannot),     WITH_IMAGE(what_is_not_encrypted_does_not_load),
        WITH_IMAGE(the_header_comes_off_the_size),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
