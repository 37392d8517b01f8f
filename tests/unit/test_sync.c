/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and writing while the caller waits: any range, any buffers, cut into pieces of bounded number and size. */
#include "disk_fixture.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "io/queue.h"
#include "wrap.h"

/* What the library cuts a long transfer at, and how many pieces fly at once. */
#define PIECE (4 * MIB)
#define AT_ONCE 4

static unsigned char *allocate(size_t length)
{
    unsigned char *memory = malloc(length);

    assert_non_null(memory);
    return memory;
}

/* Calls of every function that moves data. */
static unsigned int transfers(void)
{
    return fake_calls("rbd_aio_read") + fake_calls("rbd_aio_readv") + fake_calls("rbd_aio_write") +
           fake_calls("rbd_aio_writev");
}

/* Against a model. */

#define MODEL_ROUNDS 300
#define MODEL_LONGEST (20 * MIB)
#define MOST_BUFFERS 24
#define GAP 32
#define GAP_BYTE 0xa5

static unsigned int random_below(unsigned int *seed, uint64_t limit)
{
    *seed = *seed * 1664525u + 1013904223u;
    return limit ? (unsigned int)((*seed >> 4) % limit) : 0;
}

static uint64_t random_length(unsigned int *seed)
{
    switch (random_below(seed, 20)) {
    case 0:
        return random_below(seed, MODEL_LONGEST);
    case 1:
        return random_below(seed, 3) * PIECE;
    case 2:
    case 3:
    case 4:
        return random_below(seed, MIB);
    default:
        return random_below(seed, 16 * KIB);
    }
}

/* Buffers of `length` together, some of them empty, each followed by a gap that nobody may write to. */
static int scatter(struct iovec *iov, unsigned char *memory, uint64_t length, unsigned int *seed)
{
    int count = (int)random_below(seed, MOST_BUFFERS) + 1;

    for (int i = 0; i < count; i++) {
        uint64_t part = i == count - 1 ? length : random_below(seed, 4) ? random_below(seed, length + 1) : 0;

        iov[i] = (struct iovec){memory, part};
        memset(memory + part, GAP_BYTE, GAP);
        memory += part + GAP;
        length -= part;
    }
    return count;
}

static bool gaps_are_whole(const struct iovec *iov, int count)
{
    for (int i = 0; i < count; i++) {
        const unsigned char *gap = (unsigned char *)iov[i].iov_base + iov[i].iov_len;

        for (int n = 0; n < GAP; n++) {
            if (gap[n] != GAP_BYTE)
                return false;
        }
    }
    return true;
}

static void read_and_compare(struct vdisk *disk, const struct iovec *iov, int count, uint64_t offset, uint32_t flags,
                             const unsigned char *model)
{
    assert_int_equal(vdisk_preadv(disk, iov, count, offset, flags, NULL), 0);
    for (int i = 0; i < count; i++) {
        assert_int_equal(memcmp(iov[i].iov_base, model + offset, iov[i].iov_len), 0);
        offset += iov[i].iov_len;
    }
}

static void write_both(struct vdisk *disk, const struct iovec *iov, int count, uint64_t offset, uint32_t flags,
                       unsigned char *model, unsigned int seed)
{
    for (int i = 0; i < count; i++)
        fill(iov[i].iov_base, iov[i].iov_len, seed + (unsigned int)i);
    assert_int_equal(vdisk_pwritev(disk, iov, count, offset, flags, NULL), 0);
    for (int i = 0; i < count; i++) {
        memcpy(model + offset, iov[i].iov_base, iov[i].iov_len);
        offset += iov[i].iov_len;
    }
}

