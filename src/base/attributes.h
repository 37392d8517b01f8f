/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Function attributes that keep the fast path of requests short. A function that makes no call, or only a tail call,
 * saves no registers and needs no stack protection. So the code for rarer cases stands in functions of its own.
 */
#ifndef VD_ATTRIBUTES_H
#define VD_ATTRIBUTES_H

/* Prevents the compiler from inlining the function into its callers. */
#define VD_NOINLINE __attribute__((noinline))

/* The same for a function that is rarely called: the compiler optimizes its callers for the other case. */
#define VD_COLD __attribute__((noinline, cold))

#endif
