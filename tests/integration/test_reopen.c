/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks whose client the cluster fences, with `ceph osd blocklist`, and that come back: what is on the image is what
 * was said to be, and what may be lost is said to be.
 */
#include "fencing.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK KIB(16)
#define BLOCKS 256
#define SIZE (BLOCK * BLOCKS)

/* Fencing. */

static bool is_fenced(void *disk)
{
    char byte;
    /* Where no test writes, and nothing is cached. */
    int r = vdisk_pread(disk, &byte, 1, SIZE - 1, 0, NULL);

    assert_true(r == 0 || r == -ESHUTDOWN);
    return r < 0;
}

static void fence_disk(struct vdisk *disk, const char *image)
{
    fence(image);
    wait_until(is_fenced, disk, "the disk is fenced");
}

static void reopen(struct vdisk *disk)
{
    struct vdisk_error err;

    assert_done(vdisk_reopen(disk, 0, &err), &err);
}

/* Like a virtual machine's, whose client is its own. */
static struct vdisk *open_alone(const char *image)
{
    struct vdisk_open_options options = default_options(0);

    options.disks_per_connection = 1;
    return open_disk_with(image, &options);
}

static const char *make_image(void)
{
    const char *image = new_image();

    RBD("create", "--size", "4M", image);
    return image;
}

/* What `rbd lock` says of the owner. */
static const char *lock_owner(const char *image)
{
    char *list = RBD_OUTPUT("lock", "ls", image, "--format", "json");
    const char *address = strstr(list, "address") ? json_string(list, "address") : "";

    free(list);
    return address;
}

/* Under load. */

/* What a block holds: the number of its write, and bytes that follow from it and the block's own number. */
static void fill_block(unsigned char *data, size_t block, uint64_t write)
{
    fill(data, BLOCK, write * BLOCKS + block);
    memcpy(data, &write, sizeof write);
}

struct model {
    const char *image;
    struct vdisk *disk;
    struct vdisk_queue *queue;
    unsigned char *data;
    /* Of each block: the last write that was accepted, that completed well, and that a good flush covers. */
    uint64_t accepted[BLOCKS];
    uint64_t completed[BLOCKS];
    uint64_t durable[BLOCKS];
    uint64_t writes;
    uint64_t random;
    /* The disk is fenced. */
    bool stopped;
};

static void write_block(struct model *model, size_t block)
{
    unsigned char *data = model->data + block * BLOCK;
    struct iovec iov = {data, BLOCK};
    int r;

    fill_block(data, block, model->writes + 1);
    r = vdisk_aio_writev(model->queue, model->disk, &iov, 1, block * BLOCK, 0, &model->accepted[block]);
    assert_true(r == 0 || r == -ESHUTDOWN);
    if (r == 0)
        model->accepted[block] = ++model->writes;
    else
        model->stopped = true;
}

static void reap_model(struct model *model)
{
    while (vdisk_queue_in_flight(model->queue) > 0) {
        struct vdisk_completion done = wait_one(model->queue);
        const uint64_t *accepted = done.user_data;

        assert_true(done.result == 0 || done.result == -ESHUTDOWN);
        if (done.result == 0)
            model->completed[accepted - model->accepted] = *accepted;
        else
            model->stopped = true;
    }
}

static void flush_model(struct model *model)
{
    int r = vdisk_flush(model->disk, NULL);

    assert_true(r == 0 || r == -ESHUTDOWN);
    if (r == 0)
        memcpy(model->durable, model->completed, sizeof model->durable);
    else
        model->stopped = true;
}

/* Different blocks, so that their order does not matter. */
static void write_batch(struct model *model)
{
    size_t first = next_random(&model->random) % BLOCKS;

    for (size_t i = 0; i < 16 && !model->stopped; i++)
        write_block(model, (first + i * 7) % BLOCKS);
    reap_model(model);
    if (!model->stopped && next_random(&model->random) % 4 == 0)
        flush_model(model);
}

static void check_block(const struct model *model, size_t block, const unsigned char *found)
{
    unsigned char *expected = calloc(1, BLOCK);
    uint64_t write;

    assert_non_null(expected);
    memcpy(&write, found, sizeof write);
    if (write < model->durable[block] || write > model->accepted[block])
        fail_msg("block %zu holds write %lu, not one from %lu to %lu", block, (unsigned long)write,
                 (unsigned long)model->durable[block], (unsigned long)model->accepted[block]);
    if (write > 0)
        fill_block(expected, block, write);
    assert_bytes(found, expected, BLOCK, "a block");
    free(expected);
}

