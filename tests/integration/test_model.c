/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A random stream of everything a disk can do, with a model in memory that says what must come of it. The seed is
 * fixed; VDISK_TEST_SEED sets another one, VDISK_TEST_STEPS makes the stream longer.
 */
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE MIB(6)
#define MAX_SNAPSHOTS 4
#define MAX_BATCH 12

struct contents {
    unsigned char *data;
    size_t size;
};

struct snapshot {
    struct contents contents;
    char name[32];
    bool is_protected;
};

struct model {
    uint64_t random;
    unsigned int step;
    const char *image;
    struct vdisk *disk;
    struct vdisk_queue *queue;
    struct contents head;
    struct snapshot snapshots[MAX_SNAPSHOTS];
    unsigned int snapshot_count;
    unsigned int names_used;
};

static size_t random_below(struct model *model, size_t limit)
{
    return (size_t)(next_random(&model->random) % limit);
}

static uint32_t random_flags(struct model *model)
{
    return random_below(model, 3) ? 0 : VDISK_IO_ZERO_COPY;
}

static struct contents copy_of(const struct contents *from)
{
    struct contents copy = {malloc(MAX_SIZE), from->size};

    assert_non_null(copy.data);
    memcpy(copy.data, from->data, MAX_SIZE);
    return copy;
}

static const char *where(const struct model *model, const char *what)
{
    return text("step %u, %s", model->step, what);
}

/* A range of the disk, often a short one, now and then up to its very end. */
struct range {
    size_t offset;
    size_t length;
};

static struct range random_range(struct model *model, size_t size)
{
    size_t longest = random_below(model, 4) ? 100000 : MAX_SIZE;
    struct range range = {.offset = random_below(model, size + 1)};

    range.length = random_below(model, size - range.offset + 1);
    if (range.length > longest)
        range.length = longest;
    if (random_below(model, 8) == 0)
        range.offset = size - range.length;
    return range;
}

/* Reading and writing. */

static void write_step(struct model *model)
{
    struct range range = random_range(model, model->head.size);
    unsigned char *at = model->head.data + range.offset;
    uint32_t flags = random_flags(model);
    struct vdisk_error err;

    fill(at, range.length, next_random(&model->random));
    assert_done(vdisk_pwrite(model->disk, at, range.length, range.offset, flags, &err), &err);
}

static void check_range(struct model *model, struct vdisk *disk, const struct contents *expected)
{
    struct range range = random_range(model, expected->size);
    unsigned char *read = pattern(range.length + 1, model->step);
    unsigned char guard = read[range.length];
    uint32_t flags = random_flags(model);
    struct vdisk_error err;

    assert_int_equal(vdisk_get_size(disk), expected->size);
    assert_done(vdisk_pread(disk, read, range.length, range.offset, flags, &err), &err);
    assert_bytes(read, expected->data + range.offset, range.length, where(model, "vdisk_pread"));
    assert_int_equal(read[range.length], guard);
    free(read);
}

static void read_step(struct model *model)
{
    check_range(model, model->disk, &model->head);
}

/* Requests in flight at the same time, side by side on the disk, reads and writes in any order. */
struct request {
    struct range range;
    bool write;
    unsigned char *buffer;
    struct iovec iov[3];
};

static void cut(struct model *model, struct request *request)
{
    size_t first = random_below(model, request->range.length + 1);
    size_t second = random_below(model, request->range.length - first + 1);

    request->iov[0] = (struct iovec){request->buffer, first};
    request->iov[1] = (struct iovec){request->buffer + first, second};
    request->iov[2] = (struct iovec){request->buffer + first + second, request->range.length - first - second};
}

static void submit(struct model *model, struct request *request)
{
    uint32_t flags = random_flags(model);
    int r;

    request->write = random_below(model, 2);
    request->buffer = pattern(request->range.length + 1, next_random(&model->random));
    cut(model, request);
    if (request->write)
        r = vdisk_aio_writev(model->queue, model->disk, request->iov, 3, request->range.offset, flags, request);
    else
        r = vdisk_aio_readv(model->queue, model->disk, request->iov, 3, request->range.offset, flags, request);
    assert_int_equal(r, 0);
}

static void finish(struct model *model, const struct request *request)
{
    unsigned char *at = model->head.data + request->range.offset;

    if (request->write)
        memcpy(at, request->buffer, request->range.length);
    else
        assert_bytes(request->buffer, at, request->range.length, where(model, "vdisk_aio_readv"));
    free(request->buffer);
}

static void batch_step(struct model *model)
{
    struct request requests[MAX_BATCH];
    size_t count = 1 + random_below(model, MAX_BATCH), end = random_below(model, model->head.size + 1);

    for (size_t i = 0; i < count; i++) {
        size_t left = model->head.size - end;
        size_t longest = left < 200000 ? left : 200000;

        requests[i] = (struct request){.range = {end, random_below(model, longest + 1)}};
        end += requests[i].range.length;
        submit(model, &requests[i]);
    }
    if (random_below(model, 3) == 0)
        assert_int_equal(vdisk_aio_flush(model->queue, model->disk, 0, NULL), 0);
    while (vdisk_queue_in_flight(model->queue) > 0)
        assert_int_equal(wait_one(model->queue).result, 0);
    for (size_t i = 0; i < count; i++)
        finish(model, &requests[i]);
}

