/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For the way that most requests take: what it has no need of stands apart, in functions of its own. A function that
 * calls nothing, or only as its last act, has no registers to save and no stack to guard.
 */
#ifndef VD_ATTRIBUTES_H
#define VD_ATTRIBUTES_H

/* Not to be made part of its callers. */
#define VD_NOINLINE __attribute__((noinline))

/* Nor expected to be called: the compiler lays out callers for the other case. */
#define VD_COLD __attribute__((noinline, cold))

#endif