static void any_transfer_does_what_a_model_does(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *model = calloc(1, IMAGE_SIZE), *memory = allocate(MODEL_LONGEST + MOST_BUFFERS * GAP);
    struct iovec iov[MOST_BUFFERS];
    unsigned int seed = 20221;

    assert_non_null(model);
    fake_shuffle(7);
    for (unsigned int round = 0; round < MODEL_ROUNDS; round++) {
        uint64_t length = random_length(&seed), offset = random_below(&seed, IMAGE_SIZE - length + 1);
        uint32_t flags = random_below(&seed, 2) ? VDISK_IO_ZERO_COPY : 0;
        int count = scatter(iov, memory, length, &seed);

        if (random_below(&seed, 2))
            read_and_compare(fixture->disk, iov, count, offset, flags, model);
        else
            write_both(fixture->disk, iov, count, offset, flags, model, round);
        assert_true(gaps_are_whole(iov, count));
    }
    for (uint64_t offset = 0; offset < IMAGE_SIZE; offset += MIB) {
        fake_image_read("p", "", "i", NULL, offset, memory, MIB);
        assert_int_equal(memcmp(memory, model + offset, MIB), 0);
    }
    free(memory);
    free(model);
}

static void a_flat_buffer_is_one_of_an_array(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *written = allocate(5 * MIB), *seen = allocate(5 * MIB);

    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        fill(written, 5 * MIB, flags);
        memset(seen, 0, 5 * MIB);
        assert_int_equal(vdisk_pwrite(fixture->disk, written, 5 * MIB, 3 * MIB, flags, NULL), 0);
        assert_int_equal(vdisk_pread(fixture->disk, seen, 5 * MIB, 3 * MIB, flags, NULL), 0);
        assert_int_equal(memcmp(seen, written, 5 * MIB), 0);
    }
    free(seen);
    free(written);
}

static void only_a_zero_copy_read_shows_the_callers_memory_to_librbd(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char data[512] = {0};

    assert_int_equal(vdisk_pwrite(fixture->disk, data, sizeof data, 0, 0, NULL), 0);
    assert_int_equal(vdisk_pread(fixture->disk, data, sizeof data, 0, 0, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_readv"), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, sizeof data, 0, VDISK_IO_ZERO_COPY, NULL), 0);
    assert_int_equal(vdisk_pread(fixture->disk, data, sizeof data, 0, VDISK_IO_ZERO_COPY, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_readv"), 1);
    assert_int_equal(transfers(), 4);
}

static void a_short_read_is_filled_with_zeroes(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char data[4096], seen[4096];

    fill(data, sizeof data, 1);
    fake_image_write("p", "", "i", 0, data, sizeof data);
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        memset(seen, 0xff, sizeof seen);
        fake_short_read(1000);
        assert_int_equal(vdisk_pread(fixture->disk, seen, sizeof seen, 0, flags, NULL), 0);
        assert_memory_equal(seen, data, sizeof seen - 1000);
        assert_true(is_zero(seen + sizeof seen - 1000, 1000));
    }
}

/* Long ones. */

struct transfer {
    struct background background;
    struct vdisk *disk;
    unsigned char *data;
    uint64_t length;
    uint64_t offset;
    struct vdisk_error err;
};

static int write_all(void *argument)
{
    struct transfer *transfer = argument;

    return vdisk_pwrite(transfer->disk, transfer->data, transfer->length, transfer->offset, 0, &transfer->err);
}

static int read_all(void *argument)
{
    struct transfer *transfer = argument;

    return vdisk_pread(transfer->disk, transfer->data, transfer->length, transfer->offset, 0, &transfer->err);
}

/* From the middle of a piece to the middle of another, six boundaries later, as a whole or up to a piece being held. */
static void start_transfer(struct transfer *transfer, struct vdisk *disk, int (*call)(void *))
{
    transfer->disk = disk;
    transfer->offset = MIB;
    transfer->length = 6 * PIECE + MIB;
    transfer->data = allocate(transfer->length);
    fill(transfer->data, transfer->length, 9);
    start_background(&transfer->background, call, transfer);
}

static int end_transfer(struct transfer *transfer)
{
    int r = end_background(&transfer->background);

    free(transfer->data);
    return r;
}

/* Up to where the image holds what is being written. */
static uint64_t written_until(const struct transfer *transfer)
{
    uint64_t end = transfer->offset + transfer->length, at = transfer->offset;
    unsigned char *seen = allocate(MIB);

    for (; at < end; at += MIB) {
        fake_image_read("p", "", "i", NULL, at, seen, MIB);
        if (memcmp(seen, transfer->data + at - transfer->offset, MIB) != 0)
            break;
    }
    free(seen);
    return at;
}

static void a_long_write_is_cut_at_boundaries_four_at_a_time(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    for (unsigned int done = 1; done <= 7; done++) {
        unsigned int started = done + AT_ONCE - 1 < 7 ? done + AT_ONCE - 1 : 7;

        assert_true(fake_wait_held(FAKE_WRITE, started - done + 1));
        allow_time_for(fake_calls("rbd_aio_write") > started);
        assert_int_equal(fake_calls("rbd_aio_write"), started);
        assert_int_equal(fake_release(FAKE_WRITE, 1, FAKE_FIFO, 0), 1);
        assert_true(fake_wait_idle());
        assert_int_equal(written_until(&transfer), done < 7 ? done * PIECE : transfer.offset + transfer.length);
    }
    assert_int_equal(end_transfer(&transfer), 0);
}

static void a_long_read_is_cut_four_at_a_time(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_READ);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_true(fake_wait_held(FAKE_READ, AT_ONCE));
    allow_time_for(fake_calls("rbd_aio_read") > AT_ONCE);
    assert_int_equal(fake_calls("rbd_aio_read"), AT_ONCE);
    fake_release_all();
    wait_until(is_over(&transfer.background));
    assert_true(is_zero(transfer.data, transfer.length));
    assert_int_equal(fake_calls("rbd_aio_read"), 7);
    assert_int_equal(end_transfer(&transfer), 0);
}

static void what_fits_one_piece_is_one_request(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(PIECE);

    fill(data, PIECE, 1);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, PIECE, PIECE, 0, NULL), 0);
    assert_int_equal(transfers(), 1);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, PIECE, PIECE + 1, 0, NULL), 0);
    assert_int_equal(transfers(), 3);
    free(data);
}

