/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mailbox of an owner that waits for several posts, with both kinds of bells. Asserts stand on the owner's thread
 * only, which is the main one.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "thread/mailbox.h"

/* How long a wake-up may take before it counts as lost. */
#define WATCHDOG_MS 30000

static void init(struct vd_mailbox *mailbox, void **state)
{
    const enum vd_doorbell_kind *kind = *state;

    assert_int_equal(vd_mailbox_init(mailbox, *kind), 0);
}

/* How often the bell has rung and was not heard. */
static int rings(struct vd_mailbox *mailbox)
{
    int count = -1;

    if (mailbox->bell.kind == VD_DOORBELL_PIPE)
        assert_int_equal(ioctl(mailbox->bell.read_fd, FIONREAD, &count), 0);
    else
        assert_int_equal(sem_getvalue(&mailbox->bell.semaphore, &count), 0);
    return count;
}

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
    assert_int_equal(mailbox->bell.owed, mailbox->bell.heard);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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
static void end_post(struct vd_mailbox *mailbox)
{
    /* Of `missing`, one is 2, and the lowest bit is set while the mailbox counts. */
    if (atomic_fetch_sub(&mailbox->missing, 2) == 3)
        vd_doorbell_ring(&mailbox->bell);
}

static void the_next_counting_awaits_who_is_yet_to_be_counted(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[3];

    init(&mailbox, state);
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

    init(&mailbox, state);
    have_it_count(&mailbox, 2);
    begin_post(&mailbox, &node);
    assert_int_equal(take(&mailbox), 1);
    end_post(&mailbox);
    assert_int_equal(rings(&mailbox), 0);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

struct latecomer {
    pthread_t thread;
    struct vd_mailbox *mailbox;
    bool counted;
};

static void *end_late(void *arg)
{
    struct latecomer *latecomer = arg;

    usleep(20000);
    /* Plain: destroying must also order this before what follows it. */
    latecomer->counted = true;
    end_post(latecomer->mailbox);
    return NULL;
}

static void destroying_waits_for_a_poster_that_is_yet_to_be_counted(void **state)
{
    static struct vd_mailbox mailbox;
    static struct latecomer latecomer;
    struct vd_node node;

    init(&mailbox, state);
    have_it_count(&mailbox, 2);
    begin_post(&mailbox, &node);
    latecomer = (struct latecomer){.mailbox = &mailbox};
    assert_int_equal(pthread_create(&latecomer.thread, NULL, end_late, &latecomer), 0);
    assert_int_equal(take(&mailbox), 1);
    vd_mailbox_destroy(&mailbox);
    assert_true(latecomer.counted);
    pthread_join(latecomer.thread, NULL);
}

/* Many threads. */

#define PRODUCERS 4
#define POSTS 30000

struct producer {
    pthread_t thread;
    struct vd_mailbox *mailbox;
    unsigned int id;
};

static struct vd_node items[PRODUCERS][POSTS];

static void *produce(void *arg)
{
    struct producer *producer = arg;

    for (unsigned int i = 0; i < POSTS; i++) {
        struct vd_node *node = &items[producer->id][i];

        if (producer->id == 0 && i % 64 == 0)
            vd_mailbox_post_urgent(producer->mailbox, node);
        else
            vd_mailbox_post(producer->mailbox, node);
    }
    return NULL;
}

static void waiting_for_several_never_waits_for_ever(void **state)
{
    /* Static, so that a failed assert does not pull it away from under the producers. */
    static struct vd_mailbox mailbox;
    static struct producer producers[PRODUCERS];
    unsigned int left = PRODUCERS * POSTS;

    init(&mailbox, state);
    for (unsigned int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.mailbox = &mailbox, .id = i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (unsigned int turn = 0; left > 0; turn++) {
        unsigned int wanted = 1 + turn * 7 % 40;

        /* Now and then it does not sleep, so that taking meets posts. */
        if (turn % 3 == 0)
            vd_mailbox_wait_for(&mailbox, wanted < left ? wanted : left, vd_now());
        else
            assert_true(vd_mailbox_wait_for(&mailbox, wanted < left ? wanted : left, vd_time_after_ms(WATCHDOG_MS)));
        left -= take(&mailbox);
    }
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    assert_settled(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

#define ROUNDS 2000
#define POSTERS 3

/* Posters that outlive many mailboxes: each round they post one node each to the current one. */
static struct {
    pthread_t threads[POSTERS];
    struct vd_node nodes[POSTERS];
    sem_t go[POSTERS];
    struct vd_mailbox *mailbox;
} posters;

static void *post_each_round(void *arg)
{
    uintptr_t id = (uintptr_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&posters.go[id]);
        if (id == 0 && i % 2 == 0)
            vd_mailbox_post_urgent(posters.mailbox, &posters.nodes[id]);
        else
            vd_mailbox_post(posters.mailbox, &posters.nodes[id]);
    }
    return NULL;
}

static void wait_for_posters(struct vd_mailbox *mailbox)
{
    for (unsigned int left = POSTERS; left > 0; left -= take(mailbox))
        assert_true(vd_mailbox_wait_for(mailbox, left, vd_time_after_ms(WATCHDOG_MS)));
}

static void destroying_after_counting_leaves_no_poster_with_freed_memory(void **state)
{
    for (uintptr_t id = 0; id < POSTERS; id++) {
        sem_init(&posters.go[id], 0, 0);
        assert_int_equal(pthread_create(&posters.threads[id], NULL, post_each_round, (void *)id), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        struct vd_mailbox *mailbox = malloc(sizeof *mailbox);

        assert_non_null(mailbox);
        init(mailbox, state);
        posters.mailbox = mailbox;
        for (size_t id = 0; id < POSTERS; id++)
            sem_post(&posters.go[id]);
        wait_for_posters(mailbox);
        vd_mailbox_destroy(mailbox);
        /* Where no sanitizer watches, whoever is still at it shall stumble. */
        memset(mailbox, 0xff, sizeof *mailbox);
        free(mailbox);
    }
    for (size_t id = 0; id < POSTERS; id++) {
        pthread_join(posters.threads[id], NULL);
        sem_destroy(&posters.go[id]);
    }
}

/* The kind of bell that the tests of a group are run with. */

static int with_a_pipe(void **state)
{
    static enum vd_doorbell_kind kind = VD_DOORBELL_PIPE;

    *state = &kind;
    return 0;
}

static int with_a_semaphore(void **state)
{
    static enum vd_doorbell_kind kind = VD_DOORBELL_SEMAPHORE;

    *state = &kind;
    return 0;
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
    int failed;

    /* A hang is a failure too. */
    alarm(2 * WATCHDOG_MS / 1000);
    failed = cmocka_run_group_tests(tests, with_a_pipe, NULL);
    failed += cmocka_run_group_tests(tests, with_a_semaphore, NULL);
    return failed;
}
