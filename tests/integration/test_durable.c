/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is durable, or atomic, is so with every cache of librbd's. The witness is another client, which sees what is on
 * the cluster and nothing else.
 */
#include "fencing.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512
#define SIZE MIB(8)

/* Caches. */

struct mode {
    const char *cache;
    const char *policy;
    /* A plain write is not seen by others until it is flushed. */
    bool holds_back;
    /* Compare-and-write would be followed by stale reads. */
    bool keeps_data;
};

static const struct mode modes[] = {
    {"false", "writearound", false, false},
    {"true", "writearound", false, false},
    {"true", "writethrough", false, true},
    {"true", "writeback", true, true},
};

#define EACH_MODE(mode)                                                                                                \
    const struct mode *mode = modes;                                                                                   \
    mode < modes + sizeof modes / sizeof *modes;                                                                       \
    mode++

static struct vdisk *open_mode(const char *image, const struct mode *mode)
{
    const struct vdisk_option settings[] = {
        {"rbd_cache", mode->cache},
        {"rbd_cache_policy", mode->policy},
        {"rbd_cache_writethrough_until_flush", "false"},
        {"rbd_cache_max_dirty_age", "3600"},
    };
    struct vdisk_open_options options = default_options(0);

    options.options = settings;
    options.option_count = sizeof settings / sizeof *settings;
    return open_disk_with(image, &options);
}

/* Whether QEMU reads so many bytes of this value. */
static bool others_read(const char *image, int value, uint64_t offset, uint64_t length)
{
    const char *command = text("read -P %d %ju %ju", value, (uintmax_t)offset, (uintmax_t)length);

    return status_of(ARGV("qemu-io", "-r", "-f", "raw", "-c", command, qemu_name(image))) == 0;
}

static int write_on_queue(struct vdisk *disk, const struct iovec *iov, int count, uint64_t offset, uint32_t flags)
{
    struct vdisk_queue *queue = new_queue(1);
    int r;

    assert_int_equal(vdisk_aio_writev(queue, disk, iov, count, offset, flags, NULL), 0);
    r = wait_one(queue).result;
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    return r;
}

/* Force unit access. */

static void durable_writes_are_on_the_cluster_when_they_complete(void **state)
{
    unsigned char data[8192];
    struct iovec halves[] = {{data, 4096}, {data + 4096, 4096}}, whole = {data, 8192};
    struct vdisk_error err;

    (void)state;
    for (EACH_MODE(mode)) {
        const char *image = new_image();
        struct vdisk *disk;

        create_image(image, SIZE, 0);
        disk = open_mode(image, mode);
        memset(data, 7, sizeof data);
        assert_done(vdisk_pwrite(disk, data, sizeof data, 0, 0, &err), &err);
        if (mode->holds_back)
            assert_true(others_read(image, 0, 0, sizeof data));
        assert_done(vdisk_pwrite(disk, data, sizeof data, 8192, VDISK_IO_FUA, &err), &err);
        assert_true(others_read(image, 7, 8192, 8192));
        assert_int_equal(write_on_queue(disk, halves, 2, 16384, VDISK_IO_FUA), 0);
        assert_int_equal(write_on_queue(disk, &whole, 1, 24576, VDISK_IO_FUA | VDISK_IO_ZERO_COPY), 0);
        assert_true(others_read(image, 7, 8192, 24576));
        assert_int_equal(write_on_queue(disk, halves, 2, 32768, VDISK_IO_FUA | VDISK_IO_ZERO_COPY), 0);
        assert_true(others_read(image, 7, 0, 40960));
        close_disk(disk);
    }
}

static void durable_zeroes_are_on_the_cluster_when_they_complete(void **state)
{
    static const uint32_t flags[] = {0, VDISK_WRITE_ZEROES_THICK};
    unsigned char data[8192];
    struct vdisk_error err;

    (void)state;
    memset(data, 7, sizeof data);
    for (EACH_MODE(mode)) {
        const char *image = new_image();
        struct vdisk *disk;

        create_image(image, SIZE, 0);
        disk = open_mode(image, mode);
        for (size_t i = 0; i < 2; i++) {
            assert_done(vdisk_pwrite(disk, data, sizeof data, 0, VDISK_IO_FUA, &err), &err);
            assert_done(vdisk_write_zeroes(disk, 4096, 100, VDISK_IO_FUA | flags[i], &err), &err);
            assert_true(others_read(image, 7, 0, 100) && others_read(image, 0, 100, 4096));
        }
        close_disk(disk);
    }
}

/* Fencing makes every write fail; a cache hides that of a plain one. */

static bool durable_write_fails(void *disk)
{
    struct vdisk_error err;
    int r = vdisk_pwrite(disk, "data", 4, 4096, VDISK_IO_FUA, &err);

    if (r == 0)
        return false;
    assert_int_equal(r, -ESHUTDOWN);
    return true;
}

static void a_durable_write_tells_what_a_cached_one_does_not(void **state)
{
    const char *image = new_image();
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_write_back(image);
    assert_done(vdisk_pwrite(disk, "data", 4, 0, VDISK_IO_FUA, &err), &err);
    assert_done(vdisk_pwrite(disk, "lost", 4, 0, 0, &err), &err);
    fence(image);
    wait_until(durable_write_fails, disk, "a durable write fails");
    forget(disk);
    assert_int_equal(vdisk_close(disk, &err), -ESHUTDOWN);
    assert_true(others_read(image, 'd', 0, 1));
}

