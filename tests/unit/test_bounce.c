/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bounce.h"
#include "wrap.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define SMALLEST (4 * KIB)
#define LARGEST (32 * MIB)

static void *get(struct vd_bounce *pool, uint64_t length)
{
    void *buffer;

    assert_int_equal(vd_bounce_get(&buffer, pool, length), 0);
    assert_non_null(buffer);
    return buffer;
}

static void refused(struct vd_bounce *pool, uint64_t length)
{
    void *buffer = pool;

    assert_int_equal(vd_bounce_get(&buffer, pool, length), -EAGAIN);
    assert_null(buffer);
}

/* Puts a buffer of this length among the idle ones. */
static void leave_idle(struct vd_bounce *pool, uint64_t length)
{
    vd_bounce_put(pool, get(pool, length), length);
}

/* Sizes. */

static void check_size(uint64_t length, uint64_t size)
{
    struct vd_bounce pool;
    unsigned char *buffer;

    vd_bounce_init(&pool, LARGEST);
    buffer = get(&pool, length);
    assert_int_equal(pool.in_use, size);
    assert_int_equal(pool.idle, 0);
    assert_int_equal((uintptr_t)buffer % 4096, 0);
    /* What was promised can be written, which AddressSanitizer watches; the ends are enough. */
    buffer[0] = 1;
    buffer[length - 1] = 1;
    buffer[size - 1] = 1;
    vd_bounce_put(&pool, buffer, length);
    assert_int_equal(pool.in_use, 0);
    assert_int_equal(pool.idle, size);
    vd_bounce_destroy(&pool);
    assert_int_equal(pool.idle, 0);
}

static void the_smallest_buffer_is_a_page(void **state)
{
    (void)state;
    check_size(1, SMALLEST);
    check_size(512, SMALLEST);
    check_size(4095, SMALLEST);
    check_size(4096, SMALLEST);
}

static void a_buffer_is_the_next_power_of_two_and_page_aligned(void **state)
{
    (void)state;
    for (uint64_t size = SMALLEST; size < LARGEST; size *= 2) {
        check_size(size, size);
        check_size(size + 1, 2 * size);
        check_size(2 * size - 1, 2 * size);
    }
}

static void the_largest_buffer_is_the_longest_request(void **state)
{
    (void)state;
    check_size(LARGEST - 1, LARGEST);
    check_size(LARGEST, LARGEST);
}

static void buffers_in_use_do_not_overlap(void **state)
{
    struct vd_bounce pool;
    unsigned char *buffers[64];

    (void)state;
    vd_bounce_init(&pool, MIB);
    for (size_t i = 0; i < 64; i++) {
        buffers[i] = get(&pool, SMALLEST);
        memset(buffers[i], (int)i, SMALLEST);
    }
    for (size_t i = 0; i < 64; i++) {
        for (size_t at = 0; at < SMALLEST; at++)
            assert_int_equal(buffers[i][at], i);
        vd_bounce_put(&pool, buffers[i], SMALLEST);
    }
    vd_bounce_destroy(&pool);
}

/* The limit. */

static void the_limit_is_reached_exactly_and_not_passed(void **state)
{
    struct vd_bounce pool;
    void *buffers[4];

    (void)state;
    vd_bounce_init(&pool, 4 * SMALLEST);
    for (size_t i = 0; i < 4; i++)
        buffers[i] = get(&pool, SMALLEST);
    refused(&pool, 1);
    assert_int_equal(pool.in_use, 4 * SMALLEST);
    for (size_t i = 0; i < 4; i++)
        vd_bounce_put(&pool, buffers[i], SMALLEST);
    vd_bounce_destroy(&pool);
}

static void what_is_counted_is_the_buffer_not_the_length(void **state)
{
    struct vd_bounce pool;
    void *buffer;

    (void)state;
    vd_bounce_init(&pool, 3 * SMALLEST);
    buffer = get(&pool, SMALLEST + 1);
    refused(&pool, SMALLEST + 1);
    vd_bounce_put(&pool, buffer, SMALLEST + 1);
    vd_bounce_destroy(&pool);
}

static void one_byte_short_of_the_limit_is_too_little(void **state)
{
    struct vd_bounce pool;

    (void)state;
    vd_bounce_init(&pool, 2 * SMALLEST - 1);
    refused(&pool, SMALLEST + 1);
    leave_idle(&pool, SMALLEST);
    vd_bounce_destroy(&pool);
}

