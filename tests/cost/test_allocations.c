/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Once a queue and a disk have seen some traffic, requests allocate nothing, whatever they do, and however many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <vdisk/vdisk.h>

#include "disk_fixture.h"
#include "fake.h"
#include "wrap.h"

#define DEPTH 32
#define BLOCK 4096

enum kind { READ, WRITE, READ_ZERO_COPY, WRITE_ZERO_COPY, WRITE_FUA, DISCARD, WRITE_ZEROES, COMPARE_AND_WRITE, FLUSH };

static char data[DEPTH][BLOCK];
static const char sector[512];

static int submit(struct vdisk_queue *queue, struct vdisk *disk, enum kind kind, unsigned int i)
{
    struct iovec iov = {data[i], BLOCK};
    uint64_t offset = (uint64_t)i * 65536;

    switch (kind) {
    case READ:
        return vdisk_aio_readv(queue, disk, &iov, 1, offset, 0, data[i]);
    case WRITE:
        return vdisk_aio_writev(queue, disk, &iov, 1, offset, 0, data[i]);
    case READ_ZERO_COPY:
        return vdisk_aio_readv(queue, disk, &iov, 1, offset, VDISK_IO_ZERO_COPY, data[i]);
    case WRITE_ZERO_COPY:
        return vdisk_aio_writev(queue, disk, &iov, 1, offset, VDISK_IO_ZERO_COPY, data[i]);
    case WRITE_FUA:
        return vdisk_aio_writev(queue, disk, &iov, 1, offset, VDISK_IO_FUA, data[i]);
    case DISCARD:
        return vdisk_aio_discard(queue, disk, 65536, offset, 0, data[i]);
    case WRITE_ZEROES:
        return vdisk_aio_write_zeroes(queue, disk, 65536, offset, 0, data[i]);
    case COMPARE_AND_WRITE:
        return vdisk_aio_compare_and_write(queue, disk, sector, sector, sizeof sector, 32 * MIB + offset, 0, data[i]);
    case FLUSH:
        return vdisk_aio_flush(queue, disk, 0, data[i]);
    }
    return -1;
}

static void do_round(struct vdisk_queue *queue, struct vdisk *disk, enum kind kind, unsigned int count)
{
    struct vdisk_completion completions[DEPTH];

    for (unsigned int i = 0; i < count; i++)
        assert_int_equal(submit(queue, disk, kind, i), 0);
    assert_int_equal(vdisk_queue_wait(queue, completions, count, DEPTH, -1), count);
    for (unsigned int i = 0; i < count; i++)
        assert_int_equal(completions[i].result, 0);
}

static void check(struct vdisk_queue *queue, struct vdisk *disk, enum kind kind)
{
    size_t before;

    do_round(queue, disk, kind, DEPTH);
    do_round(queue, disk, kind, DEPTH);
    before = wrap_allocs();
    for (unsigned int count = 1; count <= DEPTH; count++)
        do_round(queue, disk, kind, count);
    assert_int_equal(wrap_allocs(), before);
}

static void no_kind_of_request_allocates(void **state)
{
    struct fixture *fixture = *state;

    for (enum kind kind = READ; kind <= FLUSH; kind++)
        check(fixture->queue, fixture->disk, kind);
}

static void deadlines_allocate_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_open_options options;
    struct vdisk *disk;

    vdisk_open_options_init(&options, sizeof options);
    options.io_timeout_ms = 600000;
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, &options, NULL), 0);
    for (enum kind kind = READ; kind <= FLUSH; kind++)
        check(fixture->queue, disk, kind);
    close_disk(disk);
}

static void synchronous_calls_allocate_nothing(void **state)
{
    struct fixture *fixture = *state;
    size_t before = 0;

    for (int round = 0; round < 5; round++) {
        assert_int_equal(vdisk_pwrite(fixture->disk, data[0], BLOCK, 0, 0, NULL), 0);
        assert_int_equal(vdisk_pread(fixture->disk, data[0], BLOCK, 0, 0, NULL), 0);
        assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
        if (round == 1)
            before = wrap_allocs();
    }
    assert_int_equal(wrap_allocs(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(no_kind_of_request_allocates),
        TEST(deadlines_allocate_nothing),
        TEST(synchronous_calls_allocate_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
