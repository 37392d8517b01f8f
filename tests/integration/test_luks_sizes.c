/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the header of an encrypted image does to sizes, snapshots and clones, which librbd counts in different ways. */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/snapshot.h>

#define PHRASE "correct horse"
#define SIZE MIB(8)
#define HEADER MIB(4)

static struct vdisk_open_options luks_options(const char *phrase, uint32_t flags)
{
    struct vdisk_open_options options = default_options(flags);

    options.encryption = VDISK_ENCRYPTION_LUKS1;
    options.passphrase = phrase;
    options.passphrase_size = strlen(phrase);
    return options;
}

/* Made once, since deriving a key takes seconds; copies have the same header. */
static const char *make_image(void)
{
    static unsigned char *stored;
    const char *image = new_image();
    size_t size;

    if (stored) {
        import_image(image, stored, SIZE + HEADER, NULL);
        return image;
    }
    RBD("create", "--size", text("%zuB", SIZE + HEADER), image);
    RBD("encryption", "format", image, "luks1", write_file("phrase", PHRASE "\n", strlen(PHRASE "\n")));
    RBD("export", "--no-progress", image, temp_path("stored"));
    stored = read_file(temp_path("stored"), &size);
    assert_int_equal(size, SIZE + HEADER);
    return image;
}

static uint64_t stored_size(const char *image)
{
    char *info = RBD_OUTPUT("info", "--format", "json", image);
    uint64_t size = json_number(info, "size");

    free(info);
    return size;
}

static void sizes_are_those_of_the_contents(void **state)
{
    struct vdisk_open_options options = luks_options(PHRASE, 0);
    const char *image = make_image();
    struct vdisk *disk = open_disk_with(image, &options);
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk_snapshot *snapshots;
    struct vdisk_error err;
    size_t count;

    (void)state;
    assert_int_equal(vdisk_get_size(disk), SIZE);
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_snapshot_create(disk, "s", 0, &err), &err);
    assert_done(vdisk_snapshot_list(&snapshots, &count, disk, &err), &err);
    assert_int_equal(snapshots[0].size, SIZE);
    vdisk_snapshot_list_free(snapshots);

    assert_done(vdisk_resize(disk, SIZE + 4096, 0, &err), &err);
    assert_int_equal(vdisk_get_size(disk), SIZE + 4096);
    assert_int_equal(stored_size(image), SIZE + 4096 + HEADER);
    RBD("resize", "--no-progress", "--size", text("%zuB", SIZE + MIB(2) + HEADER), image);
    wait_for_size(disk, SIZE + MIB(2));
    assert_int_equal(vdisk_resize(disk, SIZE, 0, &err), -EINVAL);
    assert_done(vdisk_resize(disk, SIZE, VDISK_RESIZE_SHRINK, &err), &err);
    assert_int_equal(stored_size(image), SIZE + HEADER);
    assert_disk_holds(disk, data, SIZE);

    /* So small that there is no room even for the header. */
    RBD("resize", "--no-progress", "--allow-shrink", "--size", "1M", image);
    wait_for_size(disk, 0);
    assert_done(vdisk_snapshot_rollback(disk, "s", 0, &err), &err);
    assert_int_equal(vdisk_get_size(disk), SIZE);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    free(data);
}

static void snapshots_and_clones_open_with_the_same_passphrase(void **state)
{
    struct vdisk_open_options options = luks_options(PHRASE, 0), fixed = luks_options(PHRASE, VDISK_OPEN_READ_ONLY);
    const char *image = make_image(), *clone = new_image();
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    disk = open_disk_with(image, &options);
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_snapshot_create(disk, "s", 0, &err), &err);
    assert_done(vdisk_pwrite(disk, data + 4096, 4096, 0, 0, &err), &err);
    close_disk(disk);
    disk = open_disk_with(text("%s@s", image), &fixed);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);

    RBD("snap", "protect", text("%s@s", image));
    RBD("clone", text("%s@s", image), clone);
    disk = open_disk_with(clone, &options);
    assert_disk_holds(disk, data, SIZE);
    memcpy(data + 8192, data, 4096);
    assert_done(vdisk_pwrite(disk, data, 4096, 8192, 0, &err), &err);
    assert_done(vdisk_flatten(disk, 0, &err), &err);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    free(data);
}

static int open_fails(const char *image, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    struct vdisk *disk;
    int r = vdisk_open_uri(&disk, text("rbd:%s", image), options, err);

    assert_null(disk);
    return r;
}

static void what_does_not_open_an_image_is_told(void **state)
{
    struct vdisk_open_options options = luks_options("wrong horse", 0);
    const char *image = make_image(), *plain = new_image();
    struct vdisk_error err;

    (void)state;
    assert_failed(open_fails(image, &options, &err), -EKEYREJECTED, &err, FRAGMENTS(base_name(image), "passphrase"));
    options.encryption = VDISK_ENCRYPTION_LUKS2;
    assert_failed(open_fails(image, &options, &err), -EINVAL, &err, FRAGMENTS(base_name(image), "LUKS2"));
    create_image(plain, SIZE, 0);
    assert_failed(open_fails(plain, &options, &err), -EINVAL, &err, FRAGMENTS(base_name(plain), "LUKS2"));
    options.encryption = VDISK_ENCRYPTION_LUKS;
    assert_failed(open_fails(plain, &options, &err), -EINVAL, &err, FRAGMENTS(base_name(plain), "LUKS1 or LUKS2"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(sizes_are_those_of_the_contents),
        TEST(snapshots_and_clones_open_with_the_same_passphrase),
        TEST(what_does_not_open_an_image_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
