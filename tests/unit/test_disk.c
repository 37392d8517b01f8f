/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening, asking, resizing and closing a disk, what becomes of flush errors, and forked children. */
#include "disk_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "wrap.h"

/* Opening. */

static int try_open(const char *uri, uint32_t flags, struct vdisk_error *err)
{
    struct vdisk_open_options options;
    struct vdisk *disk = (void *)1;
    int r;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    r = vdisk_open_uri(&disk, uri, &options, err);
    if (r == 0)
        close_disk(disk);
    else
        assert_null(disk);
    return r;
}

static void assert_fails(const char *uri, uint32_t flags, int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(try_open(uri, flags, &err), code);
    assert_says(&err, code, part);
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

static void a_failed_connect_is_explained(void **state)
{
    static const struct {
        int error;
        int code;
        const char *part;
    } cases[] = {
        {ETIMEDOUT, -ETIMEDOUT, "No monitor of the cluster answered in time"},
        {EACCES, -EACCES, "refuses the Ceph user \"u\""},
        {EPERM, -EACCES, "refuses the Ceph user \"u\""},
        {ENOENT, -ENOENT, "the keyring has no key for the Ceph user \"u\""},
        {EINVAL, -EINVAL, "as the Ceph user \"u\" failed: its key is not in Ceph's form"},
        {EIO, -EIO, "as the Ceph user \"u\" failed: Input/output error"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_fail_call("rados_connect", 1, cases[i].error);
        assert_fails("rbd:p/i:id=u", 0, cases[i].code, cases[i].part);
        assert_int_equal(fake_calls("rados_connect"), i + 1);
    }
}

static void a_connection_whose_thread_cannot_start_is_dropped(void **state)
{
    struct vdisk_error err;
    int r;

    (void)state;
    wrap_fail_call("pthread_create", 1);
    r = try_open(IMAGE_URI, 0, &err);
    wrap_disarm();
    assert_int_equal(r, -EAGAIN);
    assert_says(&err, -EAGAIN, "thread for a connection cannot be started");
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

static void a_missing_pool_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:none/i", 0, -ENOENT, "no pool \"none\"");
}

static void a_missing_namespace_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:p/none/i", 0, -ENOENT, "no namespace \"none\" in pool \"p\"");
}

static void a_missing_image_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:p/none", 0, -ENOENT, "no image \"none\" in pool \"p\"");
    assert_int_equal(fake_calls("rbd_open"), 1);
    assert_int_equal(fake_calls("rbd_open_read_only"), 0);
    assert_fails("rbd:p/none", VDISK_OPEN_READ_ONLY, -ENOENT, "no image \"none\" in pool \"p\"");
}

static void a_missing_snapshot_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:p/i@none", VDISK_OPEN_READ_ONLY, -ENOENT, "Image \"i\" in pool \"p\" has no snapshot \"none\"");
}

static void a_snapshot_of_a_missing_image_is_a_missing_image(void **state)
{
    (void)state;
    assert_fails("rbd:p/none@s", VDISK_OPEN_READ_ONLY, -ENOENT, "no image \"none\" in pool \"p\"");
}

#define OPENING_FAILED "Opening image \"i\" in namespace \"n\" of pool \"p\" failed: Input/output error"

static void a_step_that_fails_otherwise_is_told_with_its_error(void **state)
{
    static const struct {
        const char *function;
        const char *part;
    } cases[] = {
        {"rados_ioctx_create", "Opening pool \"p\" failed: Input/output error"},
        {"rbd_namespace_exists", "Looking for namespace \"n\" in pool \"p\" failed: Input/output error"},
        {"rbd_open", OPENING_FAILED},
        {"rbd_get_size", OPENING_FAILED},
        {"rbd_stat", OPENING_FAILED},
        {"rbd_get_stripe_unit", OPENING_FAILED},
        {"rbd_get_stripe_count", OPENING_FAILED},
        {"rbd_get_features", OPENING_FAILED},
        {"rbd_get_id", OPENING_FAILED},
        {"rbd_update_watch", OPENING_FAILED},
    };

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "i", IMAGE_SIZE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_fail_call(cases[i].function, 1, EIO);
        assert_fails("rbd:p/n/i", 0, -EIO, cases[i].part);
    }
}

