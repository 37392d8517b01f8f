/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mailbox, with both kinds of bells. Asserts stand on the owner's thread only, which is the main one.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
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
#include "base/container.h"
#include "thread/mailbox.h"
#include "wrap.h"

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

static bool is_ringing(struct vd_mailbox *mailbox)
{
    return vd_mailbox_wait(mailbox, vd_now());
}

/* One thread. */

static void taking_from_an_empty_mailbox_gives_nothing(void **state)
{
    struct vd_mailbox mailbox;

    init(&mailbox, state);
    assert_null(vd_mailbox_take(&mailbox));
    assert_null(vd_mailbox_take(&mailbox));
    assert_int_equal(rings(&mailbox), 0);
    vd_mailbox_destroy(&mailbox);
}

static void nodes_are_taken_oldest_first(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node nodes[5], *node;

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
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

    init(&mailbox, state);
    vd_mailbox_post(&mailbox, &node);
    vd_mailbox_take(&mailbox);
    assert_int_equal(mailbox.bell.owed, 1);
    assert_int_equal(mailbox.bell.heard, 1);
    vd_mailbox_destroy(&mailbox);
}

static void a_reminder_rings_though_nothing_is_there(void **state)
{
    struct vd_mailbox mailbox;

    init(&mailbox, state);
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

    init(&mailbox, state);
    vd_mailbox_remind(&mailbox);
    vd_mailbox_destroy(&mailbox);
}

static void a_post_after_a_reminder_rings_too(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;

    init(&mailbox, state);
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

    init(&mailbox, state);
    assert_false(vd_mailbox_wait(&mailbox, deadline));
    assert_true(vd_now() >= deadline);
    vd_mailbox_destroy(&mailbox);
}

