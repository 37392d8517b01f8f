/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who shares a connection with whom, and who waits for whom. */
#include "disk_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "option_helpers.h"
#include "wrap.h"

#define MANY 40

static struct vdisk *disks[MANY];

static struct vdisk *must_open(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    if (vdisk_open_uri(&disk, uri, options, &err) < 0)
        fail_msg("%s", err.message);
    return disk;
}

static void open_many(unsigned int count, const struct vdisk_open_options *options)
{
    for (unsigned int i = 0; i < count; i++)
        disks[i] = must_open(IMAGE_URI, options);
}

static void close_many(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        close_disk(disks[i]);
}

static unsigned int connects(void)
{
    return fake_calls("rados_connect");
}

/* Sharing. */

static void disks_opened_alike_share_a_connection(void **state)
{
    (void)state;
    open_many(3, NULL);
    assert_int_equal(connects(), 1);
    assert_int_equal(fake_calls("rados_create"), 1);
    close_many(2);
    assert_int_equal(fake_calls("rados_shutdown"), 0);
    close_disk(disks[2]);
    assert_int_equal(fake_calls("rados_shutdown"), 1);
}

static void a_connection_that_was_closed_is_not_used_again(void **state)
{
    (void)state;
    close_disk(must_open(IMAGE_URI, NULL));
    close_disk(must_open(IMAGE_URI, NULL));
    assert_int_equal(connects(), 2);
}

static void pools_namespaces_and_access_share_too(void **state)
{
    (void)state;
    fake_create_pool("q");
    fake_create_namespace("q", "n");
    fake_create_image("q", "n", "j", MIB);
    disks[0] = must_open(IMAGE_URI, NULL);
    disks[1] = must_open("rbd:q/n/j", OPTIONS(.flags = VDISK_OPEN_READ_ONLY));
    assert_int_equal(connects(), 1);
    close_many(2);
}

static void sixteen_share_unless_told_otherwise(void **state)
{
    (void)state;
    open_many(16, NULL);
    assert_int_equal(connects(), 1);
    disks[16] = must_open(IMAGE_URI, NULL);
    assert_int_equal(connects(), 2);
    close_many(17);
}

static void as_many_share_as_the_bound_says(void **state)
{
    (void)state;
    open_many(5, OPTIONS(.disks_per_connection = 2));
    assert_int_equal(connects(), 3);
    /* One has room for another, and more for those who do not mind. */
    disks[5] = must_open(IMAGE_URI, OPTIONS(.disks_per_connection = 2));
    assert_int_equal(connects(), 3);
    disks[6] = must_open(IMAGE_URI, OPTIONS(.disks_per_connection = 64));
    assert_int_equal(connects(), 3);
    close_many(7);
}

static void a_bound_of_one_is_a_connection_of_ones_own(void **state)
{
    (void)state;
    open_many(3, OPTIONS(.disks_per_connection = 1));
    assert_int_equal(connects(), 3);
    close_many(3);
}

static void room_that_a_closed_disk_leaves_is_used(void **state)
{
    (void)state;
    open_many(4, OPTIONS(.disks_per_connection = 2));
    close_disk(disks[1]);
    disks[1] = must_open(IMAGE_URI, OPTIONS(.disks_per_connection = 2));
    assert_int_equal(connects(), 2);
    close_many(4);
}

static void a_disk_that_fails_to_open_leaves_its_room(void **state)
{
    struct vdisk *disk;

    (void)state;
    open_many(1, OPTIONS(.disks_per_connection = 2));
    assert_int_equal(vdisk_open_uri(&disk, "rbd:p/none", OPTIONS(.disks_per_connection = 2), NULL), -ENOENT);
    assert_int_equal(vdisk_open_uri(&disk, "rbd:none/i", OPTIONS(.disks_per_connection = 2), NULL), -ENOENT);
    disks[1] = must_open(IMAGE_URI, OPTIONS(.disks_per_connection = 2));
    assert_int_equal(connects(), 1);
    close_many(2);
}