static void a_snapshot_needs_to_be_read_only(void **state)
{
    (void)state;
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    assert_fails("rbd:p/i@s", 0, -EROFS, "Snapshot \"s\" can only be opened read-only: give VDISK_OPEN_READ_ONLY");
    assert_int_equal(fake_calls(NULL), 0);
    assert_int_equal(try_open("rbd:p/i@s", VDISK_OPEN_READ_ONLY, NULL), 0);
}

static void read_only_opening_takes_no_lock_and_no_watch(void **state)
{
    (void)state;
    assert_int_equal(try_open(IMAGE_URI, VDISK_OPEN_READ_ONLY, NULL), 0);
    assert_int_equal(fake_calls("rbd_open_read_only"), 1);
    assert_int_equal(fake_calls("rbd_open"), 0);
    assert_int_equal(fake_calls("rbd_update_watch"), 0);
}

static void opening_for_writing_watches(void **state)
{
    (void)state;
    assert_int_equal(try_open(IMAGE_URI, 0, NULL), 0);
    assert_int_equal(fake_calls("rbd_open"), 1);
    assert_int_equal(fake_calls("rbd_open_read_only"), 0);
    assert_int_equal(fake_calls("rbd_update_watch"), 1);
    assert_int_equal(fake_calls("rbd_update_unwatch"), 1);
}

static void an_image_is_looked_for_in_its_namespace(void **state)
{
    char data[3];
    struct vdisk *disk;

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "i", MIB);
    fake_image_write("p", "n", "i", 0, "abc", 3);
    disk = open_disk("rbd:p/n/i", 0);
    assert_int_equal(vdisk_get_size(disk), MIB);
    assert_int_equal(vdisk_pread(disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
    close_disk(disk);
}

static void a_uri_that_does_not_parse_opens_nothing(void **state)
{
    (void)state;
    assert_fails("rbd:p", 0, -EINVAL, "image");
    assert_int_equal(fake_calls(NULL), 0);
}

static void there_must_be_somewhere_to_put_the_disk(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_open_uri(NULL, IMAGE_URI, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "nowhere to put the disk");
    assert_int_equal(fake_calls(NULL), 0);
}

static void success_clears_the_error(void **state)
{
    struct vdisk_error err;

    (void)state;
    memset(&err, 'x', sizeof err);
    assert_int_equal(try_open(IMAGE_URI, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.message, "");
}

/* What it is. */

static struct vdisk_info info_of(struct vdisk *disk)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    assert_int_equal(info.struct_size, sizeof info);
    assert_int_equal(info.size, vdisk_get_size(disk));
    return info;
}

static void info_of_an_image(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_info info = info_of(fixture->disk);

    assert_int_equal(info.size, IMAGE_SIZE);
    assert_int_equal(info.object_size, 4 * MIB);
    assert_int_equal(info.stripe_unit, 4 * MIB);
    assert_int_equal(info.stripe_count, 1);
    assert_true(info.features & RBD_FEATURE_EXCLUSIVE_LOCK);
    assert_int_equal(info.max_request, VDISK_MAX_REQUEST);
    assert_int_equal(info.optimal_io, 4 * MIB);
    assert_string_equal(info.pool, "p");
    assert_string_equal(info.name_space, "");
    assert_string_equal(info.image, "i");
    assert_null(info.snapshot);
    assert_true(info.image_id[0]);
    assert_int_equal(info.read_only, 0);
    assert_int_equal(info.cache_mode, VDISK_CACHE_NONE);
}

static void info_of_a_snapshot(void **state)
{
    struct vdisk_info info;
    struct vdisk *disk;

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "j", MIB);
    fake_create_snapshot("p", "n", "j", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_resize_image("p", "n", "j", 2 * MIB, false);
    disk = open_disk("rbd:p/n/j@s", VDISK_OPEN_READ_ONLY);
    info = info_of(disk);
    assert_int_equal(info.size, MIB);
    assert_string_equal(info.name_space, "n");
    assert_string_equal(info.image, "j");
    assert_string_equal(info.snapshot, "s");
    assert_int_equal(info.read_only, 1);
    close_disk(disk);
}

static void info_of_a_striped_image(void **state)
{
    struct vdisk_create_options create;
    struct vdisk_info info;
    struct vdisk_uri *uri;
    struct vdisk *disk;

    (void)state;
    vdisk_create_options_init(&create, sizeof create);
    create.object_size = 64 * KIB;
    assert_int_equal(vdisk_uri_parse(&uri, "rbd:p/small", NULL), 0);
    assert_int_equal(vdisk_create(uri, MIB, &create, NULL, NULL), 0);
    assert_int_equal(vdisk_open(&disk, uri, NULL, NULL), 0);
    /* What the disk says of itself is its own. */
    vdisk_uri_free(uri);
    info = info_of(disk);
    assert_int_equal(info.object_size, 64 * KIB);
    assert_int_equal(info.stripe_unit, 64 * KIB);
    assert_int_equal(info.optimal_io, 64 * KIB);
    assert_string_equal(info.image, "small");
    close_disk(disk);
}

static void an_image_of_the_old_format_has_no_id(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_fail_call("rbd_get_id", 1, EINVAL);
    disk = open_disk(IMAGE_URI, 0);
    assert_string_equal(info_of(disk).image_id, "");
    close_disk(disk);
}

static void asking_calls_nothing_of_cephs(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);

    for (int i = 0; i < 100; i++)
        info_of(fixture->disk);
    assert_int_equal(fake_calls(NULL), before);
}

