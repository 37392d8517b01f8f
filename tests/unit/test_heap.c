/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/heap.h"
#include "wrap.h"

#define ITEMS 500

static struct vd_heap heap;
static struct vd_heap_item items[ITEMS];

static int set_up(void **state)
{
    (void)state;
    heap = (struct vd_heap){0};
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct vd_heap_item){0};
    return vd_heap_reserve(&heap, ITEMS);
}

static int tear_down(void **state)
{
    struct vd_heap_item *item;

    (void)state;
    while ((item = vd_heap_first(&heap)))
        vd_heap_remove(&heap, item);
    vd_heap_destroy(&heap);
    return 0;
}

static void add(size_t item, int64_t time)
{
    items[item].time = time;
    vd_heap_add(&heap, &items[item]);
}

static unsigned int next_random(unsigned int *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Every item is where it says, and none is later than what hangs on it. */
static void check_heap(void)
{
    for (size_t index = 1; index <= heap.count; index++) {
        const struct vd_heap_item *item = heap.items[index - 1];

        assert_int_equal(item->index, index);
        assert_true(index == 1 || heap.items[index / 2 - 1]->time <= item->time);
    }
}

static void an_empty_heap_has_no_first_and_never_comes(void **state)
{
    struct vd_heap empty = {0};

    (void)state;
    assert_null(vd_heap_first(&empty));
    assert_true(vd_heap_time(&empty) == VD_NEVER);
    vd_heap_destroy(&empty);
}

static void the_earliest_is_first_whatever_the_order_of_adding(void **state)
{
    static const int64_t times[] = {5, 3, 8, 3, 1, 9, 1, INT64_MAX, 0, 4};
    int64_t earliest = INT64_MAX;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        add(i, times[i]);
        if (times[i] < earliest)
            earliest = times[i];
        assert_true(vd_heap_time(&heap) == earliest);
        check_heap();
    }
}

static void items_come_in_the_order_of_their_times(void **state)
{
    unsigned int seed = 1;
    int64_t last = -1;

    (void)state;
    for (size_t i = 0; i < ITEMS; i++)
        add(i, next_random(&seed) % 100);
    for (size_t left = ITEMS; left > 0; left--) {
        struct vd_heap_item *first = vd_heap_first(&heap);

        assert_true(first->time >= last);
        last = first->time;
        vd_heap_remove(&heap, first);
        assert_int_equal(first->index, 0);
        check_heap();
    }
    assert_null(vd_heap_first(&heap));
}

static void any_item_can_be_removed(void **state)
{
    unsigned int seed = 7;

    (void)state;
    for (size_t i = 0; i < ITEMS; i++)
        add(i, next_random(&seed) % 1000);
    for (size_t left = ITEMS; left > 0; left--) {
        vd_heap_remove(&heap, heap.items[next_random(&seed) % left]);
        assert_int_equal(heap.count, left - 1);
        check_heap();
    }
}

static void adding_and_removing_may_alternate(void **state)
{
    unsigned int seed = 3;

    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        size_t item = next_random(&seed) % ITEMS;

        if (items[item].index > 0)
            vd_heap_remove(&heap, &items[item]);
        else
            add(item, next_random(&seed));
        if (i % 100 == 0)
            check_heap();
    }
    check_heap();
}

static void removing_what_is_in_no_heap_does_nothing(void **state)
{
    (void)state;
    add(0, 1);
    vd_heap_remove(&heap, &items[1]);
    vd_heap_remove(&heap, &items[0]);
    vd_heap_remove(&heap, &items[0]);
    assert_int_equal(heap.count, 0);
}

static void an_item_can_be_added_again(void **state)
{
    (void)state;
    add(0, 5);
    add(1, 7);
    vd_heap_remove(&heap, &items[0]);
    add(0, 9);
    assert_ptr_equal(vd_heap_first(&heap), &items[1]);
    check_heap();
}

static void what_is_reserved_already_needs_no_memory(void **state)
{
    size_t before = wrap_allocs();

    (void)state;
    assert_int_equal(vd_heap_reserve(&heap, ITEMS), 0);
    assert_int_equal(vd_heap_reserve(&heap, 1), 0);
    assert_int_equal(wrap_allocs(), before);
}

static void out_of_memory_leaves_the_heap_as_it_is(void **state)
{
    int r;

    (void)state;
    add(0, 5);
    wrap_fail_nth(1);
    r = vd_heap_reserve(&heap, (size_t)2 * ITEMS);
    assert_true(wrap_disarm());
    assert_int_equal(r, -ENOMEM);
    assert_ptr_equal(vd_heap_first(&heap), &items[0]);
    assert_int_equal(vd_heap_reserve(&heap, ITEMS), 0);
    check_heap();
}

#define HEAP_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HEAP_TEST(an_empty_heap_has_no_first_and_never_comes),
        HEAP_TEST(the_earliest_is_first_whatever_the_order_of_adding),
        HEAP_TEST(items_come_in_the_order_of_their_times),
        HEAP_TEST(any_item_can_be_removed),
        HEAP_TEST(adding_and_removing_may_alternate),
        HEAP_TEST(removing_what_is_in_no_heap_does_nothing),
        HEAP_TEST(an_item_can_be_added_again),
        HEAP_TEST(what_is_reserved_already_needs_no_memory),
        HEAP_TEST(out_of_memory_leaves_the_heap_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
