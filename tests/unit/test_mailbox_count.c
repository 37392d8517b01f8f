/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mailbox whose owner waits for several posts, with both kinds of doorbell. The main thread is the owner. */
#include "mailbox_helpers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static unsigned int take(struct vd_mailbox *mailbox)
{
    unsigned int count = 0;

    for (const struct vd_node *node = vd_mailbox_take(mailbox); node; node = node->next)
        count++;
    return count;
}

/* Everything that is owed has been heard, and what was posted is taken. */
static void assert_settled(struct vd_mailbox *mailbox)
{
    assert_int_equal(take(mailbox), 0);
    assert_int_equal(mailbox->doorbell.owed, mailbox->doorbell.heard);
    assert_int_equal(atomic_load(&mailbox->missing), 0);
}

/* The owner waits no longer, but the mailbox counts until the next taking. */
static void have_it_count(struct vd_mailbox *mailbox, unsigned int count)
{
    assert_false(vd_mailbox_wait_for(mailbox, count, vd_now()));
}

static void post(struct vd_mailbox *mailbox, struct vd_node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vd_mailbox_post(mailbox, &nodes[i]);
}

/* One thread. */

static void the_bell_rings_when_all_are_there(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[5];

    init_mailbox(&mailbox, state);
    for (int round = 0; round < 3; round++) {
        have_it_count(&mailbox, 5);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(rings(&mailbox), 0);
            vd_mailbox_post(&mailbox, &nodes[i]);
        }
        assert_int_equal(rings(&mailbox), 1);
        assert_int_equal(take(&mailbox), 5);
        assert_settled(&mailbox);
    }
    vd_mailbox_destroy(&mailbox);
}

static void what_comes_above_the_number_does_not_ring(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[9];

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 2);
    post(&mailbox, nodes, 9);
    assert_int_equal(rings(&mailbox), 1);
    assert_int_equal(take(&mailbox), 9);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void what_was_counted_is_taken_oldest_first(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[5], *node;

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 5);
    post(&mailbox, nodes, 4);
    vd_mailbox_post_urgent(&mailbox, &nodes[4]);
    node = vd_mailbox_take(&mailbox);
    for (size_t i = 0; i < 5; i++, node = node->next)
        assert_ptr_equal(node, &nodes[i]);
    assert_null(node);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void too_few_by_the_deadline_are_taken_and_nothing_is_owed(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[5];

    init_mailbox(&mailbox, state);
    for (size_t count = 0; count < 5; count++) {
        have_it_count(&mailbox, 5);
        post(&mailbox, nodes, count);
        assert_int_equal(rings(&mailbox), 0);
        assert_int_equal(take(&mailbox), count);
        assert_settled(&mailbox);
    }
    vd_mailbox_destroy(&mailbox);
}

static void after_counting_the_first_post_rings_again(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[5];

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 5);
    assert_int_equal(take(&mailbox), 0);
    post(&mailbox, nodes, 5);
    assert_int_equal(rings(&mailbox), 1);
    assert_int_equal(take(&mailbox), 5);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void what_is_there_already_is_not_waited_for(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[2];

    init_mailbox(&mailbox, state);
    post(&mailbox, nodes, 1);
    assert_true(vd_mailbox_wait_for(&mailbox, 2, VD_NEVER));
    post(&mailbox, nodes + 1, 1);
    assert_int_equal(rings(&mailbox), 1);
    assert_int_equal(take(&mailbox), 2);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void waiting_for_one_does_not_count(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 1);
    assert_int_equal(atomic_load(&mailbox.newest), VD_MAILBOX_EMPTY);
    vd_mailbox_post(&mailbox, &node);
    assert_int_equal(rings(&mailbox), 1);
    assert_int_equal(take(&mailbox), 1);
    vd_mailbox_destroy(&mailbox);
}

