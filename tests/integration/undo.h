/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a test makes is undone after it, the last first, even when the test fails. Functions that can fail fail the
 * test, so they belong on the test's main thread.
 */
#ifndef UNDO_H
#define UNDO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The teardown of each test: undoes what it has made. */
int clean_up(void **state);
#define TEST(function) cmocka_unit_test_teardown(function, clean_up)

/* Has clean_up call undo(thing). forget: that is not needed any more. */
void undo_later(void (*undo)(void *thing), void *thing);
void forget(const void *thing);

/* Returns a text as printf makes it. clean_up frees it. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
