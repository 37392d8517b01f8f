/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clones made here are what the `rbd` tool takes for clones, and hold what QEMU reads; and flattening cuts them off.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE (MIB(9) + 4096)

static struct vdisk_uri *parse(const char *spec)
{
    struct vdisk_error err;
    struct vdisk_uri *uri;

    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", spec), &err), &err);
    return uri;
}

static int clone_it(const char *parent, const char *clone, const struct vdisk_create_options *create,
                    const struct vdisk_option *option, struct vdisk_error *err)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_uri *parent_uri = parse(parent), *clone_uri = parse(clone);
    int r;

    if (option) {
        connect.options = option;
        connect.option_count = 1;
    }
    r = vdisk_clone(parent_uri, clone_uri, create, &connect, err);
    vdisk_uri_free(parent_uri);
    vdisk_uri_free(clone_uri);
    return r;
}

static void must_clone(const char *parent, const char *clone)
{
    struct vdisk_error err;

    assert_done(clone_it(parent, clone, NULL, NULL, &err), &err);
}

/* An image with this data and a snapshot "s" of it, protected; the name with that. */
static const char *new_parent(const unsigned char *data)
{
    const char *image = new_image(), *snapshot = text("%s@s", image);

    import_image(image, data, SIZE, NULL);
    RBD("snap", "create", snapshot);
    RBD("snap", "protect", snapshot);
    return snapshot;
}

static const char *image_of(const char *snapshot)
{
    return text("%.*s", (int)(strchr(snapshot, '@') - snapshot), snapshot);
}

static struct vdisk_info info_of(struct vdisk *disk)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    return info;
}

/* What rbd says of the clone's parent is what the disk says; or neither says anything. */
static void assert_parents_agree(const char *clone, bool is_clone)
{
    struct vdisk *disk = open_disk(clone, VDISK_OPEN_READ_ONLY);
    struct vdisk_info info = info_of(disk);
    char *json = RBD_OUTPUT("info", clone, "--format", "json");
    const char *parent = strstr(json, "\"parent\":");

    assert_int_equal(parent != NULL, is_clone);
    assert_int_equal(info.parent_image != NULL, is_clone);
    if (is_clone) {
        assert_string_equal(info.parent_pool, json_string(parent, "pool"));
        assert_string_equal(info.parent_name_space, json_string(parent, "pool_namespace"));
        assert_string_equal(info.parent_image, json_string(parent, "image"));
        assert_string_equal(info.parent_image_id, json_string(parent, "id"));
        if (info.parent_snapshot)
            assert_string_equal(info.parent_snapshot, json_string(parent, "snapshot"));
    }
    free(json);
    close_disk(disk);
}

static bool is_child(const char *snapshot, const char *clone)
{
    char *children = RBD_OUTPUT("children", snapshot);
    bool found = strstr(children, clone);

    free(children);
    return found;
}

/* Of all that is stored of the image, in bytes. */
static uint64_t used(const char *spec)
{
    char *json = RBD_OUTPUT("du", spec, "--format", "json");
    uint64_t size = json_number(json, "used_size");

    free(json);
    return size;
}

/* Cloning. */

static void a_clone_is_one_for_rbd_and_qemu(void **state)
{
    unsigned char *data = pattern(SIZE, 1);
    const char *parent = new_parent(data), *clone = new_image();

    (void)state;
    must_clone(parent, clone);
    assert_true(is_child(parent, clone));
    assert_parents_agree(clone, true);
    assert_parents_agree(image_of(parent), false);
    assert_int_equal(used(clone), 0);
    assert_rbd_exports(clone, data, SIZE);
    assert_qemu_converts(clone, data, SIZE);
    free(data);
}

static void a_clone_made_by_rbd_is_one_here(void **state)
{
    unsigned char *data = pattern(SIZE, 2);
    const char *parent = new_parent(data), *clone = new_image();
    struct vdisk *disk;

    (void)state;
    RBD("clone", parent, clone);
    assert_parents_agree(clone, true);
    disk = open_disk(clone, 0);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    free(data);
}

static void writing_to_a_clone_leaves_its_parent(void **state)
{
    unsigned char *data = pattern(SIZE, 3), *changed = pattern(SIZE, 3);
    const char *parent = new_parent(data), *clone = new_image();
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    must_clone(parent, clone);
    disk = open_disk(clone, 0);
    memset(changed + MIB(3) + 100, 0x77, MIB(2));
    assert_done(vdisk_pwrite(disk, changed + MIB(3) + 100, MIB(2), MIB(3) + 100, 0, &err), &err);
    close_disk(disk);
    assert_rbd_exports(clone, changed, SIZE);
    assert_rbd_exports(parent, data, SIZE);
    free(changed);
    free(data);
}

