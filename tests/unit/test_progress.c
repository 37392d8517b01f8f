/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machinery of control operations, with kinds of the test's own: when run, deliver and clear are called, progress,
 * and cancelling.
 */
#include "disk_fixture.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/queue.h"
#include "ops/op.h"

#define HALF (VDISK_PROGRESS_WHOLE / 2)

/* An operation that reports what it is told to, and ends when it may. Static, as what jobs use must be. */
struct script {
    int result;
    bool waits;
    /* As vd_op_progress gets them; the list ends with a total of -1. */
    struct {
        uint64_t done;
        uint64_t total;
    } reports[8];
    /* Posted when the reports are made; and what to go on then. */
    sem_t reported, go;
    pthread_t runner, deliverer, clearer;
    atomic_uint ran, delivered, cleared;
    /* As the completion has it. */
    int delivered_result;
};

static struct script script;

struct scripted_op {
    struct vd_op op;
    struct script *script;
};

static struct script *script_of(const struct vd_op *op)
{
    return ((const struct scripted_op *)op)->script;
}

static void sleep_on(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        continue;
}

static int run_script(struct vd_op *op, struct vdisk_error *err)
{
    struct script *this = script_of(op);
    bool waits = this->waits;

    this->runner = pthread_self();
    for (size_t i = 0; i < 8 && this->reports[i].total != UINT64_MAX; i++)
        vd_op_progress(this->reports[i].done, this->reports[i].total, op);
    atomic_fetch_add(&this->ran, 1);
    sem_post(&this->reported);
    if (waits)
        sleep_on(&this->go);
    if (this->result < 0)
        return vd_error_set(err, this->result, "The script says so.");
    return 0;
}

static void deliver_script(struct vd_op *op, struct vdisk_completion *completion)
{
    struct script *this = script_of(op);

    this->deliverer = pthread_self();
    this->delivered_result = completion->result;
    completion->value = 17;
    atomic_fetch_add(&this->delivered, 1);
}

static void clear_script(struct vd_op *op)
{
    struct script *this = script_of(op);

    this->clearer = pthread_self();
    atomic_fetch_add(&this->cleared, 1);
}

static const struct vd_op_kind plain = {.run = run_script, .deliver = deliver_script, .destroy = clear_script};
static const struct vd_op_kind minimal = {.run = run_script};
static const struct vd_op_kind reporting = {.run = run_script, .destroy = clear_script, .has_progress = true};
static const struct vd_op_kind abandonable = {
    .run = run_script, .deliver = deliver_script, .destroy = clear_script, .can_be_abandoned = true};
static const struct vd_op_kind impatient = {
    .run = run_script, .deliver = deliver_script, .destroy = clear_script, .timeout_message = "It takes too long."};

static void reset_script(void)
{
    memset(&script, 0, sizeof script);
    script.reports[0].total = UINT64_MAX;
    sem_init(&script.reported, 0, 0);
    sem_init(&script.go, 0, 0);
}

static int set_up(void **state)
{
    reset_script();
    return set_up_disk(state);
}

static struct vd_op *new_op(const struct vd_op_kind *kind, struct vdisk *disk)
{
    struct scripted_op *op = vd_op_new(sizeof *op, kind, disk, NULL, NULL);

    assert_non_null(op);
    op->script = &script;
    return &op->op;
}

/* Of no disk, with a lane of its own on the disk's cluster. */
static struct vd_op *new_loner(const struct vd_op_kind *kind, const struct vdisk *disk)
{
    struct vd_cluster *cluster = vd_cluster_get(disk->connection->cluster);
    struct scripted_op *op = vd_op_new(sizeof *op, kind, NULL, cluster, NULL);

    assert_non_null(op);
    op->script = &script;
    return &op->op;
}

static void submit(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags)
{
    assert_int_equal(vd_op_submit(queue, op, flags, &script, NULL), 0);
}

/* Submits one that waits, and returns when its reports are made. */
static void start(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags)
{
    script.waits = true;
    submit(queue, op, flags);
    wait_until(sem_trywait(&script.reported) == 0);
}

static void go_on(void)
{
    sem_post(&script.go);
}

static struct vdisk_completion next(struct vdisk_queue *queue)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(queue, &done, 1, 1, 30000), 1);
    return done;
}