static void a_buffer_put_back_makes_room(void **state)
{
    struct vd_bounce pool;
    void *buffer;

    (void)state;
    vd_bounce_init(&pool, LARGEST);
    buffer = get(&pool, LARGEST);
    refused(&pool, 1);
    vd_bounce_put(&pool, buffer, LARGEST);
    leave_idle(&pool, 1);
    vd_bounce_destroy(&pool);
}

static void a_refusal_leaves_idle_buffers_alone(void **state)
{
    struct vd_bounce pool;
    void *held;

    (void)state;
    vd_bounce_init(&pool, 4 * SMALLEST);
    leave_idle(&pool, SMALLEST);
    held = get(&pool, 2 * SMALLEST);
    refused(&pool, 4 * SMALLEST);
    assert_int_equal(pool.idle, SMALLEST);
    assert_int_equal(pool.in_use, 2 * SMALLEST);
    vd_bounce_put(&pool, held, 2 * SMALLEST);
    vd_bounce_destroy(&pool);
}

static void the_longest_request_fits_whenever_nothing_is_in_use(void **state)
{
    struct vd_bounce pool;

    (void)state;
    vd_bounce_init(&pool, LARGEST);
    /* With each other size having taken all the room before. */
    for (uint64_t size = SMALLEST; size < LARGEST; size *= 16) {
        void *buffers[LARGEST / SMALLEST];
        size_t count = LARGEST / size;

        for (size_t i = 0; i < count; i++)
            buffers[i] = get(&pool, size);
        for (size_t i = 0; i < count; i++)
            vd_bounce_put(&pool, buffers[i], size);
        assert_int_equal(pool.idle, LARGEST);
        leave_idle(&pool, LARGEST);
    }
    vd_bounce_destroy(&pool);
}

/* Reuse and eviction. */

static void a_buffer_put_back_is_the_next_one_got(void **state)
{
    struct vd_bounce pool;
    void *buffer;

    (void)state;
    vd_bounce_init(&pool, LARGEST);
    buffer = get(&pool, 5000);
    for (int i = 0; i < 3; i++) {
        vd_bounce_put(&pool, buffer, 5000);
        /* Another length of the same class. */
        assert_ptr_equal(get(&pool, 8192), buffer);
        vd_bounce_put(&pool, buffer, 8192);
        assert_ptr_equal(get(&pool, 5000), buffer);
    }
    vd_bounce_put(&pool, buffer, 5000);
    vd_bounce_destroy(&pool);
}

static void every_idle_buffer_is_used_again(void **state)
{
    struct vd_bounce pool;
    void *buffers[8];

    (void)state;
    vd_bounce_init(&pool, LARGEST);
    for (size_t i = 0; i < 8; i++)
        buffers[i] = get(&pool, SMALLEST);
    for (size_t i = 0; i < 8; i++)
        vd_bounce_put(&pool, buffers[i], SMALLEST);
    for (size_t i = 8; i-- > 0;) {
        assert_int_equal(pool.idle, (i + 1) * SMALLEST);
        assert_ptr_equal(get(&pool, SMALLEST), buffers[i]);
    }
    for (size_t i = 0; i < 8; i++)
        vd_bounce_put(&pool, buffers[i], SMALLEST);
    vd_bounce_destroy(&pool);
}

static void getting_again_what_was_put_back_allocates_nothing(void **state)
{
    const uint64_t lengths[] = {1, 4096, 4097, 65536, MIB, LARGEST / 2};
    struct vd_bounce pool;
    size_t before;

    (void)state;
    vd_bounce_init(&pool, LARGEST);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        leave_idle(&pool, lengths[i]);
    before = wrap_allocs();
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            leave_idle(&pool, lengths[i]);
    }
    assert_int_equal(wrap_allocs(), before);
    /* It is the pool that saves the allocating, not the counting that misses it. */
    vd_bounce_trim(&pool, 0);
    leave_idle(&pool, 1);
    assert_int_equal(wrap_allocs(), before + 1);
    vd_bounce_destroy(&pool);
}