static void what_is_configured_otherwise_is_not_shared(void **state)
{
    static const struct vdisk_option own = {"rbd_cache_size", "1M"};
    unsigned int count = 0;

    (void)state;
    disks[count++] = must_open(IMAGE_URI, NULL);
    disks[count++] = must_open(IMAGE_URI ":rbd_cache_size=1M", NULL);
    disks[count++] = must_open(IMAGE_URI ":rbd_cache_size=2M", NULL);
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.options = &own, .option_count = 1));
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.id = "other"));
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.cache_mode = VDISK_CACHE_WRITE_BACK));
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.cache_mode = VDISK_CACHE_WRITE_THROUGH));
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.tuning = VDISK_TUNE_THROUGHPUT));
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.tuning = VDISK_TUNE_FOOTPRINT));
    assert_int_equal(connects(), count);
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.cache_mode = VDISK_CACHE_WRITE_BACK));
    disks[count++] = must_open(IMAGE_URI, OPTIONS(.tuning = VDISK_TUNE_FOOTPRINT));
    disks[count++] = must_open(IMAGE_URI ":rbd_cache_size=2M", NULL);
    assert_int_equal(connects(), count - 3);
    close_many(count);
}

static int create(const char *name)
{
    struct vdisk_error err;
    struct vdisk_uri *uri;
    int r;

    assert_int_equal(vdisk_uri_new(&uri, "p", NULL, name, NULL, NULL), 0);
    r = vdisk_create(uri, MIB, NULL, NULL, &err);
    vdisk_uri_free(uri);
    return r;
}

static void operations_share_however_many_disks_there_are(void **state)
{
    (void)state;
    open_many(16, NULL);
    assert_int_equal(create("new"), 0);
    assert_int_equal(connects(), 1);
    close_many(16);
    assert_int_equal(create("newer"), 0);
    assert_int_equal(connects(), 2);
    assert_int_equal(fake_calls("rados_shutdown"), 2);
}

/* Files. */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_changed_file_is_read_by_a_new_connection(void **state)
{
    char conf[] = "/tmp/vdisk-conf-XXXXXX", keyring[] = "/tmp/vdisk-key-XXXXXX", text[128];
    const struct vdisk_open_options *options;

    (void)state;
    close(mkstemp(conf));
    close(mkstemp(keyring));
    snprintf(text, sizeof text, "keyring = %s\n", keyring);
    fake_conf_file_text(conf, text);
    options = OPTIONS(.conf = conf);
    open_many(2, options);
    assert_int_equal(connects(), 1);

    write_file(conf, "changed");
    disks[2] = must_open(IMAGE_URI, options);
    assert_int_equal(connects(), 2);
    write_file(keyring, "changed");
    disks[3] = must_open(IMAGE_URI, options);
    disks[4] = must_open(IMAGE_URI, options);
    assert_int_equal(connects(), 3);
    close_many(5);
    unlink(conf);
    unlink(keyring);
}

/* Several at once. */

struct opening {
    struct background background;
    struct vdisk *disk;
    struct vdisk_error err;
};

static int open_now(void *argument)
{
    struct opening *opening = argument;

    return vdisk_open_uri(&opening->disk, IMAGE_URI, NULL, &opening->err);
}

static void start_opening(struct opening *openings, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        start_background(&openings[i].background, open_now, &openings[i]);
}

static bool any_over(struct opening *openings, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        if (is_over(&openings[i].background))
            return true;
    }
    return false;
}

static void opens_at_once_make_one_connection(void **state)
{
    struct opening openings[4] = {0};

    (void)state;
    fake_block_call("rados_connect");
    start_opening(openings, 4);
    assert_true(fake_wait_blocked("rados_connect"));
    allow_time_for(connects() > 1 || any_over(openings, 4));
    assert_int_equal(connects(), 1);
    assert_false(any_over(openings, 4));
    fake_unblock_call("rados_connect");
    for (unsigned int i = 0; i < 4; i++) {
        assert_int_equal(end_background(&openings[i].background), 0);
        close_disk(openings[i].disk);
    }
    assert_int_equal(connects(), 1);
}