static void flush_step(struct model *model)
{
    struct vdisk_error err;

    assert_done(vdisk_flush(model->disk, &err), &err);
}

static void refused_step(struct model *model)
{
    size_t offset = model->head.size - random_below(model, model->head.size < 10 ? model->head.size + 1 : 10);
    size_t length = model->head.size - offset + 1;
    unsigned char *buffer = pattern(length, 0);
    struct vdisk_error err;

    assert_failed(vdisk_pwrite(model->disk, buffer, length, offset, 0, &err), -EINVAL, &err,
                  FRAGMENTS(base_name(model->image)));
    free(buffer);
}

/* Sizes. */

static void resize_step(struct model *model)
{
    size_t size = random_below(model, MAX_SIZE + 1);
    struct vdisk_error err;

    if (size < model->head.size && random_below(model, 4) == 0) {
        assert_failed(vdisk_resize(model->disk, size, 0, &err), -EINVAL, &err, FRAGMENTS("VDISK_RESIZE_SHRINK"));
        return;
    }
    assert_done(vdisk_resize(model->disk, size, VDISK_RESIZE_SHRINK, &err), &err);
    if (size < model->head.size)
        memset(model->head.data + size, 0, MAX_SIZE - size);
    model->head.size = size;
}

/* Snapshots. */

static struct snapshot *random_snapshot(struct model *model)
{
    return model->snapshot_count ? &model->snapshots[random_below(model, model->snapshot_count)] : NULL;
}

static void create_snapshot_step(struct model *model)
{
    struct snapshot *snapshot = &model->snapshots[model->snapshot_count];
    struct vdisk_error err;

    if (model->snapshot_count == MAX_SNAPSHOTS)
        return;
    model->snapshot_count++;
    *snapshot = (struct snapshot){.contents = copy_of(&model->head)};
    strcpy(snapshot->name, text("snapshot-%u", model->names_used++));
    assert_done(vdisk_snapshot_create(model->disk, snapshot->name, 0, &err), &err);
}

static void remove_snapshot_step(struct model *model)
{
    struct snapshot *snapshot = random_snapshot(model);
    struct vdisk_error err;

    if (!snapshot)
        return;
    if (snapshot->is_protected) {
        assert_failed(vdisk_snapshot_remove(model->disk, snapshot->name, 0, &err), -EBUSY, &err,
                      FRAGMENTS(snapshot->name));
        return;
    }
    assert_done(vdisk_snapshot_remove(model->disk, snapshot->name, 0, &err), &err);
    free(snapshot->contents.data);
    *snapshot = model->snapshots[--model->snapshot_count];
}

static void protect_snapshot_step(struct model *model)
{
    struct snapshot *snapshot = random_snapshot(model);
    struct vdisk_error err;

    if (!snapshot)
        return;
    assert_done((snapshot->is_protected ? vdisk_snapshot_unprotect : vdisk_snapshot_protect)(model->disk,
                                                                                             snapshot->name, 0, &err),
                &err);
    snapshot->is_protected = !snapshot->is_protected;
}

static void rollback_step(struct model *model)
{
    struct snapshot *snapshot = random_snapshot(model);
    struct vdisk_error err;

    if (!snapshot)
        return;
    assert_done(vdisk_snapshot_rollback(model->disk, snapshot->name, 0, &err), &err);
    free(model->head.data);
    model->head = copy_of(&snapshot->contents);
}

static void read_snapshot_step(struct model *model)
{
    struct snapshot *snapshot = random_snapshot(model);
    struct vdisk *disk;

    if (!snapshot)
        return;
    disk = open_disk(text("%s@%s", model->image, snapshot->name), VDISK_OPEN_READ_ONLY);
    check_range(model, disk, &snapshot->contents);
    close_disk(disk);
}

static void list_step(struct model *model)
{
    struct vdisk_snapshot *list;
    struct vdisk_error err;
    size_t count;

    assert_done(vdisk_snapshot_list(&list, &count, model->disk, &err), &err);
    assert_int_equal(count, model->snapshot_count);
    for (size_t i = 0; i < count; i++) {
        const struct snapshot *expected = model->snapshots;

        while (strcmp(expected->name, list[i].name) != 0)
            assert_true(++expected < model->snapshots + model->snapshot_count);
        assert_int_equal(list[i].size, expected->contents.size);
        assert_int_equal(list[i].is_protected, expected->is_protected);
    }
    vdisk_snapshot_list_free(list);
}

/* Opening. */

static void reopen_step(struct model *model)
{
    close_disk(model->disk);
    model->disk = open_disk(model->image, 0);
}