static void an_error_ends_the_transfer_when_the_rest_has_landed(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, AT_ONCE));
    fake_next_result(FAKE_WRITE, -ENOSPC);
    assert_int_equal(fake_release(FAKE_WRITE, 1, FAKE_FIFO, 0), 1);
    allow_time_for(is_over(&transfer.background));
    assert_false(is_over(&transfer.background));
    /* Told is the error that came first. */
    fake_next_result(FAKE_WRITE, -EIO);
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -ENOSPC);
    assert_says(&transfer.err, -ENOSPC, "Writing to image \"i\" failed: ");
    assert_int_equal(fake_calls("rbd_aio_write"), AT_ONCE);
    assert_int_equal(fake_in_flight(), 0);
}

static void an_error_of_the_last_piece_is_told(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_fail_mode(FAKE_AT_COMPLETION);
    fake_fail_call("rbd_aio_read", 7, EIO);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_int_equal(end_transfer(&transfer), -EIO);
    assert_says(&transfer.err, -EIO, "Reading from image \"i\" failed: ");
}

static void a_piece_that_librbd_refuses_ends_the_transfer(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    fake_fail_call("rbd_aio_write", 3, EIO);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, 2));
    allow_time_for(is_over(&transfer.background));
    assert_false(is_over(&transfer.background));
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -EIO);
    assert_int_equal(fake_calls("rbd_aio_write"), 3);
}

static void running_out_of_memory_ends_the_transfer(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    wrap_fail_call("posix_memalign", 2);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_int_equal(end_transfer(&transfer), -ENOMEM);
    assert_true(wrap_disarm());
    assert_int_equal(fake_in_flight(), 0);
}