static bool is_readable(struct vdisk_queue *queue)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&ready, 1, 0) == 1;
}

/* Performed or submitted. */

static void check_called(unsigned int ran, unsigned int delivered, unsigned int cleared)
{
    assert_int_equal(script.ran, ran);
    assert_int_equal(script.delivered, delivered);
    assert_int_equal(script.cleared, cleared);
}

static void performing_does_it_all_here(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vd_op_perform(new_op(&plain, fixture->disk), &err), 0);
    check_called(1, 1, 1);
    assert_true(pthread_equal(script.runner, pthread_self()));
    script.result = -EIO;
    assert_int_equal(vd_op_perform(new_op(&plain, fixture->disk), &err), -EIO);
    assert_says(&err, -EIO, "script");
    check_called(2, 2, 2);
}

static void submitting_runs_it_elsewhere_and_delivers_it_here(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    start(fixture->queue, new_op(&plain, fixture->disk), 0);
    check_called(1, 0, 0);
    go_on();
    wait_until(is_readable(fixture->queue));
    check_called(1, 0, 0);
    done = next(fixture->queue);
    check_called(1, 1, 1);
    assert_int_equal(done.value, 17);
    assert_false(pthread_equal(script.runner, pthread_self()));
    assert_true(pthread_equal(script.deliverer, pthread_self()));
}

static void a_failure_is_delivered_and_cleared_with_its_sentence(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    script.result = -EIO;
    submit(fixture->queue, new_op(&plain, fixture->disk), 0);
    assert_int_equal(next(fixture->queue).result, -EIO);
    check_called(1, 1, 0);
    assert_int_equal(script.delivered_result, -EIO);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 0);
    check_called(1, 1, 1);
}

static void a_task_without_a_disk_has_a_lane_of_its_own(void **state)
{
    const struct fixture *fixture = *state;

    start(fixture->queue, new_op(&plain, fixture->disk), 0);
    script.waits = false;
    submit(fixture->queue, new_loner(&plain, fixture->disk), 0);
    assert_int_equal(next(fixture->queue).result, 0);
    check_called(2, 1, 1);
    go_on();
    assert_int_equal(next(fixture->queue).result, 0);
    assert_int_equal(vd_op_perform(new_loner(&plain, fixture->disk), NULL), 0);
    check_called(3, 3, 3);
}

static void deliver_and_clear_can_be_left_out(void **state)
{
    const struct fixture *fixture = *state;

    submit(fixture->queue, new_op(&minimal, fixture->disk), 0);
    assert_int_equal(next(fixture->queue).result, 0);
    assert_int_equal(vd_op_perform(new_op(&minimal, fixture->disk), NULL), 0);
    check_called(2, 0, 0);
}

static void what_is_refused_is_cleared_only(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vd_op_submit(NULL, new_op(&plain, fixture->disk), 0, NULL, NULL), -EINVAL);
    assert_int_equal(vd_op_submit(fixture->queue, new_op(&plain, fixture->disk), 1, NULL, NULL), -EINVAL);
    assert_int_equal(vd_op_submit(fixture->queue, new_loner(&plain, fixture->disk), 1, NULL, NULL), -EINVAL);
    check_called(0, 0, 3);
}

/* Progress. */

static void report(uint64_t done, uint64_t total)
{
    size_t i = 0;

    while (script.reports[i].total != UINT64_MAX)
        i++;
    script.reports[i].done = done;
    script.reports[i].total = total;
    script.reports[i + 1].total = UINT64_MAX;
}

static void check_progress(const struct vdisk_completion *completion, uint64_t value)
{
    assert_ptr_equal(completion->user_data, &script);
    assert_int_equal(completion->flags, VDISK_COMPLETION_MORE);
    assert_int_equal(completion->result, 0);
    assert_int_equal(completion->value, value);
    assert_null(completion->disk);
}

static void check_final(const struct vdisk_completion *completion)
{
    assert_ptr_equal(completion->user_data, &script);
    assert_int_equal(completion->flags, 0);
}