/* Compare-and-write. */

/* Where a mismatch is, with a byte of the image at this offset, and of the request `before` bytes earlier, differing.
 */
static void check_mismatch(struct vdisk *disk, uint64_t offset, uint64_t before, uint64_t length)
{
    unsigned char compare[SECTOR] = {0}, data[SECTOR] = {0};
    struct vdisk_queue *queue = new_queue(1);
    struct vdisk_completion done;
    struct vdisk_error err;
    uint64_t mismatch;

    compare[before] = 1;
    assert_failed(vdisk_compare_and_write(&mismatch, disk, compare, data, length, offset - before, 0, &err), -EILSEQ,
                  &err, FRAGMENTS(text("offset %ju", (uintmax_t)offset)));
    assert_int_equal(mismatch, offset);
    assert_int_equal(vdisk_aio_compare_and_write(queue, disk, compare, data, length, offset - before, 0, NULL), 0);
    done = wait_one(queue);
    assert_int_equal(done.result, -EILSEQ);
    assert_int_equal(done.value, offset);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void a_mismatch_is_where_it_is(void **state)
{
    const char *plain = new_image(), *striped = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(plain, SIZE, 0);
    RBD("create", "--size", "16M", "--object-size", "1M", "--stripe-unit", "64K", "--stripe-count", "3", striped);
    disk = open_disk(plain, 0);
    check_mismatch(disk, 0, 0, 1);
    check_mismatch(disk, MIB(4) - 1, SECTOR - 1, SECTOR);
    check_mismatch(disk, MIB(4) + 1000, 100, 110);
    close_disk(disk);
    disk = open_disk(striped, 0);
    check_mismatch(disk, MIB(3) + 4 * KIB(64) + 7 * SECTOR + 5, 5, SECTOR);
    check_mismatch(disk, 2 * KIB(64), 0, 2);
    close_disk(disk);
}

static void what_is_compared_and_written_is_seen_by_all(void **state)
{
    unsigned char zeroes[SECTOR] = {0}, data[SECTOR], seen[SECTOR];
    struct vdisk_error err;

    (void)state;
    memset(data, 7, sizeof data);
    for (EACH_MODE(mode)) {
        const char *image = new_image();
        struct vdisk *disk;
        int r;

        create_image(image, SIZE, 0);
        disk = open_mode(image, mode);
        assert_done(vdisk_pread(disk, seen, SECTOR, SECTOR, 0, &err), &err);
        r = vdisk_compare_and_write(NULL, disk, zeroes, data, SECTOR, SECTOR, 0, &err);
        if (mode->keeps_data) {
            assert_failed(r, -EOPNOTSUPP, &err, FRAGMENTS("cache", "rbd_cache"));
        } else {
            assert_done(r, &err);
            assert_done(vdisk_pread(disk, seen, SECTOR, SECTOR, 0, &err), &err);
            assert_memory_equal(seen, data, SECTOR);
            assert_true(others_read(image, 7, SECTOR, SECTOR));
        }
        close_disk(disk);
    }
}

/* Two clients count in one sector; no count gets lost. */

#define COUNTS 40

struct counter {
    pthread_t thread;
    struct vdisk *disk;
    int result;
};

static int count_once(struct vdisk *disk)
{
    uint64_t count[SECTOR / 8], next[SECTOR / 8] = {0};
    int r;

    do {
        r = vdisk_pread(disk, count, SECTOR, 0, 0, NULL);
        next[0] = count[0] + 1;
        if (r == 0)
            r = vdisk_compare_and_write(NULL, disk, count, next, SECTOR, 0, 0, NULL);
    } while (r == -EILSEQ);
    return r;
}

static void *count(void *arg)
{
    struct counter *counter = arg;

    for (int i = 0; i < COUNTS && counter->result == 0; i++)
        counter->result = count_once(counter->disk);
    return NULL;
}

static void two_clients_that_compare_lose_nothing(void **state)
{
    unsigned char *expected = calloc(1, SIZE);
    const uint64_t total = 2 * COUNTS;
    const char *image = new_image();
    struct counter counters[2] = {0};

    (void)state;
    assert_non_null(expected);
    /* Without a lock that would pass from one to the other for every write. */
    RBD("create", "--size", "8M", "--image-feature", "layering", image);
    for (int i = 0; i < 2; i++)
        counters[i].disk = open_disk(image, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&counters[i].thread, NULL, count, &counters[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(counters[i].thread, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(counters[i].result, 0);
        close_disk(counters[i].disk);
    }
    memcpy(expected, &total, sizeof total);
    assert_rbd_exports(image, expected, SIZE);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(durable_writes_are_on_the_cluster_when_they_complete),
        TEST(durable_zeroes_are_on_the_cluster_when_they_complete),
        TEST(a_durable_write_tells_what_a_cached_one_does_not),
        TEST(a_mismatch_is_where_it_is),
        TEST(what_is_compared_and_written_is_seen_by_all),
        TEST(two_clients_that_compare_lose_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
