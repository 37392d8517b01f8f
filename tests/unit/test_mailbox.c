/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mailbox, with both kinds of doorbell. The main thread is the owner. */
#include "mailbox_helpers.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/container.h"
#include "wrap.h"

static bool is_ringing(struct vd_mailbox *mailbox)
{
    return vd_mailbox_wait(mailbox, vd_now());
}

/* One thread. */

static void taking_from_an_empty_mailbox_gives_nothing(void **state)
{
    struct vd_mailbox mailbox;

    init_mailbox(&mailbox, state);
    assert_null(vd_mailbox_take(&mailbox));
    assert_null(vd_mailbox_take(&mailbox));
    assert_int_equal(rings(&mailbox), 0);
    vd_mailbox_destroy(&mailbox);
}

static void nodes_are_taken_oldest_first(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[5], *node;

    init_mailbox(&mailbox, state);
    for (size_t i = 0; i < 5; i++)
        vd_mailbox_post(&mailbox, &nodes[i]);
    node = vd_mailbox_take(&mailbox);
    for (size_t i = 0; i < 5; i++, node = node->next)
        assert_ptr_equal(node, &nodes[i]);
    assert_null(node);
    vd_mailbox_destroy(&mailbox);
}

static void what_was_taken_is_not_taken_again(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node first, second, *node;

    init_mailbox(&mailbox, state);
    vd_mailbox_post(&mailbox, &first);
    vd_mailbox_take(&mailbox);
    assert_null(vd_mailbox_take(&mailbox));

    vd_mailbox_post(&mailbox, &second);
    node = vd_mailbox_take(&mailbox);
    assert_ptr_equal(node, &second);
    assert_null(node->next);
    vd_mailbox_destroy(&mailbox);
}

static void a_taken_node_can_be_posted_again(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;

    init_mailbox(&mailbox, state);
    for (int i = 0; i < 3; i++) {
        vd_mailbox_post(&mailbox, &node);
        assert_ptr_equal(vd_mailbox_take(&mailbox), &node);
        assert_null(node.next);
    }
    vd_mailbox_destroy(&mailbox);
}

static void the_bell_rings_once_for_any_number_of_posts(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[100];

    init_mailbox(&mailbox, state);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 100; i++) {
            vd_mailbox_post(&mailbox, &nodes[i]);
            assert_int_equal(rings(&mailbox), 1);
        }
        vd_mailbox_take(&mailbox);
        assert_int_equal(rings(&mailbox), 0);
    }
    vd_mailbox_destroy(&mailbox);
}

static void taking_silences_the_bell(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;

    init_mailbox(&mailbox, state);
    assert_false(is_ringing(&mailbox));
    vd_mailbox_post(&mailbox, &node);
    assert_true(is_ringing(&mailbox));
    vd_mailbox_take(&mailbox);
    assert_false(is_ringing(&mailbox));
    vd_mailbox_destroy(&mailbox);
}

static void taking_without_having_waited_leaves_nothing_owed(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;

    init_mailbox(&mailbox, state);
    vd_mailbox_post(&mailbox, &node);
    vd_mailbox_take(&mailbox);
    assert_int_equal(mailbox.doorbell.owed, 1);
    assert_int_equal(mailbox.doorbell.heard, 1);
    vd_mailbox_destroy(&mailbox);
}

static void a_reminder_rings_though_nothing_is_there(void **state)
{
    struct vd_mailbox mailbox;

    init_mailbox(&mailbox, state);
    vd_mailbox_remind(&mailbox);
    assert_int_equal(rings(&mailbox), 1);
    assert_true(is_ringing(&mailbox));
    assert_null(vd_mailbox_take(&mailbox));
    assert_false(is_ringing(&mailbox));
    vd_mailbox_destroy(&mailbox);
}