static void an_info_that_was_not_set_up_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_info info;
    struct vdisk_error err;

    memset(&info, 0, sizeof info);
    assert_int_equal(vdisk_get_info(&info, fixture->disk, &err), -EINVAL);
    assert_says(&err, -EINVAL, "vdisk_info_init");
    info.struct_size = sizeof info - 1;
    assert_int_equal(vdisk_get_info(&info, fixture->disk, &err), -EINVAL);
    assert_int_equal(info.size, 0);
}

static void a_longer_info_is_filled_as_far_as_it_is_known(void **state)
{
    const struct fixture *fixture = *state;
    struct {
        struct vdisk_info known;
        unsigned char unknown[16];
    } info;

    vdisk_info_init(&info.known, sizeof info);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vdisk_get_info(&info.known, fixture->disk, NULL), 0);
        assert_int_equal(info.known.struct_size, sizeof info);
        assert_int_equal(info.known.size, IMAGE_SIZE);
        assert_true(is_zero(info.unknown, sizeof info.unknown));
    }
    info.unknown[0] = 1;
    assert_int_equal(vdisk_get_info(&info.known, fixture->disk, NULL), -E2BIG);
}

static void null_is_refused_everywhere(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;
    struct vdisk_info info;
    size_t count;
    char byte;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(NULL, fixture->disk, NULL), -EINVAL);
    assert_int_equal(vdisk_get_info(&info, NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_get_size(NULL), 0);
    assert_int_equal(vdisk_close(NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_acknowledge_loss(NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_resize(NULL, MIB, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_flush(NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_pread(NULL, &byte, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_pwrite(NULL, &byte, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_snapshot_create(NULL, "s", 0, NULL), -EINVAL);
    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, NULL, NULL), -EINVAL);
}

static void a_null_disk_is_told_of(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_close(NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "disk is NULL");
}

/* Resizing. */

static void growing_is_seen_at_once(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_hold(FAKE_EVENT);
    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE + 1, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE + 1);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE + 1);
}

static void the_size_may_stay_what_it_is(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
}

static void shrinking_unasked_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE - 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "67108863 bytes is smaller than the current 67108864 bytes; give VDISK_RESIZE_SHRINK");
    assert_int_equal(fake_calls("rbd_resize2"), 0);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE);
}

