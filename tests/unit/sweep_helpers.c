/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep_helpers.h"

#include <errno.h>
#include <string.h>

#include "wrap.h"

void note(struct outcome *outcome, int r, const struct vdisk_error *err)
{
    if (err) {
        assert_int_equal(err->code, r);
        assert_int_equal(err->message[0] != '\0', r < 0);
    }
    if (r < 0 && outcome->failure == 0)
        outcome->failure = r;
}

void note_submission(struct outcome *outcome, int r)
{
    outcome->accepted += r == 0;
    note(outcome, r, NULL);
}

/* What a sweep makes fail. */
struct fault {
    enum { NOTHING, CALL, ALLOCATION, ALLOCATION_ANYWHERE } kind;
    enum fake_when when;
    int error;
};

static void arm(const struct fault *fault, unsigned int n)
{
    switch (fault->kind) {
    case CALL:
        fake_fail_mode(fault->when);
        fake_fail_nth(n, fault->error);
        break;
    case ALLOCATION:
        wrap_fail_nth(n);
        break;
    case ALLOCATION_ANYWHERE:
        wrap_fail_nth_anywhere(n);
        break;
    case NOTHING:
        break;
    }
}

/* Returns the function that has failed, or NULL. */
static const char *disarm(const struct fault *fault)
{
    const char *failed;

    if (fault->kind != CALL)
        return wrap_disarm() ? wrap_failed_name() : NULL;
    failed = fake_failed_name();
    fake_fail_nth(0, 0);
    return failed;
}

/* Returns the function that has failed, or NULL. */
static const char *run_once(struct outcome *outcome, const struct scenario *scenario, const struct fault *fault,
                            unsigned int n)
{
    const char *failed;

    set_up_cluster(NULL);
    if (scenario->set_up)
        scenario->set_up(scenario->context);
    *outcome = (struct outcome){0};
    arm(fault, n);
    scenario->run(outcome, scenario->context);
    failed = disarm(fault);
    if (scenario->tear_down)
        scenario->tear_down(scenario->context);
    return failed;
}

/* `n` and `failed` tell in the messages which run it was. */
static void check_and_reset(const struct outcome *outcome, unsigned int n, const char *failed)
{
    char leaks[1024];

    if (outcome->completed != outcome->accepted)
        fail_msg("failure %u, in %s: of %u requests, %u completed", n, failed, outcome->accepted, outcome->completed);
    if (fake_leaks(leaks, sizeof leaks) > 0)
        fail_msg("failure %u, in %s: left behind: %s", n, failed, leaks);
    fake_reset();
}

struct outcome run_without_failure(const struct scenario *scenario)
{
    static const struct fault nothing = {.kind = NOTHING};
    struct outcome outcome;

    run_once(&outcome, scenario, &nothing, 0);
    assert_int_equal(outcome.failure, 0);
    check_and_reset(&outcome, 0, "nothing");
    return outcome;
}

static bool is_harmless(const struct harmless *harmless, const char *function, int error)
{
    for (; harmless->function; harmless++) {
        if (strcmp(function, harmless->function) == 0 && (!harmless->error || harmless->error == error))
            return true;
    }
    return false;
}

/* The only error that a caller may see when this has failed; 0: any. */
static int error_of(const struct fault *fault, const char *function)
{
    if (fault->kind == CALL)
        return 0;
    if (strcmp(function, "pthread_create") == 0)
        return -EAGAIN;
    return strcmp(function, "pipe2") == 0 ? -EMFILE : -ENOMEM;
}

static unsigned int sweep_faults(const struct scenario *scenario, const struct fault *fault,
                                 const struct harmless *harmless)
{
    for (unsigned int n = 1;; n++) {
        struct outcome outcome;
        const char *failed = run_once(&outcome, scenario, fault, n);

        if (!failed) {
            assert_int_equal(outcome.failure, 0);
            check_and_reset(&outcome, n, "nothing");
            return n - 1;
        }
        if (outcome.failure == 0 && !is_harmless(harmless, failed, fault->error))
            fail_msg("failure %u, in %s: the caller never learned of it", n, failed);
        if (outcome.failure < 0 && error_of(fault, failed) != 0 && outcome.failure != error_of(fault, failed))
            fail_msg("failure %u, in %s: the caller saw %d", n, failed, outcome.failure);
        check_and_reset(&outcome, n, failed);
    }
}

unsigned int sweep_calls(const struct scenario *scenario, enum fake_when when, int error,
                         const struct harmless *harmless)
{
    return sweep_faults(scenario, &(struct fault){CALL, when, error}, harmless);
}

unsigned int sweep_allocations(const struct scenario *scenario, const struct harmless *harmless)
{
    return sweep_faults(scenario, &(struct fault){.kind = ALLOCATION}, harmless);
}

unsigned int sweep_allocations_anywhere(const struct scenario *scenario, const struct harmless *harmless)
{
    return sweep_faults(scenario, &(struct fault){.kind = ALLOCATION_ANYWHERE}, harmless);
}
