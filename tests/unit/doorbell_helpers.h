/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that run once for each kind of doorbell. The state of such a test is the kind. */
#ifndef DOORBELL_HELPERS_H
#define DOORBELL_HELPERS_H

#include "thread/doorbell.h"

/* Set-up functions of groups of tests. */
int with_a_pipe(void **state);
int with_a_semaphore(void **state);

enum vd_doorbell_kind kind_of_bell(void **state);

/* Runs a group twice. Returns how many tests failed. */
#define RUN_WITH_BOTH_BELLS(tests)                                                                                     \
    (cmocka_run_group_tests(tests, with_a_pipe, NULL) + cmocka_run_group_tests(tests, with_a_semaphore, NULL))

#endif