/* Each block of the image holds a write that was accepted, none older than what was said to be durable. */
static void check_image(const struct model *model)
{
    const char *path = temp_path("exported");
    unsigned char *found;
    size_t size;

    RBD("export", "--no-progress", model->image, path);
    found = read_file(path, &size);
    assert_int_equal(size, SIZE);
    for (size_t block = 0; block < BLOCKS; block++)
        check_block(model, block, found + block * BLOCK);
    free(found);
    succeed(ARGV("rm", path));
}

static void set_up_model(struct model *model, struct vdisk *disk, const char *image)
{
    *model = (struct model){.image = image, .disk = disk, .queue = new_queue(32), .data = malloc(SIZE), .random = 1};
    assert_non_null(model->data);
}

static void take_down_model(struct model *model)
{
    assert_int_equal(vdisk_queue_destroy(model->queue), 0);
    close_disk(model->disk);
    free(model->data);
}

/* The command comes to the cluster while writes are in flight. */
static void write_until_fenced(struct model *model)
{
    const char *address = client_of(model->image);

    unfence_later(address);
    succeed(ARGV("sh", "-c", text("ceph -c '%s' osd blocklist add %s >/dev/null 2>&1 &", conf_path(), address)));
    while (!model->stopped)
        write_batch(model);
    model->stopped = false;
}

/* Whoever reads on after a loss would read what is gone; whoever has acknowledged it writes again. */
static void go_on(struct model *model)
{
    bool lost = memcmp(model->completed, model->durable, sizeof model->durable) != 0;
    struct vdisk_error err;
    int r;

    reopen(model->disk);
    r = vdisk_flush(model->disk, &err);
    /* A write that failed may be a loss too. */
    assert_true(r == -EIO || (r == 0 && !lost));
    check_image(model);
    assert_done(vdisk_acknowledge_loss(model->disk, &err), &err);
    for (size_t i = 0; i < BLOCKS; i++) {
        write_block(model, i);
        if (i % 32 == 31)
            reap_model(model);
    }
    flush_model(model);
    assert_false(model->stopped);
    check_image(model);
    assert_rbd_exports(model->image, model->data, SIZE);
}

static void nothing_durable_is_lost_when_fenced_under_load(void **state)
{
    const char *image = make_image();
    struct model model;

    (void)state;
    set_up_model(&model, open_alone(image), image);
    for (int i = 0; i < 2; i++) {
        write_until_fenced(&model);
        go_on(&model);
    }
    take_down_model(&model);
}

static void nothing_durable_is_lost_with_a_write_back_cache_either(void **state)
{
    const char *image = make_image();
    struct model model;

    (void)state;
    set_up_model(&model, open_write_back(image), image);
    for (int i = 0; i < 2; i++) {
        write_until_fenced(&model);
        go_on(&model);
    }
    take_down_model(&model);
}

/* Losses. */

static void what_only_the_cache_had_is_said_to_be_lost(void **state)
{
    const char *image = make_image();
    unsigned char *data = pattern(SIZE, 1), *zeroes = calloc(1, SIZE);
    struct vdisk *disk = open_write_back(image);
    struct vdisk_error err;

    (void)state;
    assert_non_null(zeroes);
    assert_done(vdisk_pwrite(disk, data, BLOCK, 0, 0, &err), &err);
    fence(image);
    wait_until(is_fenced, disk, "the disk is fenced");
    reopen(disk);
    assert_rbd_exports(image, zeroes, SIZE);
    assert_failed(vdisk_flush(disk, &err), -EIO, &err, FRAGMENTS(base_name(image)));
    assert_failed(vdisk_flush(disk, &err), -EIO, &err, FRAGMENTS(base_name(image)));
    assert_done(vdisk_acknowledge_loss(disk, &err), &err);
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    assert_rbd_exports(image, data, SIZE);
    close_disk(disk);
    free(data);
    free(zeroes);
}

static void a_disk_that_is_not_fenced_loses_nothing_from_its_cache(void **state)
{
    const char *image = make_image();
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk *disk = open_write_back(image);
    const char *before, *after;
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    before = client_of(image);
    reopen(disk);
    after = client_of(image);
    assert_string_not_equal(before, after);
    assert_rbd_exports(image, data, SIZE);
    assert_done(vdisk_flush(disk, &err), &err);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    free(data);
}