static void those_who_wait_fail_with_the_attempt(void **state)
{
    struct opening first[1] = {0}, others[2] = {0};

    (void)state;
    fake_fail_call("rados_connect", 1, ETIMEDOUT);
    fake_block_call("rados_connect");
    start_opening(first, 1);
    assert_true(fake_wait_blocked("rados_connect"));
    start_opening(others, 2);
    /* Whoever comes too late to wait makes an attempt of its own, which succeeds. */
    allow_time_for(any_over(others, 2));
    fake_unblock_call("rados_connect");
    assert_int_equal(end_background(&first->background), -ETIMEDOUT);
    assert_says(&first->err, -ETIMEDOUT, "No monitor");
    for (unsigned int i = 0; i < 2; i++) {
        if (end_background(&others[i].background) == 0) {
            close_disk(others[i].disk);
            continue;
        }
        assert_says(&others[i].err, -ETIMEDOUT, "No monitor");
        assert_string_equal(others[i].err.message, first->err.message);
    }
}

static void a_failed_attempt_is_not_remembered(void **state)
{
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    fake_fail_call("rados_connect", 1, ETIMEDOUT);
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, NULL, &err), -ETIMEDOUT);
    close_disk(must_open(IMAGE_URI, NULL));
    assert_int_equal(connects(), 2);
}

static void those_beyond_the_bound_do_not_wait(void **state)
{
    struct opening openings[17] = {0};

    (void)state;
    fake_block_call("rados_connect");
    start_opening(openings, 17);
    wait_until(connects() == 2);
    fake_unblock_call("rados_connect");
    for (unsigned int i = 0; i < 17; i++) {
        assert_int_equal(end_background(&openings[i].background), 0);
        close_disk(openings[i].disk);
    }
    assert_int_equal(connects(), 2);
}

static int open_and_close(void *argument)
{
    struct vdisk *disk;
    int r = 0;

    (void)argument;
    for (int i = 0; r == 0 && i < 50; i++) {
        r = vdisk_open_uri(&disk, IMAGE_URI, OPTIONS(.disks_per_connection = 2), NULL);
        if (r == 0)
            r = vdisk_close(disk, NULL);
    }
    return r;
}

static void many_come_and_go(void **state)
{
    struct background backgrounds[6];

    (void)state;
    for (int i = 0; i < 6; i++)
        start_background(&backgrounds[i], open_and_close, NULL);
    for (int i = 0; i < 6; i++)
        assert_int_equal(end_background(&backgrounds[i]), 0);
    assert_int_equal(fake_calls("rados_shutdown"), connects());
}

/* Fencing. */

static void a_fenced_connection_is_given_to_nobody(void **state)
{
    char byte;

    (void)state;
    open_many(1, NULL);
    fake_blocklist();
    assert_int_equal(vdisk_pread(disks[0], &byte, 1, 0, 0, NULL), -ESHUTDOWN);
    disks[1] = must_open(IMAGE_URI, NULL);
    disks[2] = must_open(IMAGE_URI, NULL);
    assert_int_equal(connects(), 2);
    assert_int_equal(vdisk_pread(disks[1], &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_pread(disks[2], &byte, 1, 0, 0, NULL), 0);
    close_many(3);
}

/* Nothing was asked of it since. */
static void fencing_that_nobody_has_noticed_is_noticed(void **state)
{
    (void)state;
    open_many(1, NULL);
    fake_blocklist();
    disks[1] = must_open(IMAGE_URI, NULL);
    assert_int_equal(connects(), 2);
    assert_int_equal(create("new"), 0);
    assert_int_equal(connects(), 2);
    fake_blocklist();
    assert_int_equal(create("newer"), 0);
    assert_int_equal(connects(), 3);
    close_many(2);
}

static void fencing_while_an_image_is_opened_counts(void **state)
{
    struct vdisk *disk;

    (void)state;
    open_many(1, NULL);
    fake_fail_call("rbd_open", 1, ESHUTDOWN);
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, NULL, NULL), -ESHUTDOWN);
    disks[1] = must_open(IMAGE_URI, NULL);
    assert_int_equal(connects(), 2);
    close_many(2);
}