static void a_clone_can_be_laid_out_otherwise(void **state)
{
    unsigned char *data = pattern(SIZE, 4);
    const char *parent = new_parent(data);
    static const uint64_t sizes[] = {KIB(64), MIB(16)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *clone = new_image();
        struct vdisk_create_options create;
        struct vdisk_error err;
        char *json;

        vdisk_create_options_init(&create, sizeof create);
        create.object_size = sizes[i];
        create.features = VDISK_FEATURE_LAYERING | VDISK_FEATURE_EXCLUSIVE_LOCK;
        assert_done(clone_it(parent, clone, &create, NULL, &err), &err);
        json = RBD_OUTPUT("info", clone, "--format", "json");
        assert_int_equal(json_number(json, "object_size"), sizes[i]);
        assert_non_null(strstr(json, "[\"layering\",\"exclusive-lock\"]"));
        assert_rbd_exports(clone, data, SIZE);
        free(json);
    }
    free(data);
}

static void without_protection_the_other_format_is_needed(void **state)
{
    static const struct vdisk_option format = {"rbd_default_clone_format", "2"};
    const char *image = new_image(), *snapshot = text("%s@s", image), *clone = new_image();
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    RBD("snap", "create", snapshot);
    assert_failed(clone_it(snapshot, clone, NULL, NULL, &err), -EINVAL, &err,
                  FRAGMENTS("not protected", "vdisk_snapshot_protect", "rbd_default_clone_format"));
    assert_done(clone_it(snapshot, clone, NULL, &format, &err), &err);
    assert_true(is_child(snapshot, clone));
    assert_parents_agree(clone, true);
    /* Then its name can go, and what is left of it can be named by nobody. */
    RBD("snap", "rm", snapshot);
    assert_parents_agree(clone, true);
    disk = open_disk(clone, 0);
    assert_string_equal(info_of(disk).parent_image, base_name(image));
    assert_null(info_of(disk).parent_snapshot);
    close_disk(disk);
}

static void a_clone_in_another_namespace_needs_it_too(void **state)
{
    static const struct vdisk_option format = {"rbd_default_clone_format", "2"};
    unsigned char *data = pattern(SIZE, 5);
    const char *parent = new_parent(data), *clone = new_image_in(new_namespace());
    struct vdisk_error err;

    (void)state;
    assert_failed(clone_it(parent, clone, NULL, NULL, &err), -EXDEV, &err,
                  FRAGMENTS("namespaces", "rbd_default_clone_format"));
    assert_done(clone_it(parent, clone, NULL, &format, &err), &err);
    assert_parents_agree(clone, true);
    assert_rbd_exports(clone, data, SIZE);
    free(data);
}

static void what_is_wrong_is_said(void **state)
{
    unsigned char *data = pattern(SIZE, 6);
    const char *parent = new_parent(data), *missing = new_image(), *other = new_image();
    struct vdisk_error err;

    (void)state;
    create_image(other, MIB(1), 0);
    assert_failed(clone_it(text("%s@s", missing), new_image(), NULL, NULL, &err), -ENOENT, &err,
                  FRAGMENTS("no image", base_name(missing)));
    assert_failed(clone_it(text("%s@t", image_of(parent)), new_image(), NULL, NULL, &err), -ENOENT, &err,
                  FRAGMENTS("no snapshot \"t\""));
    assert_failed(clone_it(parent, other, NULL, NULL, &err), -EEXIST, &err, FRAGMENTS(base_name(other), "already"));
    free(data);
}

/* Flattening. */

static void a_flattened_clone_is_on_its_own(void **state)
{
    unsigned char *data = pattern(SIZE, 7);
    const char *parent = new_parent(data), *clone = new_image();
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    must_clone(parent, clone);
    disk = open_disk(clone, 0);
    assert_done(vdisk_flatten(disk, 0, &err), &err);
    assert_null(info_of(disk).parent_image);
    assert_failed(vdisk_flatten(disk, 0, &err), -EINVAL, &err, FRAGMENTS("no parent", base_name(clone)));
    close_disk(disk);
    assert_parents_agree(clone, false);
    assert_false(is_child(parent, clone));
    assert_true(used(clone) >= SIZE);
    RBD("snap", "unprotect", parent);
    RBD("snap", "rm", parent);
    assert_rbd_exports(clone, data, SIZE);
    free(data);
}