/* Another client may look at any time at what is flushed. */
static void read_only_step(struct model *model)
{
    struct vdisk *disk;

    flush_step(model);
    disk = open_disk(model->image, VDISK_OPEN_READ_ONLY);
    check_range(model, disk, &model->head);
    close_disk(disk);
}

/* The stream. */

static void (*const steps[])(struct model *model) = {
    /* What is here more often happens more often. */
    write_step,
    write_step,
    write_step,
    write_step,
    write_step,
    write_step,
    read_step,
    read_step,
    read_step,
    read_step,
    read_step,
    batch_step,
    batch_step,
    batch_step,
    batch_step,
    batch_step,
    flush_step,
    flush_step,
    refused_step,
    resize_step,
    resize_step,
    resize_step,
    create_snapshot_step,
    create_snapshot_step,
    remove_snapshot_step,
    read_snapshot_step,
    rollback_step,
    protect_snapshot_step,
    list_step,
    reopen_step,
    read_only_step,
};

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *value = getenv(variable);

    return value ? strtoull(value, NULL, 10) : otherwise;
}

static void check_cluster(struct model *model)
{
    assert_disk_holds(model->disk, model->head.data, model->head.size);
    close_disk(model->disk);
    assert_rbd_exports(model->image, model->head.data, model->head.size);
    for (unsigned int i = 0; i < model->snapshot_count; i++) {
        struct snapshot *snapshot = &model->snapshots[i];

        assert_rbd_exports(text("%s@%s", model->image, snapshot->name), snapshot->contents.data,
                           snapshot->contents.size);
        free(snapshot->contents.data);
    }
    free(model->head.data);
}

/* `data`, of MAX_SIZE bytes, is what the image holds now, and zeroes beyond `size`. */
static void run_stream(const char *image, unsigned char *data, size_t size, uint64_t seed)
{
    struct model model = {.image = image, .queue = new_queue(2 * MAX_BATCH), .head = {data, size}};
    uint64_t count = number_from("VDISK_TEST_STEPS", 250);

    seed = number_from("VDISK_TEST_SEED", seed);
    print_message("seed %" PRIu64 "\n", seed);
    /* Never 0, of which nothing random comes. */
    model.random = seed * 2 + 1;
    model.disk = open_disk(image, 0);
    for (model.step = 0; model.step < count; model.step++)
        steps[random_below(&model, sizeof steps / sizeof *steps)](&model);
    assert_int_equal(vdisk_queue_destroy(model.queue), 0);
    check_cluster(&model);
}

static unsigned char *zeroes(void)
{
    unsigned char *data = calloc(1, MAX_SIZE);

    assert_non_null(data);
    return data;
}

static void a_random_stream_does_what_the_model_says(void **state)
{
    const char *image = new_image();

    (void)state;
    create_image(image, MIB(5) + 3, 0);
    run_stream(image, zeroes(), MIB(5) + 3, 1);
}

static void a_random_stream_on_small_objects_does_what_the_model_says(void **state)
{
    const char *image = new_image();

    (void)state;
    create_image(image, MIB(1) + 4097, KIB(32));
    run_stream(image, zeroes(), MIB(1) + 4097, 2);
}

static void a_random_stream_on_a_striped_image_does_what_the_model_says(void **state)
{
    const char *image = new_image();

    (void)state;
    RBD("create", "--size", "3000001B", "--object-size", "256K", "--stripe-unit", "8K", "--stripe-count", "5", image);
    run_stream(image, zeroes(), 3000001, 3);
}

static void a_random_stream_on_a_clone_does_what_the_model_says(void **state)
{
    const char *parent = new_image(), *child = new_image();
    unsigned char *data = pattern(MAX_SIZE, 4), *original = pattern(MAX_SIZE, 4);
    const size_t size = MIB(4) + 1001;

    (void)state;
    memset(data + size, 0, MAX_SIZE - size);
    import_image(parent, data, size, ARGV("--object-size", "1M"));
    RBD("snap", "create", text("%s@base", parent));
    RBD("snap", "protect", text("%s@base", parent));
    RBD("clone", text("%s@base", parent), child);
    run_stream(child, data, size, 4);
    assert_rbd_exports(parent, original, size);
    free(original);
}

/* Neither exclusive lock nor object map: other ways through librbd. */
static void a_random_stream_without_image_features_does_what_the_model_says(void **state)
{
    const char *image = new_image();

    (void)state;
    RBD("create", "--size", "2M", "--object-size", "512K", "--image-feature", "layering", image);
    run_stream(image, zeroes(), MIB(2), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_random_stream_does_what_the_model_says),
        TEST(a_random_stream_on_small_objects_does_what_the_model_says),
        TEST(a_random_stream_on_a_striped_image_does_what_the_model_says),
        TEST(a_random_stream_on_a_clone_does_what_the_model_says),
        TEST(a_random_stream_without_image_features_does_what_the_model_says),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