static void a_reminder_that_is_never_heard_does_not_stop_the_destroying(void **state)
{
    struct vd_mailbox mailbox;

    init_mailbox(&mailbox, state);
    vd_mailbox_remind(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void a_post_after_a_reminder_rings_too(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;

    init_mailbox(&mailbox, state);
    vd_mailbox_remind(&mailbox);
    vd_mailbox_post(&mailbox, &node);
    assert_int_equal(rings(&mailbox), 2);
    assert_ptr_equal(vd_mailbox_take(&mailbox), &node);
    assert_int_equal(rings(&mailbox), 0);
    vd_mailbox_destroy(&mailbox);
}

static void waiting_in_vain_ends_no_sooner_than_the_deadline(void **state)
{
    struct vd_mailbox mailbox;
    int64_t deadline = vd_time_after_ms(20);

    init_mailbox(&mailbox, state);
    assert_false(vd_mailbox_wait(&mailbox, deadline));
    assert_true(vd_now() >= deadline);
    vd_mailbox_destroy(&mailbox);
}

static void waiting_returns_at_once_when_something_is_there(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;
    const int64_t deadlines[] = {0, vd_now(), vd_time_after_ms(WATCHDOG_MS), VD_NEVER};

    init_mailbox(&mailbox, state);
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        vd_mailbox_post(&mailbox, &node);
        assert_true(vd_mailbox_wait(&mailbox, deadlines[i]));
        assert_ptr_equal(vd_mailbox_take(&mailbox), &node);
    }
    vd_mailbox_destroy(&mailbox);
}

static void a_pipe_that_cannot_be_had_is_told(void **state)
{
    struct vd_mailbox mailbox;
    int r;

    (void)state;
    wrap_fail_call("pipe2", 1);
    r = vd_mailbox_init(&mailbox, VD_DOORBELL_PIPE);
    assert_true(wrap_disarm());
    assert_int_equal(r, -EMFILE);
}

static void using_it_allocates_nothing(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[100];
    size_t before = wrap_allocs();

    init_mailbox(&mailbox, state);
    for (size_t i = 0; i < 100; i++)
        vd_mailbox_post(&mailbox, &nodes[i]);
    assert_true(vd_mailbox_wait(&mailbox, vd_now()));
    vd_mailbox_take(&mailbox);
    vd_mailbox_destroy(&mailbox);
    assert_int_equal(wrap_allocs(), before);
}

/* Many threads. */

#define PRODUCERS 4
#define POSTS 50000

struct item {
    struct vd_node node;
    unsigned int producer;
    unsigned int number;
};

static struct item items[PRODUCERS][POSTS];

static void produce(void *mailbox, unsigned int producer)
{
    for (unsigned int i = 0; i < POSTS; i++) {
        struct item *item = &items[producer][i];

        /* Written here and read by the owner: posting must carry it over. */
        item->producer = producer;
        item->number = i;
        vd_mailbox_post(mailbox, &item->node);
    }
}

/* Takes what is there; checks that each producer's come in order. Returns how many there were. */
static unsigned int consume(struct vd_mailbox *mailbox, unsigned int *expected)
{
    struct vd_node *node = vd_mailbox_take(mailbox);
    unsigned int count = 0;

    for (; node; node = node->next, count++) {
        const struct item *item = VD_CONTAINER_OF(node, struct item, node);

        assert_in_range(item->producer, 0, PRODUCERS - 1);
        assert_int_equal(item->number, expected[item->producer]);
        expected[item->producer]++;
    }
    return count;
}

static void nothing_posted_by_many_threads_is_lost_or_out_of_order(void **state)
{
    /* Static, so that a failed assert does not pull it away from under the producers. */
    static struct vd_mailbox mailbox;
    static struct team producers;
    unsigned int expected[PRODUCERS] = {0}, total = 0;

    init_mailbox(&mailbox, state);
    start_team(&producers, PRODUCERS, produce, &mailbox);
    for (unsigned int turn = 1; total < PRODUCERS * POSTS; turn++) {
        /* Half the time it looks without having been woken, so that more posts meet the taking. */
        if (turn % 2 == 0)
            assert_true(vd_mailbox_wait(&mailbox, vd_time_after_ms(WATCHDOG_MS)));
        /* Now and then it lets them gather. */
        if (turn % 512 == 0)
            usleep(200);
        total += consume(&mailbox, expected);
    }
    join_team(&producers);
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(expected[i], POSTS);

    /* All have rung by now: exactly as often as the owner reckons. */
    assert_null(vd_mailbox_take(&mailbox));
    assert_int_equal(mailbox.doorbell.heard, mailbox.doorbell.owed);
    vd_mailbox_destroy(&mailbox);
}

#define PARTNERS 2
#define EXCHANGES 8000

struct partner {
    struct vd_node node;
    atomic_int taken;
};

static struct partner partners[PARTNERS];

/* Without sleep, so that the next post meets the owner wherever it is after the taking, or a little later. */
static void wait_until_taken(struct partner *partner, int times)
{
    for (unsigned int turn = 1; atomic_load(&partner->taken) < times; turn++) {
        if (turn % 1024 == 0)
            sched_yield();
    }
    for (int delay = times % 61; delay > 0; delay--)
        atomic_load(&partner->taken);
}

static void post_one_by_one(void *mailbox, unsigned int number)
{
    for (int i = 1; i <= EXCHANGES; i++) {
        vd_mailbox_post(mailbox, &partners[number].node);
        wait_until_taken(&partners[number], i);
    }
}

/* A few looks, so that posts meet them, before it sleeps. */
static struct vd_node *take_or_sleep(struct vd_mailbox *mailbox, int looks)
{
    struct vd_node *node = NULL;

    for (int i = 0; i < looks && !node; i++)
        node = vd_mailbox_take(mailbox);
    while (!node) {
        assert_true(vd_mailbox_wait(mailbox, vd_time_after_ms(WATCHDOG_MS)));
        node = vd_mailbox_take(mailbox);
    }
    return node;
}

/* Returns how many there were in the list. */
static int tell_taken(struct vd_node *node)
{
    int count = 0;

    while (node) {
        struct partner *partner = VD_CONTAINER_OF(node, struct partner, node);

        /* Read on before telling: the node may be posted again at once. */
        node = node->next;
        atomic_fetch_add(&partner->taken, 1);
        count++;
    }
    return count;
}

static void no_first_post_fails_to_wake_the_owner(void **state)
{
    static struct vd_mailbox mailbox;
    static struct team team;
    int total = 0;

    init_mailbox(&mailbox, state);
    for (size_t i = 0; i < PARTNERS; i++)
        atomic_store(&partners[i].taken, 0);
    start_team(&team, PARTNERS, post_one_by_one, &mailbox);
    while (total < PARTNERS * EXCHANGES)
        total += tell_taken(take_or_sleep(&mailbox, total % 4));
    join_team(&team);
    vd_mailbox_destroy(&mailbox);
}

/* Destroying. */

static void ring(void *bell)
{
    vd_doorbell_ring(bell);
}

/* Takes what the first half of a post has brought; a thread makes the second half while the mailbox is destroyed. */
static void destroy_before_the_ring(struct vd_mailbox *mailbox)
{
    static struct latecomer poster;
    struct vd_node node = {.next = NULL};

    atomic_store(&mailbox->newest, (uintptr_t)&node);
    start_latecomer(&poster, ring, &mailbox->doorbell);
    assert_ptr_equal(vd_mailbox_take(mailbox), &node);
    vd_mailbox_destroy(mailbox);
    end_latecomer(&poster);
}

static void destroying_waits_for_a_poster_that_has_yet_to_ring(void **state)
{
    static struct vd_mailbox mailbox;

    init_mailbox(&mailbox, state);
    destroy_before_the_ring(&mailbox);
}

static void a_reminder_is_not_taken_for_the_ring_of_a_poster(void **state)
{
    static struct vd_mailbox mailbox;

    init_mailbox(&mailbox, state);
    vd_mailbox_remind(&mailbox);
    destroy_before_the_ring(&mailbox);
}

static void post_in_round(struct vd_mailbox *mailbox, struct vd_node *node, unsigned int poster, unsigned int round)
{
    (void)poster;
    (void)round;
    vd_mailbox_post(mailbox, node);
}

/* Takes as soon as anything is there, since the ring, which comes after, is what is to be met. */
static void take_greedily(struct vd_mailbox *mailbox, unsigned int count)
{
    while (count > 0) {
        for (struct vd_node *node = vd_mailbox_take(mailbox); node; node = node->next)
            count--;
    }
}

static void sleep_and_take(struct vd_mailbox *mailbox, unsigned int count)
{
    assert_true(vd_mailbox_wait(mailbox, vd_time_after_ms(WATCHDOG_MS)));
    take_greedily(mailbox, count);
}

static void destroying_at_once_leaves_no_poster_with_freed_memory(void **state)
{
    destroy_many_mailboxes(2, post_in_round, take_greedily, state);
}

static void destroying_after_a_timed_wait_leaves_no_poster_with_freed_memory(void **state)
{
    destroy_many_mailboxes(2, post_in_round, sleep_and_take, state);
}

int main(void)
{
    const struct CMUnitTest of_both_kinds[] = {
        cmocka_unit_test(taking_from_an_empty_mailbox_gives_nothing),
        cmocka_unit_test(nodes_are_taken_oldest_first),
        cmocka_unit_test(what_was_taken_is_not_taken_again),
        cmocka_unit_test(a_taken_node_can_be_posted_again),
        cmocka_unit_test(the_bell_rings_once_for_any_number_of_posts),
        cmocka_unit_test(taking_silences_the_bell),
        cmocka_unit_test(taking_without_having_waited_leaves_nothing_owed),
        cmocka_unit_test(a_reminder_rings_though_nothing_is_there),
        cmocka_unit_test(a_reminder_that_is_never_heard_does_not_stop_the_destroying),
        cmocka_unit_test(a_post_after_a_reminder_rings_too),
        cmocka_unit_test(waiting_in_vain_ends_no_sooner_than_the_deadline),
        cmocka_unit_test(waiting_returns_at_once_when_something_is_there),
        cmocka_unit_test(using_it_allocates_nothing),
        cmocka_unit_test(nothing_posted_by_many_threads_is_lost_or_out_of_order),
        cmocka_unit_test(no_first_post_fails_to_wake_the_owner),
        cmocka_unit_test(destroying_waits_for_a_poster_that_has_yet_to_ring),
        cmocka_unit_test(a_reminder_is_not_taken_for_the_ring_of_a_poster),
        cmocka_unit_test(destroying_at_once_leaves_no_poster_with_freed_memory),
        cmocka_unit_test(destroying_after_a_timed_wait_leaves_no_poster_with_freed_memory),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(a_pipe_that_cannot_be_had_is_told),
    };
    int failed;

    start_watchdog();
    failed = RUN_WITH_BOTH_BELLS(of_both_kinds);
    failed += cmocka_run_group_tests(others, with_a_pipe, NULL);
    return failed;
}
