/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts the calls of each function, and makes them fail or wait as the test has scripted. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

struct function {
    const char *name;
    unsigned int flags;
    unsigned int calls;
    /* Every call fails with this error, unless it is 0. */
    int always;
    bool signals_seen;
    bool blocked;
    /* Each unblocking raises this, so that the calls that wait go on even if the function is blocked again by then. */
    unsigned int unblocked;
    unsigned int waiting;
};

struct fault {
    SLIST_ENTRY(fault) next;
    const struct function *function;
    unsigned int countdown;
    int error;
    enum fake_when when;
};

static struct function functions[FAKE_FUNCTION_COUNT] = {
#define FUNCTION(name, flags) [FN_##name] = {#name, flags, 0, 0, false, false, 0, 0},
    FAKE_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

static SLIST_HEAD(, fault) faults = SLIST_HEAD_INITIALIZER(faults);
/* This is the fault of fake_fail_nth; nth_hit names the function that it struck. */
static struct fault nth;
static const char *nth_hit;
static enum fake_when mode;

static _Thread_local const struct function *current;
static _Thread_local unsigned int callbacks;

static struct function *find(const char *name)
{
    for (size_t i = 0; i < FAKE_FUNCTION_COUNT; i++) {
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    }
    fake_abort("there is no function %s here", name);
}

const char *fake_function_name(void)
{
    return current ? current->name : NULL;
}

/* Failing. */

static bool strikes(struct fault *fault)
{
    return fault->countdown > 0 && --fault->countdown == 0;
}

static int nth_error(const struct function *function, enum fake_when *when)
{
    if (!(function->flags & FAKE_FALLIBLE) || !strikes(&nth))
        return 0;
    nth_hit = function->name;
    *when = nth.when;
    return nth.error;
}

static void remove_fault(struct fault *fault)
{
    SLIST_REMOVE(&faults, fault, fault, next);
    free(fault);
}

/* Each fault of a function counts every call, so that it strikes at the call it was meant for. */
static int call_error(const struct function *function, enum fake_when *when)
{
    struct fault *fault, *next;
    int error = 0;

    for (fault = SLIST_FIRST(&faults); fault; fault = next) {
        next = SLIST_NEXT(fault, next);
        if (fault->function != function || !strikes(fault))
            continue;
        error = fault->error;
        *when = fault->when;
        remove_fault(fault);
    }
    return error;
}

static int scripted_error(const struct function *function, enum fake_when *when)
{
    int error = call_error(function, when);
    int other = nth_error(function, when);

    if (error == 0)
        error = other;
    if (error == 0 && function->always) {
        error = function->always;
        *when = mode;
    }
    return -error;
}

static const struct function *find_fallible(const char *name, int error)
{
    struct function *function = find(name);

    if (!(function->flags & FAKE_FALLIBLE))
        fake_abort("%s has no way to fail", name);
    if (error <= 0)
        fake_abort("%d is not a positive errno value", error);
    return function;
}

void fake_fail_mode(enum fake_when when)
{
    fake_lock();
    mode = when;
    fake_unlock();
}

void fake_fail_call(const char *function, unsigned int n, int error)
{
    struct fault *fault = fake_alloc(sizeof *fault);

    fake_lock();
    if (n == 0)
        fake_abort("fake_fail_call: calls are counted from 1");
    *fault = (struct fault){.function = find_fallible(function, error), .countdown = n, .error = error, .when = mode};
    SLIST_INSERT_HEAD(&faults, fault, next);
    fake_unlock();
}

void fake_fail_always(const char *function, int error)
{
    fake_lock();
    if (error != 0)
        find_fallible(function, error);
    find(function)->always = error;
    fake_unlock();
}

void fake_fail_nth(unsigned int n, int error)
{
    fake_lock();
    if (n > 0 && error <= 0)
        fake_abort("%d is not a positive errno value", error);
    nth = (struct fault){.countdown = n, .error = error, .when = mode};
    nth_hit = NULL;
    fake_unlock();
}

const char *fake_failed_name(void)
{
    const char *name;

    fake_lock();
    name = nth_hit;
    fake_unlock();
    return name;
}

bool fake_failed(void)
{
    return fake_failed_name();
}

/* Counting. */

static unsigned int count_fallible(void)
{
    unsigned int calls = 0;

    for (size_t i = 0; i < FAKE_FUNCTION_COUNT; i++) {
        if (functions[i].flags & FAKE_FALLIBLE)
            calls += functions[i].calls;
    }
    return calls;
}

unsigned int fake_calls(const char *function)
{
    unsigned int calls;

    fake_lock();
    calls = function ? find(function)->calls : count_fallible();
    fake_unlock();
    return calls;
}

/* Signals that an error in the code raises do not count: blocking them keeps none away. */
static bool can_be_hit_by_signals(void)
{
    static const int harmless[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        sigaddset(&blocked, harmless[i]);
    for (int i = 1; i < 32; i++) {
        if (!sigismember(&blocked, i))
            return true;
    }
    return false;
}

bool fake_signals_blocked(const char *function)
{
    bool blocked;

    fake_lock();
    blocked = !find(function)->signals_seen;
    fake_unlock();
    return blocked;
}

/* Blocking. */

static void wait_unblocked(struct function *function)
{
    unsigned int unblocked = function->unblocked;

    function->waiting++;
    fake_changed();
    while (function->blocked && function->unblocked == unblocked)
        fake_wait();
    function->waiting--;
    fake_changed();
}

void fake_block_call(const char *function)
{
    fake_lock();
    find(function)->blocked = true;
    fake_unlock();
}

void fake_unblock_call(const char *function)
{
    fake_lock();
    find(function)->blocked = false;
    find(function)->unblocked++;
    fake_changed();
    fake_unlock();
}

static bool is_waiting(const void *argument)
{
    const struct function *function = argument;

    return function->waiting > 0;
}

bool fake_wait_blocked(const char *function)
{
    bool waits;

    fake_lock();
    waits = fake_wait_for(is_waiting, find(function));
    fake_unlock();
    return waits;
}

size_t fake_blocked_calls(void)
{
    size_t count = 0;

    for (size_t i = 0; i < FAKE_FUNCTION_COUNT; i++)
        count += functions[i].waiting;
    return count;
}

static bool is_aio(const struct function *function)
{
    return strncmp(function->name, "rbd_aio_", strlen("rbd_aio_")) == 0;
}

static void set_all_blocked(bool blocked)
{
    fake_lock();
    for (size_t i = 0; i < FAKE_FUNCTION_COUNT; i++)
        functions[i].blocked = blocked && !is_aio(&functions[i]);
    fake_changed();
    fake_unlock();
}

void fake_block_calls(void)
{
    set_all_blocked(true);
}

void fake_unblock_calls(void)
{
    set_all_blocked(false);
}

void fake_step_calls(void)
{
    fake_lock();
    for (size_t i = 0; i < FAKE_FUNCTION_COUNT; i++)
        functions[i].unblocked++;
    fake_changed();
    fake_unlock();
}

size_t fake_waiting_calls(void)
{
    size_t count;

    fake_lock();
    count = fake_blocked_calls();
    fake_unlock();
    return count;
}

/* Callbacks. */

void fake_progress(librbd_progress_fn_t progress, void *argument, uint64_t done, uint64_t total)
{
    if (!progress)
        fake_abort("there is progress to tell, and the progress function is NULL");
    fake_unlock();
    progress(done, total, argument);
    fake_lock();
}

void fake_progress_over(librbd_progress_fn_t progress, void *argument, uint64_t objects)
{
    if (objects == 0)
        return;
    fake_progress(progress, argument, 0, objects);
    fake_progress(progress, argument, objects / 2, objects);
}

void fake_callback_begins(void)
{
    /* Otherwise a trap inside the callback would name a function that returned long ago. */
    current = NULL;
    callbacks++;
}

void fake_callback_ends(void)
{
    callbacks--;
}

bool fake_in_callback(void)
{
    return callbacks > 0;
}

/* Entering and leaving. */

static int enter(enum fake_function id, enum fake_when *when)
{
    struct function *function = &functions[id];
    bool signals = function->flags & FAKE_BLOCKING && can_be_hit_by_signals();

    current = function;
    if (function->flags & FAKE_BLOCKING && callbacks > 0)
        fake_abort("called inside a callback, where it can deadlock");
    fake_lock();
    function->calls++;
    function->signals_seen |= signals;
    if (function->blocked)
        wait_unblocked(function);
    return scripted_error(function, when);
}

int fake_enter(enum fake_function function)
{
    enum fake_when when;

    return enter(function, &when);
}

int fake_enter_aio(enum fake_function function, int *at_completion)
{
    enum fake_when when = FAKE_AT_SUBMISSION;
    int error = enter(function, &when);

    *at_completion = 0;
    if (when == FAKE_AT_SUBMISSION)
        return error;
    *at_completion = error;
    return 0;
}

int fake_leave(int result)
{
    fake_unlock();
    current = NULL;
    return result;
}

void fake_script_reset(void)
{
    while (!SLIST_EMPTY(&faults))
        remove_fault(SLIST_FIRST(&faults));
    for (size_t i = 0; i < FAKE_FUNCTION_COUNT; i++)
        functions[i] = (struct function){.name = functions[i].name, .flags = functions[i].flags};
    nth = (struct fault){.countdown = 0};
    nth_hit = NULL;
    mode = FAKE_AT_SUBMISSION;
}