static void a_buffer_of_another_size_is_not_used(void **state)
{
    struct vd_bounce pool;
    void *small;

    (void)state;
    vd_bounce_init(&pool, LARGEST);
    leave_idle(&pool, 2 * SMALLEST);
    small = get(&pool, SMALLEST);
    assert_int_equal(pool.idle, 2 * SMALLEST);
    assert_int_equal(pool.in_use, SMALLEST);
    vd_bounce_put(&pool, small, SMALLEST);
    vd_bounce_destroy(&pool);
}

static void idle_buffers_of_other_sizes_give_way(void **state)
{
    struct vd_bounce pool;
    void *buffer;

    (void)state;
    vd_bounce_init(&pool, 8 * SMALLEST);
    leave_idle(&pool, 4 * SMALLEST);
    leave_idle(&pool, 2 * SMALLEST);
    leave_idle(&pool, SMALLEST);
    buffer = get(&pool, 8 * SMALLEST);
    assert_int_equal(pool.idle, 0);
    vd_bounce_put(&pool, buffer, 8 * SMALLEST);
    buffer = get(&pool, SMALLEST);
    assert_int_equal(pool.idle, 0);
    vd_bounce_put(&pool, buffer, SMALLEST);
    vd_bounce_destroy(&pool);
}

static void no_more_idle_buffers_give_way_than_must(void **state)
{
    struct vd_bounce pool;
    void *two, *four;

    (void)state;
    vd_bounce_init(&pool, 8 * SMALLEST);
    leave_idle(&pool, 4 * SMALLEST);
    leave_idle(&pool, SMALLEST);
    /* 5 are idle, so there is room for 2 besides. */
    two = get(&pool, 2 * SMALLEST);
    assert_int_equal(pool.idle, 5 * SMALLEST);
    /* The idle 4 are used. */
    four = get(&pool, 4 * SMALLEST);
    assert_int_equal(pool.idle, SMALLEST);
    vd_bounce_put(&pool, two, 2 * SMALLEST);
    vd_bounce_put(&pool, four, 4 * SMALLEST);
    /* 7 are idle: 8 asks for all of them. */
    leave_idle(&pool, 8 * SMALLEST);
    assert_int_equal(pool.idle, 8 * SMALLEST);
    vd_bounce_destroy(&pool);
}

static void idle_and_used_never_pass_the_limit_together(void **state)
{
    enum { SLOTS = 24 };
    struct vd_bounce pool;
    void *buffers[SLOTS] = {NULL};
    uint64_t lengths[SLOTS] = {0}, in_use = 0;
    uint32_t random = 12345;

    (void)state;
    vd_bounce_init(&pool, 300 * SMALLEST);
    for (int i = 0; i < 20000; i++) {
        size_t slot;

        random = random * 1664525 + 1013904223;
        slot = (random >> 8) % SLOTS;
        if (buffers[slot]) {
            vd_bounce_put(&pool, buffers[slot], lengths[slot]);
            in_use -= lengths[slot];
            buffers[slot] = NULL;
        } else {
            lengths[slot] = SMALLEST << ((random >> 20) % 8);
            if (vd_bounce_get(&buffers[slot], &pool, lengths[slot]) == 0)
                in_use += lengths[slot];
            else
                assert_true(in_use + lengths[slot] > pool.limit);
        }
        assert_int_equal(pool.in_use, in_use);
        assert_true(pool.in_use + pool.idle <= pool.limit);
    }
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (buffers[slot])
            vd_bounce_put(&pool, buffers[slot], lengths[slot]);
    }
    vd_bounce_destroy(&pool);
}

/* Out of memory. */

static void a_failed_allocation_is_told_and_counts_for_nothing(void **state)
{
    struct vd_bounce pool;
    void *held, *buffer = &pool;
    int r;

    (void)state;
    vd_bounce_init(&pool, 4 * SMALLEST);
    held = get(&pool, SMALLEST);
    wrap_fail_call("posix_memalign", 1);
    r = vd_bounce_get(&buffer, &pool, 2 * SMALLEST);
    assert_true(wrap_disarm());
    assert_int_equal(r, -ENOMEM);
    assert_null(buffer);
    assert_int_equal(pool.in_use, SMALLEST);

    /* All the rest of the room is still to be had. */
    leave_idle(&pool, 2 * SMALLEST);
    vd_bounce_put(&pool, held, SMALLEST);
    leave_idle(&pool, 4 * SMALLEST);
    vd_bounce_destroy(&pool);
}

