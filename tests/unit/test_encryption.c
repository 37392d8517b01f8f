/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encrypted images: what opens them, and that sizes and offsets are those of the contents. */
#include "disk_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vdisk/snapshot.h>

#include "fake.h"
#include "option_helpers.h"
#include "wrap.h"

#define PHRASE "open sesame"
#define WITH(phrase) .passphrase = (phrase), .passphrase_size = strlen(phrase)
#define LUKS1 OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS1, WITH(PHRASE))
#define LUKS2 OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, WITH(PHRASE))
#define LUKS OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS, WITH(PHRASE))
#define READ_ONLY(poll)                                                                                                \
    OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, WITH(PHRASE), .flags = VDISK_OPEN_READ_ONLY, .size_poll_ms = (poll))

#define HEADER1 (4 * MIB)
#define HEADER2 (16 * MIB)

static int set_up(void **state)
{
    set_up_cluster(state);
    fake_encrypt_image("p", "", "i", RBD_ENCRYPTION_FORMAT_LUKS2, PHRASE);
    return 0;
}

static int try_open(struct vdisk **disk, const char *uri, const struct vdisk_open_options *options,
                    struct vdisk_error *err)
{
    int r = vdisk_open_uri(disk, uri, options, err);

    assert_int_equal(err->code, r);
    assert_null(strstr(err->message, PHRASE));
    return r;
}

static struct vdisk *must_open(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    if (try_open(&disk, uri, options, &err) < 0)
        fail_msg("%s", err.message);
    return disk;
}

static void must_fail(const struct vdisk_open_options *options, int code, const char *part)
{
    struct vdisk_error err;
    struct vdisk *disk;

    assert_int_equal(try_open(&disk, IMAGE_URI, options, &err), code);
    assert_says(&err, code, part);
}

/* Opening. */

static void both_formats_open(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, LUKS2);

    (void)state;
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE - HEADER2);
    close_disk(disk);
    fake_encrypt_image("p", "", "i", RBD_ENCRYPTION_FORMAT_LUKS1, PHRASE);
    disk = must_open(IMAGE_URI, LUKS1);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE - HEADER1);
    close_disk(disk);
}

static void either_format_can_be_asked_for(void **state)
{
    (void)state;
    close_disk(must_open(IMAGE_URI, LUKS));
    fake_encrypt_image("p", "", "i", RBD_ENCRYPTION_FORMAT_LUKS1, PHRASE);
    close_disk(must_open(IMAGE_URI, LUKS));
}

static void the_stored_image_can_be_opened_too(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, NULL);

    (void)state;
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE);
    close_disk(disk);
}

static void what_does_not_open_it_is_told(void **state)
{
    (void)state;
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, WITH("sesame")), -EKEYREJECTED, "passphrase does not open");
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS, WITH("")), -EKEYREJECTED, "passphrase does not open");
    must_fail(LUKS1, -EINVAL, "\"i\" is not encrypted with LUKS1.");
    fake_remove_image("p", "", "i");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    must_fail(LUKS, -EINVAL, "\"i\" is not encrypted with LUKS1 or LUKS2.");
}

static void what_makes_no_sense_is_refused(void **state)
{
    static char long_one[65537];

    (void)state;
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS + 1, WITH(PHRASE)), -EINVAL, "encryption");
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2), -EINVAL, "either a passphrase or");
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, WITH(PHRASE), .passphrase_file = "/f"), -EINVAL, "either");
    must_fail(OPTIONS(WITH(PHRASE)), -EINVAL, "\"encryption\" is not set");
    must_fail(OPTIONS(.passphrase_file = "/f"), -EINVAL, "\"encryption\" is not set");
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, .passphrase_size = 1), -EINVAL, "passphrase is NULL");
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, .passphrase = long_one, .passphrase_size = 65537), -EINVAL,
              "65536 bytes");
    assert_int_equal(fake_calls(NULL), 0);
}

/* Passphrase files. */