static void shrinking_on_purpose_is_seen_at_once(void **state)
{
    const struct fixture *fixture = *state;

    fake_hold(FAKE_EVENT);
    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), 512);
    assert_int_equal(fake_image_size("p", "", "i"), 512);
    assert_int_equal(vdisk_resize(fixture->disk, 0, VDISK_RESIZE_SHRINK, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), 0);
}

static void growing_behind_our_back_does_not_become_shrinking(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_resize_image("p", "", "i", IMAGE_SIZE + 1000, false);
    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE + 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "67108865 bytes is smaller than the current 67109864 bytes");
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE + 1000);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE + 1000);
}

static void too_large_a_size_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_resize(fixture->disk, (uint64_t)INT64_MAX + 1, 0, &err), -EFBIG);
    assert_says(&err, -EFBIG, "9223372036854775808 bytes");
    assert_int_equal(fake_calls("rbd_resize2"), 0);
    assert_int_equal(vdisk_resize(fixture->disk, INT64_MAX, 0, NULL), 0);
}

static void unknown_flags_of_a_resize_are_refused(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK | 2, NULL), -EINVAL);
    assert_int_equal(fake_calls("rbd_resize2"), 0);
}

static void a_read_only_disk_is_not_resized(void **state)
{
    struct vdisk *disk;
    struct vdisk_error err;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_resize(disk, 2 * IMAGE_SIZE, 0, &err), -EROFS);
    assert_says(&err, -EROFS, "Resizing image \"i\" is not possible: it is open read-only");
    assert_int_equal(fake_calls("rbd_resize2"), 0);
    close_disk(disk);
}

static void a_failed_resize_is_told_with_its_error(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_fail_call("rbd_resize2", 1, EDQUOT);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, &err), -EDQUOT);
    assert_says(&err, -EDQUOT, "Resizing image \"i\" to 134217728 bytes failed: ");
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
    /* -EINVAL can mean that it would shrink, but not here. */
    fake_fail_call("rbd_resize2", 1, EINVAL);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "Resizing image \"i\" to 134217728 bytes failed: ");
}

static void a_fenced_client_cannot_resize(void **state)
{
    struct fixture *fixture = *state;

    fake_blocklist();
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), -ESHUTDOWN);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE);
}

/* Closing. */

static void closing_waits_for_requests_on_every_queue(void **state)
{
    static unsigned char to_read[4096], to_write[4096];
    static struct closing closing;
    struct fixture *fixture = *state;

    fill(to_write, sizeof to_write, 1);
    fake_image_write("p", "", "i", 0, to_write, sizeof to_write);
    fake_hold(FAKE_IO);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, to_read, sizeof to_read, 0), 0);
    assert_int_equal(submit_write(fixture->other_queue, fixture->disk, to_write, sizeof to_write, MIB), 0);
    assert_true(fake_wait_held(FAKE_IO, 2));
    start_closing(&closing, fixture->disk);

    fake_release(FAKE_READ, 1, FAKE_FIFO, 0);
    assert_true(fake_wait_idle());
    allow_time_for(fake_calls("rbd_close") > 0);
    assert_int_equal(fake_calls("rbd_close"), 0);
    assert_false(is_over(&closing.background));

    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(fake_leaks(NULL, 0), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(reap_one(fixture->other_queue), 0);
    assert_true(is_filled(to_read, sizeof to_read, 1));
}

