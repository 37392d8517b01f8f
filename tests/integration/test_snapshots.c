/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests changes of snapshots, made here and by the `rbd` tool: both sides see the same. */
#include "snapshots.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>

/* Contents. */

static void write_all(struct vdisk *disk, const unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
}

static void assert_snapshot_holds(const char *image, const char *name, const unsigned char *data, size_t size)
{
    const char *spec = text("%s@%s", image, name);
    struct vdisk *disk = open_disk(spec, VDISK_OPEN_READ_ONLY);

    assert_disk_holds(disk, data, size);
    close_disk(disk);
    assert_rbd_exports(spec, data, size);
}

static void a_snapshot_keeps_what_was_overwritten_after_it(void **state)
{
    const char *image;
    unsigned char *before = pattern(SIZE, 1), *after = pattern(SIZE, 2);
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    write_all(disk, before, SIZE);
    must(vdisk_snapshot_create, disk, "snap");
    write_all(disk, after, SIZE);
    assert_disk_holds(disk, after, SIZE);
    assert_snapshot_holds(image, "snap", before, SIZE);
    close_disk(disk);
    assert_rbd_exports(image, after, SIZE);
    free(before);
    free(after);
}

static void a_snapshot_made_by_rbd_is_read_here(void **state)
{
    const char *image = new_image();
    unsigned char *before = pattern(SIZE, 3), *after = pattern(SIZE, 4);
    struct vdisk *disk;

    (void)state;
    import_image(image, before, SIZE, NULL);
    RBD("snap", "create", text("%s@snap", image));
    disk = open_disk(image, 0);
    write_all(disk, after, SIZE);
    close_disk(disk);
    assert_snapshot_holds(image, "snap", before, SIZE);
    free(before);
    free(after);
}

/* Without a flush in between: a snapshot holds all writes that have completed. */
static void a_snapshot_holds_completed_writes_that_were_not_flushed(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 5);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_write_back(image);
    for (int i = 0; i < 5; i++) {
        fill(data, SIZE, (uint64_t)i);
        assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
        must(vdisk_snapshot_create, disk, text("snap-%d", i));
    }
    for (int i = 0; i < 5; i++) {
        fill(data, SIZE, (uint64_t)i);
        assert_snapshot_holds(image, text("snap-%d", i), data, SIZE);
    }
    close_disk(disk);
    free(data);
}

static void a_snapshot_made_by_rbd_while_the_disk_is_open_holds_completed_writes(void **state)
{
    const char *image = new_image();
    unsigned char *before = pattern(SIZE, 6), *after = pattern(SIZE, 7);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_write_back(image);
    write_all(disk, after, SIZE);
    assert_done(vdisk_pwrite(disk, before, SIZE, 0, 0, &err), &err);
    RBD("snap", "create", text("%s@snap", image));
    write_all(disk, after, SIZE);
    assert_snapshot_holds(image, "snap", before, SIZE);
    close_disk(disk);
    free(before);
    free(after);
}

static void rolling_back_restores_data_and_size_here_and_at_rbd(void **state)
{
    const char *image = new_image();
    unsigned char *before = pattern(SIZE, 8), *after = pattern(MIB(9), 9);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, before, SIZE, NULL);
    disk = open_disk(image, 0);
    must(vdisk_snapshot_create, disk, "snap");
    assert_done(vdisk_resize(disk, MIB(9), 0, &err), &err);
    write_all(disk, after, MIB(9));
    must(vdisk_snapshot_rollback, disk, "snap");
    assert_int_equal(vdisk_get_size(disk), SIZE);
    assert_disk_holds(disk, before, SIZE);
    assert_rbd_exports(image, before, SIZE);
    close_disk(disk);
    free(before);
    free(after);
}

static void rolling_back_restores_what_shrinking_cut_off(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 10);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, SIZE, NULL);
    disk = open_disk(image, 0);
    must(vdisk_snapshot_create, disk, "snap");
    assert_done(vdisk_resize(disk, 5000, VDISK_RESIZE_SHRINK, &err), &err);
    must(vdisk_snapshot_rollback, disk, "snap");
    assert_disk_holds(disk, data, SIZE);
    assert_rbd_exports(image, data, SIZE);
    close_disk(disk);
    free(data);
}

/* Protection. */

static void protecting_shows_at_rbd_and_so_does_unprotecting(void **state)
{
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    must(vdisk_snapshot_create, disk, "snap");
    must(vdisk_snapshot_protect, disk, "snap");
    assert_lists_agree(disk, image, 1);
    assert_int_not_equal(RBD_STATUS("snap", "rm", text("%s@snap", image)), 0);
    must(vdisk_snapshot_unprotect, disk, "snap");
    assert_lists_agree(disk, image, 1);
    RBD("snap", "rm", text("%s@snap", image));
    assert_lists_agree(disk, image, 0);
    close_disk(disk);
}

static void a_protected_snapshot_cannot_be_removed(void **state)
{
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    must(vdisk_snapshot_create, disk, "snap");
    must(vdisk_snapshot_protect, disk, "snap");
    must_fail(vdisk_snapshot_remove, disk, image, "snap", -EBUSY);
    assert_lists_agree(disk, image, 1);
    close_disk(disk);
}

static void protecting_twice_is_refused(void **state)
{
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    must(vdisk_snapshot_create, disk, "snap");
    must(vdisk_snapshot_protect, disk, "snap");
    must_fail(vdisk_snapshot_protect, disk, image, "snap", -EBUSY);
    assert_lists_agree(disk, image, 1);
    close_disk(disk);
}