static const char *write_file(const char *text, size_t size)
{
    static char path[64];
    FILE *file;
    int fd;

    strcpy(path, "/tmp/vdisk-phrase-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void a_file_is_read_without_its_last_newline(void **state)
{
    static const char *const texts[] = {PHRASE, PHRASE "\n"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *path = write_file(texts[i], strlen(texts[i]));

        close_disk(must_open(IMAGE_URI, OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS, .passphrase_file = path)));
        unlink(path);
    }
}

static void another_text_is_another_passphrase(void **state)
{
    static const char *const texts[] = {PHRASE "\n\n", "\n" PHRASE, PHRASE " ", ""};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *path = write_file(texts[i], strlen(texts[i]));

        must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS, .passphrase_file = path), -EKEYREJECTED, "passphrase");
        unlink(path);
    }
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    static char long_one[65537];
    const char *path = write_file(long_one, sizeof long_one);

    (void)state;
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS, .passphrase_file = "/nonexistent/f"), -ENOENT,
              "from file \"/nonexistent/f\"");
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS, .passphrase_file = "/"), -EISDIR, "from file \"/\"");
    must_fail(OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS, .passphrase_file = path), -EFBIG, "from file");
    unlink(path);
}

/* Sizes and offsets. */

static void contents_begin_behind_the_header(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, LUKS2);
    char found[4];

    (void)state;
    assert_int_equal(vdisk_pwrite(disk, "abcd", 4, 0, 0, NULL), 0);
    fake_image_read("p", "", "i", NULL, HEADER2, found, 4);
    assert_memory_equal(found, "abcd", 4);
    assert_int_equal(vdisk_pread(disk, found, 4, IMAGE_SIZE - HEADER2 - 3, 0, NULL), -EINVAL);
    close_disk(disk);
}

static void resizing_goes_by_the_contents(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, LUKS2);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_resize(disk, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE + HEADER2);
    assert_int_equal(vdisk_resize(disk, IMAGE_SIZE - 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "VDISK_RESIZE_SHRINK");
    assert_int_equal(vdisk_resize(disk, 0, VDISK_RESIZE_SHRINK, NULL), 0);
    assert_int_equal(vdisk_get_size(disk), 0);
    assert_int_equal(fake_image_size("p", "", "i"), HEADER2);
    assert_int_equal(vdisk_resize(disk, INT64_MAX - HEADER2 + 1, 0, &err), -EFBIG);
    assert_says(&err, -EFBIG, "9223372036837998591");
    close_disk(disk);
}

static void shrinking_into_the_header_leaves_nothing(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, LUKS2);
    char byte;

    (void)state;
    fake_resize_image("p", "", "i", MIB, true);
    wait_until(vdisk_get_size(disk) == 0);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), -EINVAL);
    close_disk(disk);
}

static void snapshots_have_the_size_of_their_contents(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, LUKS2), *snapshot;
    struct vdisk_snapshot *list;
    size_t count;

    (void)state;
    assert_int_equal(vdisk_snapshot_create(disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_list(&list, &count, disk, NULL), 0);
    assert_int_equal(list[0].size, IMAGE_SIZE - HEADER2);
    vdisk_snapshot_list_free(list);
    snapshot = must_open(IMAGE_URI "@s", READ_ONLY(0));
    assert_int_equal(vdisk_get_size(snapshot), IMAGE_SIZE - HEADER2);
    assert_int_equal(vdisk_snapshot_list(&list, &count, snapshot, NULL), 0);
    assert_int_equal(list[0].size, IMAGE_SIZE - HEADER2);
    vdisk_snapshot_list_free(list);
    close_disk(snapshot);
    close_disk(disk);
}

/* Read-only: the size is asked for with another opening. */

static void polling_derives_no_key_while_nothing_changes(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, READ_ONLY(1));

    (void)state;
    wait_until(fake_calls("rbd_open_read_only") > 5);
    assert_int_equal(fake_calls("rbd_encryption_load"), 1);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE - HEADER2);
    close_disk(disk);
}

static void polling_finds_a_new_size(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, READ_ONLY(1));
    char found[4];

    (void)state;
    fake_image_write("p", "", "i", HEADER2, "abcd", 4);
    fake_resize_image("p", "", "i", 2 * IMAGE_SIZE, false);
    wait_until(vdisk_get_size(disk) == 2 * IMAGE_SIZE - HEADER2);
    assert_int_equal(fake_calls("rbd_encryption_load"), 2);
    assert_int_equal(vdisk_pread(disk, found, 4, 0, 0, NULL), 0);
    assert_memory_equal(found, "abcd", 4);
    close_disk(disk);
}

