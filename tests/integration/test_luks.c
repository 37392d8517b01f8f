/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encrypted images that are made here, by rbd and by QEMU, and read and written by the others. Each deriving of a key
 * takes some seconds, so there are few.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/snapshot.h>

#define PHRASE "correct horse"
#define SIZE (MIB(8) + 4096)

static const char *phrase_file(void)
{
    return write_file("phrase", PHRASE, strlen(PHRASE));
}

static struct vdisk_open_options luks_options(uint32_t encryption, uint32_t flags)
{
    struct vdisk_open_options options = default_options(flags);

    options.encryption = encryption;
    options.passphrase = PHRASE;
    options.passphrase_size = strlen(PHRASE);
    return options;
}

static struct vdisk *open_luks(const char *spec, uint32_t encryption, uint32_t flags)
{
    struct vdisk_open_options options = luks_options(encryption, flags);

    return open_disk_with(spec, &options);
}

static void make_luks(const char *image, uint32_t encryption, uint64_t size)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_create_options create;
    struct vdisk_error err;
    struct vdisk_uri *uri;

    vdisk_create_options_init(&create, sizeof create);
    create.encryption = encryption;
    create.passphrase_file = phrase_file();
    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", image), &err), &err);
    assert_done(vdisk_create(uri, size, &create, &options, &err), &err);
    vdisk_uri_free(uri);
}

/* QEMU's options for the image; the secret is its object "phrase". */
static const char *qemu_options(const char *image, const char *format)
{
    return text("driver=rbd,pool=rbd,image=%s,conf=%s,encrypt.format=%s,encrypt.key-secret=phrase", base_name(image),
                conf_path(), format);
}

static const char *qemu_secret(void)
{
    return text("secret,id=phrase,file=%s", phrase_file());
}

static void assert_qemu_reads(const char *image, const char *format, const unsigned char *data, size_t size)
{
    const char *path = temp_path("converted");
    unsigned char *found;
    size_t found_size;

    succeed(ARGV("qemu-img", "convert", "-O", "raw", "--object", qemu_secret(), "--image-opts",
                 qemu_options(image, format), path));
    found = read_file(path, &found_size);
    assert_int_equal(found_size, size);
    assert_bytes(found, data, size, "what QEMU reads");
    free(found);
}

static void write_pattern(struct vdisk *disk, const unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
}

/* Nothing of what was written is to be found in the image as it is stored. */
static void assert_is_encrypted(const char *image, const unsigned char *data, size_t header)
{
    unsigned char stored[512];
    struct vdisk_error err;
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);

    assert_done(vdisk_pread(disk, stored, sizeof stored, header, 0, &err), &err);
    assert_memory_not_equal(stored, data, sizeof stored);
    assert_done(vdisk_pread(disk, stored, sizeof stored, 0, 0, &err), &err);
    assert_memory_equal(stored, "LUKS\xba\xbe", 6);
    close_disk(disk);
}

static void qemu_reads_what_is_made_and_written_here(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk *disk;

    (void)state;
    make_luks(image, VDISK_ENCRYPTION_LUKS2, SIZE);
    disk = open_luks(image, VDISK_ENCRYPTION_LUKS, 0);
    assert_int_equal(vdisk_get_size(disk), SIZE);
    write_pattern(disk, data, SIZE);
    close_disk(disk);
    assert_qemu_reads(image, "luks2", data, SIZE);
    assert_is_encrypted(image, data, MIB(16));
    free(data);
}

static void what_rbd_makes_and_qemu_writes_is_read_here(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(4), 1);
    const char *path = write_file("data", data, MIB(4));
    struct vdisk *disk;

    (void)state;
    RBD("create", "--size", "12M", image);
    RBD("encryption", "format", image, "luks1", phrase_file());
    succeed(ARGV("qemu-img", "convert", "-n", "-f", "raw", path, "--object", qemu_secret(), "--target-image-opts",
                 qemu_options(image, "luks")));
    disk = open_luks(image, VDISK_ENCRYPTION_LUKS1, VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_get_size(disk), MIB(8));
    data = realloc(data, MIB(8));
    memset(data + MIB(4), 0, MIB(4));
    assert_disk_holds(disk, data, MIB(8));
    close_disk(disk);
    free(data);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(qemu_reads_what_is_made_and_written_here),
        TEST(what_rbd_makes_and_qemu_writes_is_read_here),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
