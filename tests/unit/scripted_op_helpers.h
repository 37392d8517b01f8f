/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A control operation that follows a script: it reports the progress that the test has written down, stops where the
 * test wants it to, and notes which of its functions were called, how often and on which thread. There is one script;
 * a test may have several operations follow it.
 */
#ifndef SCRIPTED_OP_HELPERS_H
#define SCRIPTED_OP_HELPERS_H

#include "disk_fixture.h"

#include "ops/op.h"
#include "thread_helpers.h"

struct script {
    int result;
    /* As vd_op_progress gets them; the list ends with a total of UINT64_MAX. */
    struct {
        uint64_t done;
        uint64_t total;
    } reports[8];
    /* Between the reports and the end. */
    struct checkpoint reported;
    pthread_t runner, deliverer, clearer;
    atomic_uint ran, delivered, cleared;
    /* As the completion has it. */
    int delivered_result;
};

/* Static, as what threads use must be. It is also the user data of what is submitted. */
extern struct script script;

/* Kinds of operations that follow the script: with all functions, with `run` alone, and with one ability each. */
extern const struct vd_op_kind plain, minimal, reporting, abandonable, impatient;

/* As set_up_disk, with a script that succeeds, reports nothing and does not stop. tear_down_disk ends it. */
int set_up_script(void **state);

#define SCRIPT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_script, tear_down_disk)

struct vd_op *new_op(const struct vd_op_kind *kind, struct vdisk *disk);

/* One that has no disk, but a lane of its own on the disk's cluster. */
struct vd_op *new_loner(const struct vd_op_kind *kind, const struct vdisk *disk);

void submit(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags);

/* Submits one, and returns when it has made its reports and is stopped. */
void start(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags);

/* Lets a stopped one go on to its end. */
void go_on(void);

/* Asserts how often each function was called. */
void check_called(unsigned int ran, unsigned int delivered, unsigned int cleared);

/* Asserts that this is the last completion of an operation, not a report of progress. */
void check_final(const struct vdisk_completion *completion);

#endif