static void a_closing_disk_lets_nobody_in(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;
    struct vdisk *disk = fixture->disk;
    struct vdisk_snapshot *snapshots;
    struct vdisk_error err;
    unsigned int before;
    size_t count;
    char byte = 0;

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, disk, &byte, 1, 0), 0);
    start_closing(&closing, disk);
    before = fake_calls(NULL);
    assert_int_equal(submit_read(fixture->queue, disk, &byte, 1, 0), -ESHUTDOWN);
    assert_int_equal(submit_write(fixture->other_queue, disk, &byte, 1, 0), -ESHUTDOWN);
    assert_int_equal(submit_flush(fixture->queue, disk), -ESHUTDOWN);
    assert_int_equal(vdisk_pwrite(disk, &byte, 1, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "The disk is being closed");
    assert_int_equal(vdisk_flush(disk, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_resize(disk, 2 * IMAGE_SIZE, 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_create(disk, "s", 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, disk, NULL), -ESHUTDOWN);
    assert_int_equal(fake_calls(NULL), before);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);

    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(reap_one(fixture->queue), 0);
}

static int grow(void *disk)
{
    return vdisk_resize(disk, 2 * IMAGE_SIZE, 0, NULL);
}

static void closing_waits_for_calls_that_block(void **state)
{
    static struct background growing;
    static struct closing closing;
    struct fixture *fixture = *state;

    fake_block_call("rbd_resize2");
    start_background(&growing, grow, fixture->disk);
    assert_true(fake_wait_blocked("rbd_resize2"));
    start_closing(&closing, fixture->disk);
    allow_time_for(fake_calls("rbd_close") > 0);
    assert_int_equal(fake_calls("rbd_close"), 0);
    fake_unblock_call("rbd_resize2");
    assert_int_equal(end_background(&growing), 0);
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(fake_image_size("p", "", "i"), 2 * IMAGE_SIZE);
}

/* Closes the fixture's disk. Returns how often that flushed. */
static unsigned int flushes_at_close(struct fixture *fixture)
{
    unsigned int before = fake_calls("rbd_flush");

    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_false(fake_image_closed_unflushed("p", "", "i"));
    return fake_calls("rbd_flush") - before;
}

static void write_byte(const struct fixture *fixture)
{
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
}

static void a_disk_that_was_only_read_is_not_flushed(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(flushes_at_close(*state), 0);
}

static void a_disk_that_was_written_is_flushed(void **state)
{
    write_byte(*state);
    assert_int_equal(flushes_at_close(*state), 1);
}

static void a_disk_that_was_flushed_is_not_flushed_again(void **state)
{
    const struct fixture *fixture = *state;

    write_byte(fixture);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_int_equal(flushes_at_close(*state), 0);
}

static void a_disk_written_after_its_last_flush_is_flushed(void **state)
{
    const struct fixture *fixture = *state;

    write_byte(fixture);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    write_byte(fixture);
    assert_int_equal(flushes_at_close(*state), 1);
}

/* It may have reached the cache, or the cluster. */
static void a_write_that_failed_is_flushed(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -EIO);
    fake_land_failed_writes(true);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), -EIO);
    assert_int_equal(flushes_at_close(*state), 1);
}

static void a_write_during_a_flush_is_flushed(void **state)
{
    struct fixture *fixture = *state;

    write_byte(fixture);
    fake_hold(FAKE_FLUSH);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_true(fake_wait_held(FAKE_FLUSH, 1));
    write_byte(fixture);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(flushes_at_close(fixture), 1);
}

static void a_read_only_disk_is_not_flushed(void **state)
{
    struct vdisk *disk;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    close_disk(disk);
    assert_int_equal(fake_calls("rbd_flush") + fake_calls("rbd_aio_flush"), 0);
}