/* It was inside the image when the call began. */
static void a_write_whose_rest_is_cut_off_meanwhile_is_an_error(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, AT_ONCE));
    assert_int_equal(vdisk_resize(fixture->disk, 4 * PIECE + MIB, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -EIO);
}

static void a_read_whose_rest_is_cut_off_meanwhile_is_filled_with_zeroes(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(8 * PIECE);

    fill(data, 8 * PIECE, 1);
    fake_image_write("p", "", "i", MIB, data, 8 * PIECE);
    fake_hold(FAKE_READ);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_true(fake_wait_held(FAKE_READ, AT_ONCE));
    assert_int_equal(vdisk_resize(fixture->disk, 4 * PIECE + 2 * MIB, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    wait_until(is_over(&transfer.background));
    assert_int_equal(transfer.background.result, 0);
    assert_int_equal(memcmp(transfer.data, data, 4 * PIECE + MIB), 0);
    assert_true(is_zero(transfer.data + 4 * PIECE + MIB, transfer.length - 4 * PIECE - MIB));
    end_transfer(&transfer);
    free(data);
}

static void closing_ends_a_long_transfer(void **state)
{
    static struct transfer transfer;
    static struct closing closing;
    struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, AT_ONCE));
    start_closing(&closing, fixture->disk);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -ESHUTDOWN);
    assert_says(&transfer.err, -ESHUTDOWN, "Writing to image \"i\" failed: ");
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(fake_calls("rbd_aio_write"), AT_ONCE);
    assert_false(fake_image_closed_unflushed("p", "", "i"));
}

/* What is refused, or nothing. */

static void a_length_of_zero_does_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct iovec empty[2] = {{NULL, 0}, {NULL, 0}};
    unsigned int before = fake_calls(NULL);

    assert_int_equal(vdisk_pread(fixture->disk, NULL, 0, 0, 0, NULL), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, NULL, 0, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(vdisk_preadv(fixture->disk, NULL, 0, 17, 0, NULL), 0);
    assert_int_equal(vdisk_pwritev(fixture->disk, empty, 2, 17, VDISK_IO_ZERO_COPY, NULL), 0);
    assert_int_equal(fake_calls(NULL), before);
}

static void a_range_that_leaves_the_image_does_nothing(void **state)
{
    static const struct {
        uint64_t length;
        uint64_t offset;
    } ranges[] = {
        {1, IMAGE_SIZE},     {2, IMAGE_SIZE - 1}, {0, IMAGE_SIZE + 1}, {1, UINT64_MAX}, {2, UINT64_MAX},
        {IMAGE_SIZE + 1, 0}, {IMAGE_SIZE, 1},     {SIZE_MAX, 1},       {SIZE_MAX, 0},   {4096, UINT64_MAX - 4095},
    };
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;
    char byte = 1;

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint64_t length = ranges[i].length, offset = ranges[i].offset;

        assert_int_equal(vdisk_pwrite(fixture->disk, &byte, length, offset, 0, &err), -EINVAL);
        assert_says(&err, -EINVAL, "are not inside image \"i\" of 67108864 bytes");
        assert_int_equal(vdisk_pread(fixture->disk, &byte, length, offset, VDISK_IO_ZERO_COPY, &err), -EINVAL);
        assert_says(&err, -EINVAL, "are not inside image \"i\" of 67108864 bytes");
    }
    assert_int_equal(fake_calls(NULL), before);
    assert_int_equal(fake_image_pages("p", "", "i"), 0);
    assert_int_equal(byte, 1);
}

static void the_last_byte_is_inside(void **state)
{
    const struct fixture *fixture = *state;
    char byte = 0;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, IMAGE_SIZE - 1, 0, NULL), 0);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, IMAGE_SIZE - 1, 0, NULL), 0);
    assert_int_equal(byte, 'x');
}