static void what_is_idle_is_got_without_memory(void **state)
{
    struct vd_bounce pool;
    void *buffer;

    (void)state;
    vd_bounce_init(&pool, LARGEST);
    leave_idle(&pool, MIB);
    wrap_fail_nth(1);
    buffer = get(&pool, MIB);
    assert_false(wrap_disarm());
    vd_bounce_put(&pool, buffer, MIB);
    vd_bounce_destroy(&pool);
}

/* Trimming. */

static void leave_one_of_each_idle(struct vd_bounce *pool)
{
    vd_bounce_init(pool, LARGEST);
    leave_idle(pool, SMALLEST);
    leave_idle(pool, 2 * SMALLEST);
    leave_idle(pool, 4 * SMALLEST);
}

static void trimming_keeps_what_fits(void **state)
{
    struct vd_bounce pool;

    (void)state;
    leave_one_of_each_idle(&pool);
    vd_bounce_trim(&pool, 7 * SMALLEST);
    assert_int_equal(pool.idle, 7 * SMALLEST);
    vd_bounce_trim(&pool, UINT64_MAX);
    assert_int_equal(pool.idle, 7 * SMALLEST);
    vd_bounce_destroy(&pool);
}

static void trimming_frees_the_largest_first(void **state)
{
    struct vd_bounce pool;

    (void)state;
    leave_one_of_each_idle(&pool);
    vd_bounce_trim(&pool, 7 * SMALLEST - 1);
    assert_int_equal(pool.idle, 3 * SMALLEST);
    vd_bounce_trim(&pool, 2 * SMALLEST);
    assert_int_equal(pool.idle, SMALLEST);
    vd_bounce_destroy(&pool);
}

static void trimming_to_nothing_frees_all(void **state)
{
    struct vd_bounce pool;

    (void)state;
    leave_one_of_each_idle(&pool);
    leave_idle(&pool, LARGEST / 2);
    vd_bounce_trim(&pool, 0);
    assert_int_equal(pool.idle, 0);
    /* And again, with nothing there. */
    vd_bounce_trim(&pool, 0);
    vd_bounce_destroy(&pool);
}

static void trimming_leaves_buffers_in_use_alone(void **state)
{
    struct vd_bounce pool;
    unsigned char *held;

    (void)state;
    leave_one_of_each_idle(&pool);
    held = get(&pool, 4 * SMALLEST);
    vd_bounce_trim(&pool, 0);
    assert_int_equal(pool.in_use, 4 * SMALLEST);
    memset(held, 1, 4 * SMALLEST);
    vd_bounce_put(&pool, held, 4 * SMALLEST);
    vd_bounce_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_buffer_is_a_page),
        cmocka_unit_test(a_buffer_is_the_next_power_of_two_and_page_aligned),
        cmocka_unit_test(the_largest_buffer_is_the_longest_request),
        cmocka_unit_test(buffers_in_use_do_not_overlap),
        cmocka_unit_test(the_limit_is_reached_exactly_and_not_passed),
        cmocka_unit_test(what_is_counted_is_the_buffer_not_the_length),
        cmocka_unit_test(one_byte_short_of_the_limit_is_too_little),
        cmocka_unit_test(a_buffer_put_back_makes_room),
        cmocka_unit_test(a_refusal_leaves_idle_buffers_alone),
        cmocka_unit_test(the_longest_request_fits_whenever_nothing_is_in_use),
        cmocka_unit_test(a_buffer_put_back_is_the_next_one_got),
        cmocka_unit_test(every_idle_buffer_is_used_again),
        cmocka_unit_test(getting_again_what_was_put_back_allocates_nothing),
        cmocka_unit_test(a_buffer_of_another_size_is_not_used),
        cmocka_unit_test(idle_buffers_of_other_sizes_give_way),
        cmocka_unit_test(no_more_idle_buffers_give_way_than_must),
        cmocka_unit_test(idle_and_used_never_pass_the_limit_together),
        cmocka_unit_test(a_failed_allocation_is_told_and_counts_for_nothing),
        cmocka_unit_test(what_is_idle_is_got_without_memory),
        cmocka_unit_test(trimming_keeps_what_fits),
        cmocka_unit_test(trimming_frees_the_largest_first),
        cmocka_unit_test(trimming_to_nothing_frees_all),
        cmocka_unit_test(trimming_leaves_buffers_in_use_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
