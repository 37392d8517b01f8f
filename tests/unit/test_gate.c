/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gate. Asserts stand on the main thread only; the others count what they see.
 */
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
#include <unistd.h>

#include <cmocka.h>

#include "thread/gate.h"

#define WATCHDOG_S 60

/* One thread. */

static void an_empty_gate_tells_its_closer_that_nobody_is_inside(void **state)
{
    struct vd_gate gate = {0};

    (void)state;
    assert_true(vd_gate_close(&gate));
}

static void nobody_enters_a_closed_gate(void **state)
{
    struct vd_gate gate = {0};

    (void)state;
    vd_gate_close(&gate);
    assert_false(vd_gate_enter(&gate));
    assert_false(vd_gate_enter(&gate));
}

static void leaving_an_open_gate_is_never_the_last_leaving(void **state)
{
    struct vd_gate gate = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(vd_gate_enter(&gate));
        assert_false(vd_gate_leave(&gate));
    }
    assert_true(vd_gate_close(&gate));
}

static void the_last_to_leave_a_closed_gate_is_told(void **state)
{
    struct vd_gate gate = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(vd_gate_enter(&gate));
    assert_false(vd_gate_close(&gate));
    assert_false(vd_gate_leave(&gate));
    assert_false(vd_gate_leave(&gate));
    assert_true(vd_gate_leave(&gate));
}

static void a_refused_enter_counts_for_nothing(void **state)
{
    struct vd_gate gate = {0};

    (void)state;
    assert_true(vd_gate_enter(&gate));
    assert_false(vd_gate_close(&gate));
    assert_false(vd_gate_enter(&gate));
    assert_true(vd_gate_leave(&gate));
}

/* Many threads. */

#define THREADS 4
#define ROUNDS 1500

struct visitor {
    pthread_t thread;
    sem_t go, done;
    /* Of one round: visits made, times told to be the last, and visits to what was torn down. Plain. */
    unsigned int visits, last, trespasses;
    /* The successor that it found behind the closed gate. */
    unsigned int found;
};

static struct visitor visitors[THREADS];
static struct vd_gate *gate;
static bool gate_is_allocated;
/* What the gate guards: visitors look, whoever is the last one out tears it down. Plain, so that TSan watches. */
static bool torn_down;
static unsigned int visits_seen_by_last;
/* Written by the closer before closing, for those who find the gate closed. Plain too. */
static unsigned int successor;

static void tear_down(void)
{
    torn_down = true;
    /* As the last one out may: nobody touches the gate after leaving or closing it. */
    if (gate_is_allocated)
        free(gate);
    visits_seen_by_last = 0;
    for (size_t i = 0; i < THREADS; i++)
        visits_seen_by_last += visitors[i].visits;
}

static void visit(struct visitor *visitor)
{
    if (torn_down)
        visitor->trespasses++;
    visitor->visits++;
    if (vd_gate_leave(gate)) {
        visitor->last++;
        tear_down();
    }
}

static void come_and_go(struct visitor *visitor)
{
    while (vd_gate_enter(gate)) {
        visit(visitor);
        /* So that the closer gets a turn where there are fewer processors than threads. */
        if (visitor->visits % 64 == 0)
            sched_yield();
    }
}

static void come_until_refused(struct visitor *visitor)
{
    while (vd_gate_enter(gate)) {
        visit(visitor);
        sched_yield();
    }
    visitor->found = successor;
}

static atomic_bool knocking, heard_enough;

static void knock(struct visitor *visitor)
{
    for (int i = 1; !atomic_load(&heard_enough); i++) {
        visitor->trespasses += vd_gate_enter(gate);
        atomic_store(&knocking, true);
        if (i % 64 == 0)
            sched_yield();
    }
}

static void leave_once(struct visitor *visitor)
{
    visit(visitor);
}

static void (*behave)(struct visitor *visitor);

static void *visitor_main(void *arg)
{
    struct visitor *visitor = arg;

    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&visitor->go);
        behave(visitor);
        sem_post(&visitor->done);
    }
    return NULL;
}

static void start_visitors(void (*behaviour)(struct visitor *visitor))
{
    behave = behaviour;
    for (size_t i = 0; i < THREADS; i++) {
        sem_init(&visitors[i].go, 0, 0);
        sem_init(&visitors[i].done, 0, 0);
        assert_int_equal(pthread_create(&visitors[i].thread, NULL, visitor_main, &visitors[i]), 0);
    }
}

static void join_visitors(void)
{
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(visitors[i].thread, NULL);
        sem_destroy(&visitors[i].go);
        sem_destroy(&visitors[i].done);
    }
}