static void the_first_that_is_urgent_rings(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[6];

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 6);
    post(&mailbox, nodes, 2);
    assert_int_equal(rings(&mailbox), 0);
    vd_mailbox_post_urgent(&mailbox, &nodes[2]);
    assert_int_equal(rings(&mailbox), 1);
    vd_mailbox_post_urgent(&mailbox, &nodes[3]);
    post(&mailbox, nodes + 4, 1);
    assert_int_equal(rings(&mailbox), 1);
    assert_int_equal(take(&mailbox), 5);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void the_last_rings_though_an_urgent_one_has(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[2];

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 2);
    vd_mailbox_post_urgent(&mailbox, &nodes[0]);
    vd_mailbox_post(&mailbox, &nodes[1]);
    assert_int_equal(rings(&mailbox), 2);
    assert_int_equal(take(&mailbox), 2);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void without_counting_an_urgent_post_is_one_like_others(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[3];

    init_mailbox(&mailbox, state);
    vd_mailbox_post_urgent(&mailbox, &nodes[0]);
    vd_mailbox_post(&mailbox, &nodes[1]);
    vd_mailbox_post_urgent(&mailbox, &nodes[2]);
    assert_int_equal(rings(&mailbox), 1);
    assert_int_equal(take(&mailbox), 3);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

/* Posters that have posted and are yet to be counted. */

/* The first half of a post, to a mailbox that counts and is empty. */
static void begin_post(struct vd_mailbox *mailbox, struct vd_node *node)
{
    node->next = NULL;
    atomic_store(&mailbox->newest, (uintptr_t)node | VD_MAILBOX_ASKS);
}

/* The other half. */
static void end_post(void *arg)
{
    struct vd_mailbox *mailbox = arg;

    /* Of `missing`, one is 2, and the lowest bit is set while the mailbox counts. */
    if (atomic_fetch_sub(&mailbox->missing, 2) == 3)
        vd_doorbell_ring(&mailbox->doorbell);
}

static void the_next_counting_awaits_who_is_yet_to_be_counted(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[3];

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 2);
    begin_post(&mailbox, &nodes[0]);
    assert_int_equal(take(&mailbox), 1);

    have_it_count(&mailbox, 2);
    post(&mailbox, nodes + 1, 2);
    assert_int_equal(rings(&mailbox), 0);
    end_post(&mailbox);
    assert_int_equal(rings(&mailbox), 1);
    assert_int_equal(take(&mailbox), 2);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void who_is_counted_late_does_not_ring_when_nothing_is_counted(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 2);
    begin_post(&mailbox, &node);
    assert_int_equal(take(&mailbox), 1);
    end_post(&mailbox);
    assert_int_equal(rings(&mailbox), 0);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void destroying_waits_for_a_poster_that_is_yet_to_be_counted(void **state)
{
    static struct vd_mailbox mailbox;
    static struct latecomer poster;
    struct vd_node node;

    init_mailbox(&mailbox, state);
    have_it_count(&mailbox, 2);
    begin_post(&mailbox, &node);
    start_latecomer(&poster, end_post, &mailbox);
    assert_int_equal(take(&mailbox), 1);
    vd_mailbox_destroy(&mailbox);
    end_latecomer(&poster);
}

/* Many threads. */

#define PRODUCERS 4
#define POSTS 30000

static struct vd_node items[PRODUCERS][POSTS];

static void produce(void *mailbox, unsigned int producer)
{
    for (unsigned int i = 0; i < POSTS; i++) {
        struct vd_node *node = &items[producer][i];

        if (producer == 0 && i % 64 == 0)
            vd_mailbox_post_urgent(mailbox, node);
        else
            vd_mailbox_post(mailbox, node);
    }
}

static void waiting_for_several_never_waits_for_ever(void **state)
{
    /* Static, so that a failed assert does not pull it away from under the producers. */
    static struct vd_mailbox mailbox;
    static struct team producers;
    unsigned int left = PRODUCERS * POSTS;

    init_mailbox(&mailbox, state);
    start_team(&producers, PRODUCERS, produce, &mailbox);
    for (unsigned int turn = 0; left > 0; turn++) {
        unsigned int wanted = 1 + turn * 7 % 40;

        /* Now and then it does not sleep, so that taking meets posts. */
        if (turn % 3 == 0)
            vd_mailbox_wait_for(&mailbox, wanted < left ? wanted : left, vd_now());
        else
            assert_true(vd_mailbox_wait_for(&mailbox, wanted < left ? wanted : left, vd_time_after_ms(WATCHDOG_MS)));
        left -= take(&mailbox);
    }
    join_team(&producers);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void post_in_round(struct vd_mailbox *mailbox, struct vd_node *node, unsigned int poster, unsigned int round)
{
    if (poster == 0 && round % 2 == 0)
        vd_mailbox_post_urgent(mailbox, node);
    else
        vd_mailbox_post(mailbox, node);
}

static void wait_for_posters(struct vd_mailbox *mailbox, unsigned int count)
{
    for (unsigned int left = count; left > 0; left -= take(mailbox))
        assert_true(vd_mailbox_wait_for(mailbox, left, vd_time_after_ms(WATCHDOG_MS)));
}

static void destroying_after_counting_leaves_no_poster_with_freed_memory(void **state)
{
    destroy_many_mailboxes(3, post_in_round, wait_for_posters, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bell_rings_when_all_are_there),
        cmocka_unit_test(what_comes_above_the_number_does_not_ring),
        cmocka_unit_test(what_was_counted_is_taken_oldest_first),
        cmocka_unit_test(too_few_by_the_deadline_are_taken_and_nothing_is_owed),
        cmocka_unit_test(after_counting_the_first_post_rings_again),
        cmocka_unit_test(what_is_there_already_is_not_waited_for),
        cmocka_unit_test(waiting_for_one_does_not_count),
        cmocka_unit_test(the_first_that_is_urgent_rings),
        cmocka_unit_test(the_last_rings_though_an_urgent_one_has),
        cmocka_unit_test(without_counting_an_urgent_post_is_one_like_others),
        cmocka_unit_test(the_next_counting_awaits_who_is_yet_to_be_counted),
        cmocka_unit_test(who_is_counted_late_does_not_ring_when_nothing_is_counted),
        cmocka_unit_test(destroying_waits_for_a_poster_that_is_yet_to_be_counted),
        cmocka_unit_test(waiting_for_several_never_waits_for_ever),
        cmocka_unit_test(destroying_after_counting_leaves_no_poster_with_freed_memory),
    };

    start_watchdog();
    return RUN_WITH_BOTH_BELLS(tests);
}
