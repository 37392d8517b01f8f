/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file compares random blocking transfers with a model, and runs them on several threads at once. */
#include "sync_helpers.h"

#include <string.h>

/* One thread. */

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

/* Several threads. */

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

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(any_transfer_does_what_a_model_does),
        DISK_TEST(many_threads_share_a_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