static void a_poll_that_cannot_load_leaves_the_size(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, READ_ONLY(1));

    (void)state;
    fake_fail_always("rbd_encryption_load", EIO);
    fake_resize_image("p", "", "i", 2 * IMAGE_SIZE, false);
    wait_until(fake_calls("rbd_encryption_load") > 2);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE - HEADER2);
    fake_fail_always("rbd_encryption_load", 0);
    wait_until(vdisk_get_size(disk) == 2 * IMAGE_SIZE - HEADER2);
    close_disk(disk);
}

/* Who resizes while it is opened. */

static int open_it(void *argument)
{
    return vdisk_open_uri(argument, IMAGE_URI, LUKS2, NULL);
}

static void resizing_during_the_opening_is_no_part_of_the_header(void **state)
{
    struct background background;
    struct vdisk *disk;

    (void)state;
    fake_block_call("rbd_encryption_load");
    start_background(&background, open_it, &disk);
    assert_true(fake_wait_blocked("rbd_encryption_load"));
    fake_resize_image("p", "", "i", 2 * IMAGE_SIZE, true);
    fake_unblock_call("rbd_encryption_load");
    assert_int_equal(end_background(&background), 0);
    assert_int_equal(vdisk_get_size(disk), 2 * IMAGE_SIZE - HEADER2);
    assert_int_equal(vdisk_resize(disk, 3 * IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(fake_image_size("p", "", "i"), 3 * IMAGE_SIZE + HEADER2);
    close_disk(disk);
}

/* Reopening. */

static void reopening_loads_again(void **state)
{
    struct vdisk *disk = must_open(IMAGE_URI, LUKS2);
    struct vdisk_error err;
    char found[4];

    (void)state;
    assert_int_equal(vdisk_pwrite(disk, "abcd", 4, 0, 0, NULL), 0);
    assert_int_equal(vdisk_reopen(disk, 0, &err), 0);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE - HEADER2);
    assert_int_equal(vdisk_pread(disk, found, 4, 0, 0, NULL), 0);
    assert_memory_equal(found, "abcd", 4);
    fake_fail_call("rbd_encryption_load", 1, EPERM);
    assert_int_equal(vdisk_reopen(disk, 0, &err), -EKEYREJECTED);
    assert_says(&err, -EKEYREJECTED, "passphrase");
    assert_int_equal(vdisk_pread(disk, found, 4, 0, 0, NULL), 0);
    close_disk(disk);
}

/* Faults. */

static void every_call_may_fail(void **state)
{
    unsigned int n = 0;
    struct vdisk_error err;
    struct vdisk *disk;
    int r;

    (void)state;
    do {
        fake_fail_nth(++n, EIO);
        r = try_open(&disk, IMAGE_URI, LUKS, &err);
        if (r == 0)
            vdisk_close(disk, NULL);
    } while (fake_failed());
    assert_int_equal(r, 0);
    assert_true(n > 15);
}

static void every_allocation_may_fail(void **state)
{
    const char *path = write_file(PHRASE, strlen(PHRASE));
    unsigned int n = 0;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    for (int from_file = 0; from_file < 2; from_file++) {
        const struct vdisk_open_options *options =
            from_file ? OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, .passphrase_file = path) : LUKS2;
        bool struck;
        int r;

        n = 0;
        do {
            wrap_fail_nth(++n);
            r = try_open(&disk, IMAGE_URI, options, &err);
            struck = wrap_disarm();
            if (r == 0)
                close_disk(disk);
        } while (struck);
        assert_int_equal(r, 0);
        assert_true(n > 10);
    }
    unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(both_formats_open),
        TEST(either_format_can_be_asked_for),
        TEST(the_stored_image_can_be_opened_too),
        TEST(what_does_not_open_it_is_told),
        TEST(what_makes_no_sense_is_refused),
        TEST(a_file_is_read_without_its_last_newline),
        TEST(another_text_is_another_passphrase),
        TEST(a_file_that_cannot_be_read_is_told),
        TEST(contents_begin_behind_the_header),
        TEST(resizing_goes_by_the_contents),
        TEST(shrinking_into_the_header_leaves_nothing),
        TEST(snapshots_have_the_size_of_their_contents),
        TEST(polling_derives_no_key_while_nothing_changes),
        TEST(polling_finds_a_new_size),
        TEST(a_poll_that_cannot_load_leaves_the_size),
        TEST(resizing_during_the_opening_is_no_part_of_the_header),
        TEST(reopening_loads_again),
        TEST(every_call_may_fail),
        TEST(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