static void unprotecting_twice_is_refused(void **state)
{
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    must(vdisk_snapshot_create, disk, "snap");
    must(vdisk_snapshot_protect, disk, "snap");
    must(vdisk_snapshot_unprotect, disk, "snap");
    must_fail(vdisk_snapshot_unprotect, disk, image, "snap", -EINVAL);
    close_disk(disk);
}

static void a_snapshot_with_a_clone_stays_protected_until_the_clone_is_gone(void **state)
{
    const char *image, *child;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    child = new_image();
    must(vdisk_snapshot_create, disk, "snap");
    must(vdisk_snapshot_protect, disk, "snap");
    RBD("clone", "--rbd-default-clone-format", "1", text("%s@snap", image), child);
    must_fail(vdisk_snapshot_unprotect, disk, image, "snap", -EBUSY);
    RBD("rm", child);
    must(vdisk_snapshot_unprotect, disk, "snap");
    must(vdisk_snapshot_remove, disk, "snap");
    assert_lists_agree(disk, image, 0);
    close_disk(disk);
}

/* Of the second format: such clones need no protection. */
static void removing_a_snapshot_that_a_newer_clone_depends_on_takes_its_name_only(void **state)
{
    const char *image = new_image(), *child = new_image();
    unsigned char *data = pattern(SIZE, 11);
    struct vdisk *disk, *clone;

    (void)state;
    import_image(image, data, SIZE, NULL);
    disk = open_disk(image, 0);
    must(vdisk_snapshot_create, disk, "snap");
    RBD("clone", "--rbd-default-clone-format", "2", text("%s@snap", image), child);
    must(vdisk_snapshot_remove, disk, "snap");
    assert_lists_agree(disk, image, 0);
    clone = open_disk(child, 0);
    assert_disk_holds(clone, data, SIZE);
    close_disk(clone);
    close_disk(disk);
    free(data);
}

/* Errors. */

static void changes_of_a_missing_snapshot_name_it_and_the_image(void **state)
{
    static const change_fn changes[] = {vdisk_snapshot_remove, vdisk_snapshot_rollback, vdisk_snapshot_protect,
                                        vdisk_snapshot_unprotect};
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    must(vdisk_snapshot_create, disk, "there");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        must_fail(changes[i], disk, image, "not there", -ENOENT);
    assert_lists_agree(disk, image, 1);
    close_disk(disk);
}

static void creating_a_snapshot_that_exists_names_it_and_the_image(void **state)
{
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    must(vdisk_snapshot_create, disk, "mine");
    must_fail(vdisk_snapshot_create, disk, image, "mine", -EEXIST);
    RBD("snap", "create", text("%s@theirs", image));
    must_fail(vdisk_snapshot_create, disk, image, "theirs", -EEXIST);
    assert_lists_agree(disk, image, 2);
    close_disk(disk);
}

static void no_change_can_be_made_through_a_read_only_disk(void **state)
{
    static const change_fn changes[] = {vdisk_snapshot_create, vdisk_snapshot_remove, vdisk_snapshot_rollback,
                                        vdisk_snapshot_protect, vdisk_snapshot_unprotect};
    const char *image = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    RBD("snap", "create", text("%s@snap", image));
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct vdisk_error err;

        assert_failed(changes[i](disk, i ? "snap" : "new", 0, &err), -EROFS, &err, FRAGMENTS(base_name(image)));
    }
    assert_lists_agree(disk, image, 1);
    close_disk(disk);
}

static void empty_names_and_unknown_flags_are_refused(void **state)
{
    static const change_fn changes[] = {vdisk_snapshot_create, vdisk_snapshot_remove, vdisk_snapshot_rollback,
                                        vdisk_snapshot_protect, vdisk_snapshot_unprotect};
    const char *image;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        assert_failed(changes[i](disk, "", 0, &err), -EINVAL, &err, FRAGMENTS("empty"));
        assert_failed(changes[i](disk, NULL, 0, &err), -EINVAL, &err, FRAGMENTS("."));
        assert_failed(changes[i](disk, "snap", 4, &err), -EINVAL, &err, FRAGMENTS("0x4"));
    }
    assert_lists_agree(disk, image, 0);
    close_disk(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_keeps_what_was_overwritten_after_it),
        TEST(a_snapshot_made_by_rbd_is_read_here),
        TEST(a_snapshot_holds_completed_writes_that_were_not_flushed),
        TEST(a_snapshot_made_by_rbd_while_the_disk_is_open_holds_completed_writes),
        TEST(rolling_back_restores_data_and_size_here_and_at_rbd),
        TEST(rolling_back_restores_what_shrinking_cut_off),
        TEST(protecting_shows_at_rbd_and_so_does_unprotecting),
        TEST(a_protected_snapshot_cannot_be_removed),
        TEST(protecting_twice_is_refused),
        TEST(unprotecting_twice_is_refused),
        TEST(a_snapshot_with_a_clone_stays_protected_until_the_clone_is_gone),
        TEST(removing_a_snapshot_that_a_newer_clone_depends_on_takes_its_name_only),
        TEST(changes_of_a_missing_snapshot_name_it_and_the_image),
        TEST(creating_a_snapshot_that_exists_names_it_and_the_image),
        TEST(no_change_can_be_made_through_a_read_only_disk),
        TEST(empty_names_and_unknown_flags_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