static void progress_comes_on_request_only(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    report(1, 2);
    submit(fixture->queue, new_op(&reporting, fixture->disk), 0);
    done = next(fixture->queue);
    check_final(&done);
    assert_int_equal(vd_op_perform(new_op(&reporting, fixture->disk), NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 0);
}

static void only_kinds_that_have_progress_take_the_flag(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vd_op_submit(fixture->queue, new_op(&plain, fixture->disk), VDISK_AIO_PROGRESS, NULL, &err),
                     -EINVAL);
    assert_says(&err, -EINVAL, "flags");
    check_called(0, 0, 1);
}

static void progress_comes_before_the_end(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    report(1, 2);
    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    wait_until(is_readable(fixture->queue));
    done = next(fixture->queue);
    check_progress(&done, HALF);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, NULL), 0);
    go_on();
    done = next(fixture->queue);
    check_final(&done);
}

static void what_is_not_reaped_adds_up(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[4];

    report(1, 4);
    report(2, 4);
    report(3, 4);
    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    go_on();
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 4), 2);
    check_progress(&done[0], 3 * VDISK_PROGRESS_WHOLE / 4);
    check_final(&done[1]);
}

static void it_also_does_with_an_entry_that_was_taken(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    report(1, 4);
    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    wait_until(is_readable(fixture->queue));
    /* Into the queue's list, and not reaped. */
    assert_int_equal(vdisk_queue_reap(fixture->queue, NULL, 0), 0);
    assert_true(is_readable(fixture->queue));
    vd_op_progress(2, 4, fixture->queue->op_entries->op);
    done = next(fixture->queue);
    check_progress(&done, HALF);
    assert_false(is_readable(fixture->queue));
    vd_op_progress(3, 4, fixture->queue->op_entries->op);
    done = next(fixture->queue);
    check_progress(&done, 3 * VDISK_PROGRESS_WHOLE / 4);
    go_on();
    done = next(fixture->queue);
    check_final(&done);
}

static void progress_is_told_as_a_share(void **state)
{
    static const struct {
        uint64_t done, total, value;
    } shares[] = {
        {0, 1, 0},
        {1, 1, VDISK_PROGRESS_WHOLE},
        {2, 1, VDISK_PROGRESS_WHOLE},
        {0, 0, VDISK_PROGRESS_WHOLE},
        {1, 3, 333333},
        {UINT64_C(1) << 62, UINT64_C(1) << 63, HALF},
    };
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        vd_op_progress(shares[i].done, shares[i].total, fixture->queue->op_entries->op);
        done = next(fixture->queue);
        check_progress(&done, shares[i].value);
    }
    go_on();
    done = next(fixture->queue);
    check_final(&done);
}

static void progress_needs_no_room(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_queue_options options;
    struct vdisk_completion done[3];
    struct vdisk_queue *queue;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = 1;
    assert_int_equal(vdisk_queue_create(&queue, &options, NULL), 0);
    report(1, 2);
    start(queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    go_on();
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    assert_int_equal(vdisk_queue_reap(queue, done, 1), 1);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    assert_int_equal(vdisk_queue_reap(queue, done, 1), 1);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

/* Cancelling, with the queue's own calls. */

static void one_that_runs_is_not_cancelled(void **state)
{
    static const struct vd_op_kind *const kinds[] = {&plain, &minimal, &reporting, &impatient};
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        start(fixture->queue, new_op(kinds[i], fixture->disk), 0);
        assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), -EBUSY);
        go_on();
        assert_int_equal(next(fixture->queue).result, 0);
    }
}

static void one_that_waits_for_its_turn_never_runs(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    struct vdisk_error err;

    start(fixture->other_queue, new_op(&plain, fixture->disk), 0);
    submit(fixture->queue, new_op(&plain, fixture->disk), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), 1);
    check_called(1, 0, 1);
    assert_true(is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), -ENOENT);
    done = next(fixture->queue);
    check_final(&done);
    assert_int_equal(done.result, -ECANCELED);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ECANCELED);
    assert_says(&err, -ECANCELED, "cancelled");
    go_on();
    assert_int_equal(next(fixture->other_queue).result, 0);
    /* Nothing holds the disk. */
    close_disk(fixture->disk);
    fixture->disk = NULL;
    check_called(1, 1, 2);
}

static void one_that_is_done_is_not_cancelled_although_its_disk_is_gone(void **state)
{
    struct fixture *fixture = *state;

    submit(fixture->queue, new_op(&abandonable, fixture->disk), 0);
    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), -ENOENT);
    assert_int_equal(next(fixture->queue).result, 0);
    check_called(1, 1, 1);
}