/* Closes the fixture's disk, which fails, but closes. */
static void assert_close_fails(struct fixture *fixture, int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(vdisk_close(fixture->disk, &err), code);
    fixture->disk = NULL;
    assert_says(&err, code, part);
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

static void a_failing_flush_is_told_by_close(void **state)
{
    write_byte(*state);
    fake_fail_call("rbd_flush", 1, EIO);
    assert_close_fails(*state, -EIO, "Flushing image \"i\" failed: Input/output error. What was written may not be on");
}

/* Afterwards librbd knows nothing of it, and closing succeeds. */
static void an_error_that_librbd_tells_once_is_told_by_close(void **state)
{
    write_byte(*state);
    fake_next_result(FAKE_FLUSH, -ENOSPC);
    assert_close_fails(*state, -ENOSPC, "Flushing image \"i\" failed: ");
}

static void a_failing_close_is_told(void **state)
{
    fake_fail_call("rbd_close", 1, EIO);
    assert_close_fails(*state, -EIO, "Closing image \"i\" failed: Input/output error");
}

static void a_flush_error_outranks_that_of_closing(void **state)
{
    write_byte(*state);
    fake_fail_call("rbd_flush", 1, ENOSPC);
    fake_fail_call("rbd_close", 1, EIO);
    assert_close_fails(*state, -ENOSPC, "Flushing image \"i\" failed: ");
}

/* The fake aborts when images, ioctx and cluster handle are not closed in this order. */
static void closing_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;

    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(fake_leaks(NULL, 0), 0);
    assert_int_equal(fake_calls("rbd_close"), 1);
    assert_int_equal(fake_calls("rados_ioctx_destroy"), 1);
    assert_int_equal(fake_calls("rados_shutdown"), 1);
}

/* Flush errors stick. */

/* A write, and a flush on the first queue that fails. */
static void lose(struct fixture *fixture, int error)
{
    write_byte(fixture);
    fake_next_result(FAKE_FLUSH, error);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_int_equal(reap_one(fixture->queue), error);
}

static void a_flush_error_is_told_by_every_later_flush(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    lose(fixture, -EIO);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(submit_flush(fixture->other_queue, fixture->disk), 0);
        assert_int_equal(reap_one(fixture->other_queue), -EIO);
        assert_int_equal(vdisk_flush(fixture->disk, &err), -EIO);
        assert_says(&err, -EIO, "Flushing image \"i\" failed: Input/output error");
        assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
        assert_int_equal(reap_one(fixture->queue), -EIO);
    }
    assert_close_fails(fixture, -EIO, "Flushing image \"i\" failed: Input/output error");
}

static void the_error_of_a_blocking_flush_sticks_too(void **state)
{
    struct fixture *fixture = *state;

    write_byte(fixture);
    fake_fail_mode(FAKE_AT_COMPLETION);
    fake_fail_call("rbd_aio_flush", 1, ENOSPC);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ENOSPC);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_int_equal(reap_one(fixture->queue), -ENOSPC);
    assert_close_fails(fixture, -ENOSPC, "Flushing image \"i\" failed: ");
}

static void the_first_flush_error_stays(void **state)
{
    struct fixture *fixture = *state;

    lose(fixture, -ENOSPC);
    /* This one is the close's own. */
    fake_next_result(FAKE_FLUSH, -EIO);
    assert_close_fails(fixture, -ENOSPC, "Flushing image \"i\" failed: ");
}