static void fencing_on_request_shuts_the_old_client_out(void **state)
{
    const char *image = make_image();
    struct vdisk *disk = open_alone(image);
    const char *address = client_of(image);
    struct vdisk_error err;
    char *list;

    (void)state;
    assert_done(vdisk_reopen(disk, VDISK_REOPEN_FENCE, &err), &err);
    unfence_later(address);
    list = CEPH_OUTPUT("osd", "blocklist", "ls");
    assert_non_null(strstr(list, address));
    free(list);
    assert_done(vdisk_pwrite(disk, "x", 1, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    close_disk(disk);
}

/* Other owners. */

static void another_owners_lock_is_respected(void **state)
{
    const char *image = make_image();
    struct vdisk *disk = open_alone(image), *other;
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_pwrite(disk, "x", 1, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    fence_disk(disk, image);
    other = open_alone(image);
    assert_done(vdisk_pwrite(other, "y", 1, 0, 0, &err), &err);
    assert_failed(vdisk_reopen(disk, 0, &err), -EBUSY, &err,
                  FRAGMENTS(base_name(image), "lock", client_of(image), lock_owner(image)));
    assert_true(is_fenced(disk));
    close_disk(other);
    reopen(disk);
    assert_done(vdisk_pwrite(disk, "z", 1, 0, 0, &err), &err);
    close_disk(disk);
}

/* None of the clients in between has broken the lock of the first. */
static void the_lock_of_an_own_former_client_is_nobodys(void **state)
{
    const char *image = make_image();
    struct vdisk *disk = open_alone(image);
    struct vdisk_error err;
    const char *first;

    (void)state;
    assert_done(vdisk_pwrite(disk, "x", 1, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    first = lock_owner(image);
    for (int i = 0; i < 3; i++) {
        fence_disk(disk, image);
        reopen(disk);
        assert_string_equal(lock_owner(image), first);
    }
    assert_done(vdisk_pwrite(disk, "y", 1, 0, 0, &err), &err);
    assert_string_equal(lock_owner(image), client_of(image));
    close_disk(disk);
}

/* Changes meanwhile. */

static void what_has_changed_meanwhile_is_known(void **state)
{
    const char *image = make_image();
    struct vdisk *disk = open_alone(image);
    struct vdisk_queue *queue = new_queue(1);
    struct vdisk_completion done;
    struct vdisk_error err;
    uint64_t told = 0;

    (void)state;
    assert_done(vdisk_aio_watch(queue, disk, 0, NULL, &err), &err);
    fence_disk(disk, image);
    RBD("resize", "--no-progress", "--size", "8M", image);
    RBD("snap", "create", "--no-progress", text("%s@meanwhile", image));
    reopen(disk);
    assert_int_equal(vdisk_get_size(disk), MIB(8));
    while (told != (VDISK_EVENT_FENCED | VDISK_EVENT_RESIZED | VDISK_EVENT_SNAPSHOTS)) {
        done = wait_one(queue);
        assert_int_equal(done.result, 0);
        told |= done.value;
    }
    RBD("resize", "--no-progress", "--size", "12M", image);
    wait_for_size(disk, MIB(12));
    assert_done(vdisk_pwrite(disk, "x", 1, MIB(12) - 1, 0, &err), &err);
    close_disk(disk);
    do
        done = wait_one(queue);
    while (done.flags & VDISK_COMPLETION_MORE);
    assert_int_equal(done.result, -ESHUTDOWN);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

/* Others go on, on the same queue. */
static void a_queue_reopens_one_disk_and_uses_another(void **state)
{
    const char *image = make_image(), *other_image = make_image();
    struct vdisk *disk = open_alone(image), *other = open_alone(other_image);
    struct vdisk_queue *queue = new_queue(2);
    struct vdisk_error err;
    struct iovec iov = {&err, 512};
    bool reopened = false;

    (void)state;
    fence_disk(disk, image);
    assert_done(vdisk_aio_reopen(queue, disk, 0, disk, &err), &err);
    while (!reopened) {
        struct vdisk_completion done;

        assert_int_equal(vdisk_aio_readv(queue, other, &iov, 1, 0, 0, NULL), 0);
        for (bool read = false; !read;) {
            done = wait_one(queue);
            assert_int_equal(done.result, 0);
            read |= !done.user_data;
            reopened |= done.user_data == disk;
        }
    }
    assert_done(vdisk_pwrite(disk, "x", 1, 0, 0, &err), &err);
    close_disk(disk);
    close_disk(other);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_durable_is_lost_when_fenced_under_load),
        TEST(nothing_durable_is_lost_with_a_write_back_cache_either),
        TEST(what_only_the_cache_had_is_said_to_be_lost),
        TEST(a_disk_that_is_not_fenced_loses_nothing_from_its_cache),
        TEST(fencing_on_request_shuts_the_old_client_out),
        TEST(another_owners_lock_is_respected),
        TEST(the_lock_of_an_own_former_client_is_nobodys),
        TEST(what_has_changed_meanwhile_is_known),
        TEST(a_queue_reopens_one_disk_and_uses_another),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