static void one_that_can_be_abandoned_ends_at_once_and_is_cleared_late(void **state)
{
    const struct fixture *fixture = *state;

    start(fixture->queue, new_op(&abandonable, fixture->disk), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), 1);
    assert_int_equal(next(fixture->queue).result, -ECANCELED);
    check_called(1, 0, 0);
    go_on();
    wait_until(atomic_load(&script.cleared) == 1);
    assert_false(pthread_equal(script.clearer, pthread_self()));
    check_called(1, 0, 1);
}

static void so_does_one_without_a_disk_though_the_queue_is_gone(void **state)
{
    struct fixture *fixture = *state;

    start(fixture->queue, new_loner(&abandonable, fixture->disk), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), 1);
    assert_int_equal(next(fixture->queue).result, -ECANCELED);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    fixture->queue = NULL;
    close_disk(fixture->disk);
    fixture->disk = NULL;
    go_on();
    wait_until(atomic_load(&script.cleared) == 1);
}

/* Cancelling meets each moment in the life of a operation; what comes of it must be one completion and one clearing. */
static void cancelling_and_ending_decide_who_is_first(void **state)
{
    const struct fixture *fixture = *state;

    for (unsigned int i = 1; i <= 500; i++) {
        bool alone = i % 2;
        struct vdisk_completion done;
        int r;

        submit(fixture->queue, alone ? new_loner(&abandonable, fixture->disk) : new_op(&abandonable, fixture->disk), 0);
        for (unsigned int spin = 0; spin < i % 64; spin++)
            sched_yield();
        r = vdisk_queue_cancel(fixture->queue, &script);
        assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
        assert_true(r == 1 || r == -ENOENT);
        assert_int_equal(done.result, r == 1 ? -ECANCELED : 0);
        assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 0);
        wait_until(atomic_load(&script.cleared) == i);
    }
}

static void one_with_a_timeout_is_done_all_the_same(void **state)
{
    const struct fixture *fixture = *state;
    struct vd_op *op = new_op(&impatient, fixture->disk);
    struct vdisk_completion done;
    struct vdisk_error err;

    op->timeout_ms = 1;
    start(fixture->queue, op, 0);
    done = next(fixture->queue);
    assert_int_equal(done.result, -ETIMEDOUT);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ETIMEDOUT);
    assert_says(&err, -ETIMEDOUT, "too long");
    check_called(1, 0, 0);
    go_on();
    wait_until(atomic_load(&script.cleared) == 1);
    check_called(1, 0, 1);
}

static void one_that_is_in_time_has_no_timeout(void **state)
{
    const struct fixture *fixture = *state;
    struct vd_op *op = new_op(&impatient, fixture->disk);

    op->timeout_ms = 30000;
    submit(fixture->queue, op, 0);
    assert_int_equal(next(fixture->queue).result, 0);
    check_called(1, 1, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(performing_does_it_all_here),
        TEST(submitting_runs_it_elsewhere_and_delivers_it_here),
        TEST(a_failure_is_delivered_and_cleared_with_its_sentence),
        TEST(a_task_without_a_disk_has_a_lane_of_its_own),
        TEST(deliver_and_clear_can_be_left_out),
        TEST(what_is_refused_is_cleared_only),
        TEST(progress_comes_on_request_only),
        TEST(only_kinds_that_have_progress_take_the_flag),
        TEST(progress_comes_before_the_end),
        TEST(what_is_not_reaped_adds_up),
        TEST(it_also_does_with_an_entry_that_was_taken),
        TEST(progress_is_told_as_a_share),
        TEST(progress_needs_no_room),
        TEST(one_that_runs_is_not_cancelled),
        TEST(one_that_waits_for_its_turn_never_runs),
        TEST(one_that_is_done_is_not_cancelled_although_its_disk_is_gone),
        TEST(one_that_can_be_abandoned_ends_at_once_and_is_cleared_late),
        TEST(so_does_one_without_a_disk_though_the_queue_is_gone),
        TEST(cancelling_and_ending_decide_who_is_first),
        TEST(one_with_a_timeout_is_done_all_the_same),
        TEST(one_that_is_in_time_has_no_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