static void acknowledging_lets_flushes_succeed_again(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    lose(fixture, -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_int_equal(submit_flush(fixture->other_queue, fixture->disk), 0);
    assert_int_equal(reap_one(fixture->other_queue), 0);
    assert_int_equal(flushes_at_close(fixture), 0);
}

static void acknowledged_but_unflushed_is_flushed_by_close(void **state)
{
    struct fixture *fixture = *state;

    lose(fixture, -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_int_equal(flushes_at_close(fixture), 1);
}

/* librbd tells the error to one of them only. */
static void no_flush_in_flight_claims_success_when_one_has_failed(void **state)
{
    struct fixture *fixture = *state;
    enum fake_order orders[] = {FAKE_FIFO, FAKE_LIFO};

    for (size_t i = 0; i < 2; i++) {
        write_byte(fixture);
        fake_hold(FAKE_FLUSH);
        assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
        assert_int_equal(submit_flush(fixture->other_queue, fixture->disk), 0);
        assert_true(fake_wait_held(FAKE_FLUSH, 2));
        fake_next_result(FAKE_FLUSH, -EIO);
        assert_int_equal(fake_release(FAKE_FLUSH, 2, orders[i], 0), 2);
        assert_int_equal(reap_one(fixture->queue), -EIO);
        assert_int_equal(reap_one(fixture->other_queue), -EIO);
        fake_release_all();
        assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    }
}

/* Forking. */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_failed_connect_is_explained),
        TEST(a_connection_whose_thread_cannot_start_is_dropped),
        TEST(a_missing_pool_is_named),
        TEST(a_missing_namespace_is_named),
        TEST(a_missing_image_is_named),
        TEST(a_missing_snapshot_is_named),
        TEST(a_snapshot_of_a_missing_image_is_a_missing_image),
        TEST(a_step_that_fails_otherwise_is_told_with_its_error),
        TEST(a_snapshot_needs_to_be_read_only),
        TEST(read_only_opening_takes_no_lock_and_no_watch),
        TEST(opening_for_writing_watches),
        TEST(an_image_is_looked_for_in_its_namespace),
        TEST(a_uri_that_does_not_parse_opens_nothing),
        TEST(there_must_be_somewhere_to_put_the_disk),
        TEST(success_clears_the_error),
        DISK_TEST(info_of_an_image),
        TEST(info_of_a_snapshot),
        TEST(info_of_a_striped_image),
        TEST(an_image_of_the_old_format_has_no_id),
        DISK_TEST(asking_calls_nothing_of_cephs),
        DISK_TEST(an_info_that_was_not_set_up_is_refused),
        DISK_TEST(a_longer_info_is_filled_as_far_as_it_is_known),
        DISK_TEST(null_is_refused_everywhere),
        DISK_TEST(a_null_disk_is_told_of),
        DISK_TEST(growing_is_seen_at_once),
        DISK_TEST(the_size_may_stay_what_it_is),
        DISK_TEST(shrinking_unasked_is_refused),
        DISK_TEST(shrinking_on_purpose_is_seen_at_once),
        DISK_TEST(growing_behind_our_back_does_not_become_shrinking),
        DISK_TEST(too_large_a_size_is_refused),
        DISK_TEST(unknown_flags_of_a_resize_are_refused),
        TEST(a_read_only_disk_is_not_resized),
        DISK_TEST(a_failed_resize_is_told_with_its_error),
        DISK_TEST(a_fenced_client_cannot_resize),
        DISK_TEST(closing_waits_for_requests_on_every_queue),
        DISK_TEST(a_closing_disk_lets_nobody_in),
        DISK_TEST(closing_waits_for_calls_that_block),
        DISK_TEST(a_disk_that_was_only_read_is_not_flushed),
        DISK_TEST(a_disk_that_was_written_is_flushed),
        DISK_TEST(a_disk_that_was_flushed_is_not_flushed_again),
        DISK_TEST(a_disk_written_after_its_last_flush_is_flushed),
        DISK_TEST(a_write_that_failed_is_flushed),
        DISK_TEST(a_write_during_a_flush_is_flushed),
        TEST(a_read_only_disk_is_not_flushed),
        DISK_TEST(a_failing_flush_is_told_by_close),
        DISK_TEST(an_error_that_librbd_tells_once_is_told_by_close),
        DISK_TEST(a_failing_close_is_told),
        DISK_TEST(a_flush_error_outranks_that_of_closing),
        DISK_TEST(closing_ends_the_connection),
        DISK_TEST(a_flush_error_is_told_by_every_later_flush),
        DISK_TEST(the_error_of_a_blocking_flush_sticks_too),
        DISK_TEST(the_first_flush_error_stays),
        DISK_TEST(acknowledging_lets_flushes_succeed_again),
        DISK_TEST(acknowledged_but_unflushed_is_flushed_by_close),
        DISK_TEST(no_flush_in_flight_claims_success_when_one_has_failed),
        DISK_TEST(every_call_is_refused_in_a_forked_child),
        DISK_TEST(the_parent_of_a_child_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
