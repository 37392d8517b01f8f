/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#include "disks.h"
#include "files.h"
#include "names.h"
#include "program.h"
#include "undo.h"

/* xorshift64*: small, and the same everywhere, so that a seed tells the whole story. */
uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void fill(unsigned char *data, size_t size, uint64_t seed)
{
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t random = next_random(&state);

        memcpy(data + i, &random, size - i < sizeof random ? size - i : sizeof random);
    }
}

unsigned char *pattern(size_t size, uint64_t seed)
{
    unsigned char *data = malloc(size);

    assert_non_null(data);
    fill(data, size, seed);
    return data;
}

void assert_bytes(const unsigned char *actual, const unsigned char *expected, size_t size, const char *what)
{
    size_t at = 0;

    if (memcmp(actual, expected, size) == 0)
        return;
    while (actual[at] == expected[at])
        at++;
    fail_msg("%s: byte %zu of %zu is 0x%02x instead of 0x%02x", what, at, size, actual[at], expected[at]);
}

void assert_rbd_exports(const char *spec, const unsigned char *data, size_t size)
{
    struct reply reply;

    require_success(&reply, ARGV("rbd", "-c", conf_path(), "export", spec, "-"));
    assert_int_equal(reply.size, size);
    assert_bytes((unsigned char *)reply.out, data, size, "rbd export");
    free_reply(&reply);
}

void assert_qemu_converts(const char *spec, const unsigned char *data, size_t size)
{
    const char *path = temp_path("converted");
    unsigned char *converted;
    size_t converted_size;

    succeed(ARGV("qemu-img", "convert", "-f", "raw", "-O", "raw", qemu_name(spec), path));
    converted = read_file(path, &converted_size);
    assert_int_equal(converted_size, size);
    assert_bytes(converted, data, size, "qemu-img convert");
    free(converted);
}

void assert_disk_holds(struct vdisk *disk, const unsigned char *data, size_t size)
{
    unsigned char *read = pattern(size, UINT64_MAX - 1);
    struct vdisk_error err;

    assert_int_equal(vdisk_get_size(disk), size);
    assert_done(vdisk_pread(disk, read, size, 0, 0, &err), &err);
    assert_bytes(read, data, size, "vdisk_pread");
    free(read);
}

void import_image(const char *spec, const unsigned char *data, size_t size, const char *const options[])
{
    const char *words[24] = {"rbd", "-c", conf_path(), "import"};
    size_t count = 4;

    words[count++] = write_file("imported", data, size);
    words[count++] = spec;
    for (size_t i = 0; options && options[i]; i++) {
        assert_true(count + 1 < sizeof words / sizeof *words);
        words[count++] = options[i];
    }
    succeed(words);
}