static void fencing_during_an_operation_counts(void **state)
{
    (void)state;
    open_many(1, NULL);
    fake_fail_call("rbd_create4", 1, ESHUTDOWN);
    assert_int_equal(create("new"), -ESHUTDOWN);
    disks[1] = must_open(IMAGE_URI, NULL);
    assert_int_equal(connects(), 2);
    close_many(2);
}

/* A client that is fenced as soon as it is connected is told so, not connected again and again. */
static void a_new_connection_that_is_fenced_at_once_is_an_error(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_create_namespace("p", "n");
    fake_fail_always("rbd_namespace_exists", ESHUTDOWN);
    assert_int_equal(vdisk_open_uri(&disk, "rbd:p/n/i", NULL, NULL), -ESHUTDOWN);
    assert_int_equal(connects(), 1);
}

static void who_may_not_look_for_namespaces_shares_all_the_same(void **state)
{
    (void)state;
    fake_fail_always("rbd_namespace_exists", EPERM);
    open_many(2, NULL);
    assert_int_equal(connects(), 1);
    close_many(2);
}

/* Faults, with a connection that others use. */

static void every_failing_call_leaves_the_others_alone(void **state)
{
    static const int errors[] = {EIO, ESHUTDOWN, ENOENT};
    struct vdisk *disk;
    char byte;

    (void)state;
    open_many(1, NULL);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        unsigned int n = 0;
        int r;

        do {
            fake_fail_nth(++n, errors[i]);
            r = vdisk_open_uri(&disk, IMAGE_URI, NULL, NULL);
            /* It may be the closing that fails. */
            if (r == 0)
                vdisk_close(disk, NULL);
        } while (fake_failed());
        assert_int_equal(r, 0);
        assert_true(n > 5);
        fake_fail_nth(0, 0);
        assert_int_equal(vdisk_pread(disks[0], &byte, 1, 0, 0, NULL), 0);
    }
    close_many(1);
}

static void running_out_of_memory_leaves_the_others_alone(void **state)
{
    unsigned int n = 0;
    struct vdisk *disk;
    int r;

    (void)state;
    open_many(1, NULL);
    do {
        wrap_fail_nth(++n);
        r = vdisk_open_uri(&disk, IMAGE_URI, n % 2 ? OPTIONS(.disks_per_connection = 1) : NULL, NULL);
        if (r == 0)
            close_disk(disk);
    } while (wrap_disarm() || n % 2 == 0);
    assert_int_equal(r, 0);
    assert_true(n > 5);
    close_many(1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(disks_opened_alike_share_a_connection),
        TEST(a_connection_that_was_closed_is_not_used_again),
        TEST(pools_namespaces_and_access_share_too),
        TEST(sixteen_share_unless_told_otherwise),
        TEST(as_many_share_as_the_bound_says),
        TEST(a_bound_of_one_is_a_connection_of_ones_own),
        TEST(room_that_a_closed_disk_leaves_is_used),
        TEST(a_disk_that_fails_to_open_leaves_its_room),
        TEST(what_is_configured_otherwise_is_not_shared),
        TEST(operations_share_however_many_disks_there_are),
        TEST(a_changed_file_is_read_by_a_new_connection),
        TEST(opens_at_once_make_one_connection),
        TEST(those_who_wait_fail_with_the_attempt),
        TEST(a_failed_attempt_is_not_remembered),
        TEST(those_beyond_the_bound_do_not_wait),
        TEST(many_come_and_go),
        TEST(a_fenced_connection_is_given_to_nobody),
        TEST(fencing_that_nobody_has_noticed_is_noticed),
        TEST(fencing_while_an_image_is_opened_counts),
        TEST(fencing_during_an_operation_counts),
        TEST(a_new_connection_that_is_fenced_at_once_is_an_error),
        TEST(who_may_not_look_for_namespaces_shares_all_the_same),
        TEST(every_failing_call_leaves_the_others_alone),
        TEST(running_out_of_memory_leaves_the_others_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