static void bad_buffers_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct iovec null[2] = {{NULL, 0}, {NULL, 1}};
    struct iovec overflow[2] = {{null, SIZE_MAX}, {null, 2}};
    struct iovec *many = calloc(IOV_MAX + 1, sizeof *many);
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    assert_non_null(many);
    assert_int_equal(vdisk_pread(fixture->disk, NULL, 1, 0, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "buffers are not valid");
    assert_int_equal(vdisk_pwritev(fixture->disk, null, 2, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_pwritev(fixture->disk, overflow, 2, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, NULL, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, null, -1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, many, IOV_MAX + 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, many, IOV_MAX, 0, 0, NULL), 0);
    assert_int_equal(fake_calls(NULL), before);
    free(many);
}

static void unknown_flags_of_a_transfer_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte = 0;

    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 2, &err), -EINVAL);
    assert_says(&err, -EINVAL, "flags 0x2 ");
    assert_int_equal(vdisk_pwrite(fixture->disk, &byte, 1, 0, 0x80000001u, NULL), -EINVAL);
    assert_int_equal(transfers(), 0);
}

static void a_read_only_disk_is_not_written(void **state)
{
    struct vdisk *disk;
    struct vdisk_error err;
    char byte = 0;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_pwrite(disk, &byte, 1, 0, 0, &err), -EROFS);
    assert_says(&err, -EROFS, "Writing to image \"i\" is not possible: it is open read-only");
    assert_int_equal(vdisk_pwrite(disk, NULL, 0, 0, 0, NULL), -EROFS);
    assert_int_equal(transfers(), 0);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    close_disk(disk);
}

static void a_fenced_client_is_told(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte = 0;

    fake_blocklist();
    assert_int_equal(vdisk_pwrite(fixture->disk, &byte, 1, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "Writing to image \"i\" failed: ");
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
}

/* A write may have completed, as far as its failure tells, so closing a fenced disk tells of it. */
static int tear_down_fenced(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(vdisk_close(fixture->disk, NULL), -ESHUTDOWN);
    fixture->disk = NULL;
    return tear_down_disk(state);
}

static void the_error_is_cleared_by_success(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte = 0;

    memset(&err, 'x', sizeof err);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.message, "");
    memset(&err, 'x', sizeof err);
    assert_int_equal(vdisk_flush(fixture->disk, &err), 0);
    assert_int_equal(err.code, 0);
}

/* Flushing. */

static void a_flush_is_one_call_of_librbd(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_flush"), 1);
    assert_int_equal(fake_calls("rbd_flush"), 0);
}

static void a_flush_of_a_read_only_disk_does_nothing(void **state)
{
    unsigned int before;
    struct vdisk *disk;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    before = fake_calls(NULL);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    assert_int_equal(fake_calls(NULL), before);
    close_disk(disk);
}

/* Many at once, and memory. */

#define THREADS 8
#define TURNS 200
#define SHARE (IMAGE_SIZE / THREADS)

struct worker {
    struct background background;
    struct vdisk *disk;
    unsigned int index;
};

/* Writes and reads back its own share of the image, and flushes. Returns how often something was wrong. */
static int use_share(void *argument)
{
    const struct worker *worker = argument;
    unsigned char written[3000], seen[3000];
    unsigned int seed = worker->index;
    int wrong = 0;

    for (unsigned int turn = 0; turn < TURNS; turn++) {
        uint64_t offset = worker->index * SHARE + random_below(&seed, SHARE - sizeof written);

        fill(written, sizeof written, turn);
        wrong += vdisk_pwrite(worker->disk, written, sizeof written, offset, turn % 2, NULL) != 0;
        wrong += vdisk_pread(worker->disk, seen, sizeof seen, offset, turn % 3 == 0, NULL) != 0;
        wrong += memcmp(seen, written, sizeof seen) != 0;
        wrong += turn % 10 == 0 && vdisk_flush(worker->disk, NULL) != 0;
    }
    return wrong;
}