static void waiting_returns_at_once_when_something_is_there(void **state)
{
    struct vd_mailbox mailbox;
    struct vd_node node;
    const int64_t deadlines[] = {0, vd_now(), vd_time_after_ms(WATCHDOG_MS), VD_NEVER};

    init(&mailbox, state);
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

    init(&mailbox, state);
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

struct producer {
    pthread_t thread;
    struct vd_mailbox *mailbox;
    unsigned int id;
};

static void *produce(void *arg)
{
    struct producer *producer = arg;

    for (unsigned int i = 0; i < POSTS; i++) {
        struct item *item = &items[producer->id][i];

        /* Written here and read by the owner: posting must carry it over. */
        item->producer = producer->id;
        item->number = i;
        vd_mailbox_post(producer->mailbox, &item->node);
    }
    return NULL;
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

static void start_producers(struct producer *producers, struct vd_mailbox *mailbox)
{
    for (unsigned int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.mailbox = mailbox, .id = i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
}

static void nothing_posted_by_many_threads_is_lost_or_out_of_order(void **state)
{
    /* Static, so that a failed assert does not pull it away from under the producers. */
    static struct vd_mailbox mailbox;
    static struct producer producers[PRODUCERS];
    unsigned int expected[PRODUCERS] = {0}, total = 0;

    init(&mailbox, state);
    start_producers(producers, &mailbox);
    for (unsigned int turn = 1; total < PRODUCERS * POSTS; turn++) {
        /* Half the time it looks without having been woken, so that more posts meet the taking. */
        if (turn % 2 == 0)
            assert_true(vd_mailbox_wait(&mailbox, vd_time_after_ms(WATCHDOG_MS)));
        /* Now and then it lets them gather. */
        if (turn % 512 == 0)
            usleep(200);
        total += consume(&mailbox, expected);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
        assert_int_equal(expected[i], POSTS);
    }

    /* All have rung by now: exactly as often as the owner reckons. */
    assert_null(vd_mailbox_take(&mailbox));
    assert_int_equal(mailbox.bell.heard, mailbox.bell.owed);
    vd_mailbox_destroy(&mailbox);
}

#define PARTNERS 2
#define EXCHANGES 8000

struct partner {
    pthread_t thread;
    struct vd_mailbox *mailbox;
    struct vd_node node;
    atomic_int taken;
};

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

static void *post_one_by_one(void *arg)
{
    struct partner *partner = arg;

    for (int i = 1; i <= EXCHANGES; i++) {
        vd_mailbox_post(partner->mailbox, &partner->node);
        wait_until_taken(partner, i);
    }
    return NULL;
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
    static struct partner partners[PARTNERS];
    int total = 0;

    init(&mailbox, state);
    for (size_t i = 0; i < PARTNERS; i++) {
        partners[i].mailbox = &mailbox;
        atomic_store(&partners[i].taken, 0);
        assert_int_equal(pthread_create(&partners[i].thread, NULL, post_one_by_one, &partners[i]), 0);
    }
    while (total < PARTNERS * EXCHANGES)
        total += tell_taken(take_or_sleep(&mailbox, total % 4));
    for (size_t i = 0; i < PARTNERS; i++)
        pthread_join(partners[i].thread, NULL);
    vd_mailbox_destroy(&mailbox);
}

/* Destroying. */

struct latecomer {
    pthread_t thread;
    struct vd_mailbox *mailbox;
    bool rung;
};

static void *ring_late(void *arg)
{
    struct latecomer *latecomer = arg;

    usleep(20000);
    /* Plain: destroying must also order this before what follows it. */
    latecomer->rung = true;
    vd_doorbell_ring(&latecomer->mailbox->bell);
    return NULL;
}

/* Takes what the first half of a post has brought; a thread makes the second half while the mailbox is destroyed. */
static void destroy_before_the_ring(struct vd_mailbox *mailbox)
{
    static struct latecomer latecomer;
    struct vd_node node = {.next = NULL};

    latecomer = (struct latecomer){.mailbox = mailbox};
    atomic_store(&mailbox->newest, (uintptr_t)&node);
    assert_int_equal(pthread_create(&latecomer.thread, NULL, ring_late, &latecomer), 0);
    assert_ptr_equal(vd_mailbox_take(mailbox), &node);
    vd_mailbox_destroy(mailbox);
    assert_true(latecomer.rung);
    pthread_join(latecomer.thread, NULL);
}

static void destroying_waits_for_a_poster_that_has_yet_to_ring(void **state)
{
    static struct vd_mailbox mailbox;

    init(&mailbox, state);
    destroy_before_the_ring(&mailbox);
}

static void a_reminder_is_not_taken_for_the_ring_of_a_poster(void **state)
{
    static struct vd_mailbox mailbox;

    init(&mailbox, state);
    vd_mailbox_remind(&mailbox);
    destroy_before_the_ring(&mailbox);
}

#define ROUNDS 2000
#define POSTERS 2

/* Posters that outlive many mailboxes: each round they post one node each to the current one. */
struct posters {
    pthread_t threads[POSTERS];
    struct vd_node nodes[POSTERS];
    sem_t go[POSTERS];
    struct vd_mailbox *mailbox;
};

static struct posters posters;

static void *post_each_round(void *arg)
{
    uintptr_t id = (uintptr_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&posters.go[id]);
        vd_mailbox_post(posters.mailbox, &posters.nodes[id]);
    }
    return NULL;
}

static void start_posters(void)
{
    for (uintptr_t id = 0; id < POSTERS; id++) {
        sem_init(&posters.go[id], 0, 0);
        assert_int_equal(pthread_create(&posters.threads[id], NULL, post_each_round, (void *)id), 0);
    }
}

static void join_posters(void)
{
    for (size_t id = 0; id < POSTERS; id++) {
        pthread_join(posters.threads[id], NULL);
        sem_destroy(&posters.go[id]);
    }
}

/* Takes as soon as anything is there, since the ring, which comes after, is what is to be met. */
static void take_greedily(struct vd_mailbox *mailbox, unsigned int count)
{
    while (count > 0) {
        for (struct vd_node *node = vd_mailbox_take(mailbox); node; node = node->next)
            count--;
    }
}

/* Makes, uses and frees many mailboxes. `sleeps`: the owner waits, with a deadline, before it looks. */
static void destroy_many(bool sleeps, void **state)
{
    start_posters();
    for (int i = 0; i < ROUNDS; i++) {
        struct vd_mailbox *mailbox = malloc(sizeof *mailbox);

        assert_non_null(mailbox);
        init(mailbox, state);
        posters.mailbox = mailbox;
        for (size_t id = 0; id < POSTERS; id++)
            sem_post(&posters.go[id]);
        if (sleeps)
            assert_true(vd_mailbox_wait(mailbox, vd_time_after_ms(WATCHDOG_MS)));
        take_greedily(mailbox, POSTERS);
        vd_mailbox_destroy(mailbox);
        /* Where no sanitizer watches, whoever still rings shall stumble. */
        memset(mailbox, 0xff, sizeof *mailbox);
        free(mailbox);
    }
    join_posters();
}

static void destroying_at_once_leaves_no_poster_with_freed_memory(void **state)
{
    destroy_many(false, state);
}

static void destroying_after_a_timed_wait_leaves_no_poster_with_freed_memory(void **state)
{
    destroy_many(true, state);
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

    /* A hang is a failure too. */
    alarm(2 * WATCHDOG_MS / 1000);
    failed = cmocka_run_group_tests(of_both_kinds, with_a_pipe, NULL);
    failed += cmocka_run_group_tests(of_both_kinds, with_a_semaphore, NULL);
    failed += cmocka_run_group_tests(others, with_a_pipe, NULL);
    return failed;
}