static void begin_round(void)
{
    torn_down = false;
    for (size_t i = 0; i < THREADS; i++)
        visitors[i].visits = visitors[i].last = visitors[i].trespasses = 0;
    for (size_t i = 0; i < THREADS; i++)
        sem_post(&visitors[i].go);
}

/* The closer's part; returns how many parties were told that they are the last, once all are back. */
static unsigned int end_round(void)
{
    unsigned int last = 0;

    successor++;
    if (vd_gate_close(gate)) {
        last++;
        tear_down();
    }
    for (size_t i = 0; i < THREADS; i++) {
        sem_wait(&visitors[i].done);
        last += visitors[i].last;
    }
    return last;
}

static void check_round(unsigned int last)
{
    unsigned int visits = 0;

    assert_int_equal(last, 1);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(visitors[i].trespasses, 0);
        visits += visitors[i].visits;
    }
    /* The last one saw what all others did inside. */
    assert_int_equal(visits_seen_by_last, visits);
}

static void check_found(void)
{
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(visitors[i].found, successor);
}

static void close_while_all_come_and_go(void (*behaviour)(struct visitor *visitor), void (*check)(void))
{
    static struct vd_gate open;

    gate = &open;
    gate_is_allocated = false;
    start_visitors(behaviour);
    for (int i = 0; i < ROUNDS; i++) {
        memset(&open, 0, sizeof open);
        begin_round();
        /* Different lengths of coming and going before the closing. */
        for (int n = 0; n < i % 16; n++)
            sched_yield();
        check_round(end_round());
        if (check)
            check();
    }
    join_visitors();
}

static void exactly_one_party_is_the_last_out_while_all_come_and_go(void **state)
{
    (void)state;
    close_while_all_come_and_go(come_and_go, NULL);
}

static void whoever_is_refused_sees_what_came_before_the_closing(void **state)
{
    (void)state;
    close_while_all_come_and_go(come_until_refused, check_found);
}

static void enter_for_all(void)
{
    gate = calloc(1, sizeof *gate);
    assert_non_null(gate);
    for (size_t i = 0; i < THREADS; i++)
        assert_true(vd_gate_enter(gate));
}

static void exactly_one_party_is_the_last_out_when_all_leave_at_once(void **state)
{
    (void)state;
    gate_is_allocated = true;
    start_visitors(leave_once);
    for (int i = 0; i < ROUNDS; i++) {
        enter_for_all();
        begin_round();
        for (int n = 0; n < i % 8; n++)
            sched_yield();
        check_round(end_round());
        assert_int_equal(visits_seen_by_last, THREADS);
    }
    join_visitors();
}

/* One is inside of a closed gate at which the others knock. Returns whether it was told that it is the last out. */
static bool leave_amid_knocking(void)
{
    bool told;

    assert_true(vd_gate_enter(gate));
    assert_false(vd_gate_close(gate));
    atomic_store(&knocking, false);
    atomic_store(&heard_enough, false);
    begin_round();
    while (!atomic_load(&knocking))
        sched_yield();
    told = vd_gate_leave(gate);
    atomic_store(&heard_enough, true);
    for (size_t i = 0; i < THREADS; i++)
        sem_wait(&visitors[i].done);
    return told;
}

static void knocking_at_a_closed_gate_is_not_taken_for_being_inside(void **state)
{
    static struct vd_gate closed;

    (void)state;
    gate = &closed;
    start_visitors(knock);
    for (int i = 0; i < ROUNDS; i++) {
        memset(&closed, 0, sizeof closed);
        assert_true(leave_amid_knocking());
        for (size_t id = 0; id < THREADS; id++)
            assert_int_equal(visitors[id].trespasses, 0);
    }
    join_visitors();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_gate_tells_its_closer_that_nobody_is_inside),
        cmocka_unit_test(nobody_enters_a_closed_gate),
        cmocka_unit_test(leaving_an_open_gate_is_never_the_last_leaving),
        cmocka_unit_test(the_last_to_leave_a_closed_gate_is_told),
        cmocka_unit_test(a_refused_enter_counts_for_nothing),
        cmocka_unit_test(exactly_one_party_is_the_last_out_while_all_come_and_go),
        cmocka_unit_test(whoever_is_refused_sees_what_came_before_the_closing),
        cmocka_unit_test(exactly_one_party_is_the_last_out_when_all_leave_at_once),
        cmocka_unit_test(knocking_at_a_closed_gate_is_not_taken_for_being_inside),
    };

    /* A hang is a failure too. */
    alarm(WATCHDOG_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