static void a_clone_can_be_used_while_it_is_flattened(void **state)
{
    unsigned char *data = pattern(SIZE, 8), *buffer = malloc(MIB(1));
    const char *parent = new_parent(data), *clone = new_image();
    struct vdisk_queue *queue = new_queue(4);
    struct vdisk_completion done = {.flags = VDISK_COMPLETION_MORE};
    int reports = 0;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    must_clone(parent, clone);
    disk = open_disk(clone, 0);
    assert_done(vdisk_aio_flatten(queue, disk, VDISK_AIO_PROGRESS, NULL, &err), &err);
    while (done.flags & VDISK_COMPLETION_MORE) {
        memset(data + MIB(6), reports, MIB(1));
        assert_done(vdisk_pwrite(disk, data + MIB(6), MIB(1), MIB(6), 0, &err), &err);
        assert_done(vdisk_pread(disk, buffer, MIB(1), MIB(2), 0, &err), &err);
        assert_bytes(buffer, data + MIB(2), MIB(1), "what is read while flattening");
        done = wait_one(queue);
        assert_true(done.value <= VDISK_PROGRESS_WHOLE);
        reports += (done.flags & VDISK_COMPLETION_MORE) != 0;
    }
    assert_int_equal(done.result, 0);
    assert_true(reports > 0);
    close_disk(disk);
    assert_false(is_child(parent, clone));
    assert_rbd_exports(clone, data, SIZE);
    vdisk_queue_destroy(queue);
    free(buffer);
    free(data);
}

/* What else is done to a disk on a queue. */

static void operations_on_a_queue_are_done_in_their_order(void **state)
{
    unsigned char *data = pattern(SIZE, 9);
    const char *image = new_image();
    struct vdisk_queue *queue = new_queue(16);
    struct vdisk_snapshot *snapshots;
    struct vdisk_error err;
    struct vdisk *disk;
    size_t count;
    int reports = 0;

    (void)state;
    import_image(image, data, SIZE, NULL);
    disk = open_disk(image, 0);
    assert_done(vdisk_aio_snapshot_create(queue, disk, "first", 0, NULL, &err), &err);
    assert_done(vdisk_aio_resize(queue, disk, MIB(1), VDISK_RESIZE_SHRINK | VDISK_AIO_PROGRESS, NULL, &err), &err);
    assert_done(vdisk_aio_snapshot_create(queue, disk, "second", 0, NULL, &err), &err);
    assert_done(vdisk_aio_snapshot_rollback(queue, disk, "first", VDISK_AIO_PROGRESS, NULL, &err), &err);
    assert_done(vdisk_aio_snapshot_list(queue, &snapshots, &count, disk, 0, NULL, &err), &err);
    assert_done(vdisk_aio_snapshot_remove(queue, disk, "second", VDISK_AIO_PROGRESS, NULL, &err), &err);
    for (int finished = 0; finished < 6;) {
        struct vdisk_completion done = wait_one(queue);

        assert_int_equal(done.result, 0);
        if (done.flags & VDISK_COMPLETION_MORE)
            reports++;
        else
            finished++;
    }
    assert_true(reports > 0);
    assert_int_equal(count, 2);
    assert_string_equal(snapshots[0].name, "first");
    assert_int_equal(snapshots[0].size, SIZE);
    assert_string_equal(snapshots[1].name, "second");
    assert_int_equal(snapshots[1].size, MIB(1));
    vdisk_snapshot_list_free(snapshots);
    assert_int_equal(vdisk_get_size(disk), SIZE);
    close_disk(disk);
    assert_rbd_exports(image, data, SIZE);
    vdisk_queue_destroy(queue);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_clone_is_one_for_rbd_and_qemu),
        TEST(a_clone_made_by_rbd_is_one_here),
        TEST(writing_to_a_clone_leaves_its_parent),
        TEST(a_clone_can_be_laid_out_otherwise),
        TEST(without_protection_the_other_format_is_needed),
        TEST(a_clone_in_another_namespace_needs_it_too),
        TEST(what_is_wrong_is_said),
        TEST(a_flattened_clone_is_on_its_own),
        TEST(a_clone_can_be_used_while_it_is_flattened),
        TEST(operations_on_a_queue_are_done_in_their_order),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