static void many_threads_share_a_disk(void **state)
{
    static struct worker workers[THREADS];
    const struct fixture *fixture = *state;

    fake_set_threads(4);
    fake_set_serialized(false);
    for (unsigned int i = 0; i < THREADS; i++) {
        workers[i].disk = fixture->disk;
        workers[i].index = i;
        start_background(&workers[i].background, use_share, &workers[i]);
    }
    for (unsigned int i = 0; i < THREADS; i++)
        assert_int_equal(end_background(&workers[i].background), 0);
}

static void nothing_is_allocated_in_steady_state(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(64 * KIB);
    struct iovec iov[16];
    size_t before = 0;

    for (int i = 0; i < 16; i++)
        iov[i] = (struct iovec){data + i * 4096, 4096};
    for (int round = 0; round < 10; round++) {
        if (round == 2)
            before = wrap_allocs();
        assert_int_equal(vdisk_pwrite(fixture->disk, data, 64 * KIB, 0, 0, NULL), 0);
        assert_int_equal(vdisk_pread(fixture->disk, data, 64 * KIB, 0, 0, NULL), 0);
        assert_int_equal(vdisk_preadv(fixture->disk, iov, 16, 0, 0, NULL), 0);
        assert_int_equal(vdisk_pwritev(fixture->disk, iov, 16, 0, VDISK_IO_ZERO_COPY, NULL), 0);
        assert_int_equal(vdisk_pread(fixture->disk, data, 0, 0, 0, NULL), 0);
        assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    }
    assert_int_equal(wrap_allocs(), before);
    free(data);
}

/* Only the inside can tell. */
static void little_memory_is_kept_after_a_long_transfer(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(5 * PIECE);

    assert_int_equal(vdisk_pread(fixture->disk, data, 5 * PIECE, 0, 0, NULL), 0);
    assert_non_null(fixture->disk->sync.queues);
    assert_true(fixture->disk->sync.queues->bounce.idle <= MIB);
    free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(any_transfer_does_what_a_model_does),
        DISK_TEST(a_flat_buffer_is_one_of_an_array),
        DISK_TEST(only_a_zero_copy_read_shows_the_callers_memory_to_librbd),
        DISK_TEST(a_short_read_is_filled_with_zeroes),
        DISK_TEST(a_long_write_is_cut_at_boundaries_four_at_a_time),
        DISK_TEST(a_long_read_is_cut_four_at_a_time),
        DISK_TEST(what_fits_one_piece_is_one_request),
        DISK_TEST(an_error_ends_the_transfer_when_the_rest_has_landed),
        DISK_TEST(an_error_of_the_last_piece_is_told),
        DISK_TEST(a_piece_that_librbd_refuses_ends_the_transfer),
        DISK_TEST(running_out_of_memory_ends_the_transfer),
        DISK_TEST(a_write_whose_rest_is_cut_off_meanwhile_is_an_error),
        DISK_TEST(a_read_whose_rest_is_cut_off_meanwhile_is_filled_with_zeroes),
        DISK_TEST(closing_ends_a_long_transfer),
        DISK_TEST(a_length_of_zero_does_nothing),
        DISK_TEST(a_range_that_leaves_the_image_does_nothing),
        DISK_TEST(the_last_byte_is_inside),
        DISK_TEST(bad_buffers_are_refused),
        DISK_TEST(unknown_flags_of_a_transfer_are_refused),
        TEST(a_read_only_disk_is_not_written),
        cmocka_unit_test_setup_teardown(a_fenced_client_is_told, set_up_disk, tear_down_fenced),
        DISK_TEST(the_error_is_cleared_by_success),
        DISK_TEST(a_flush_is_one_call_of_librbd),
        TEST(a_flush_of_a_read_only_disk_does_nothing),
        DISK_TEST(many_threads_share_a_disk),
        DISK_TEST(nothing_is_allocated_in_steady_state),
        DISK_TEST(little_memory_is_kept_after_a_long_transfer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
