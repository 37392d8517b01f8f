/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FNV-1a, a hash for noticing changes. It withstands no attacker; none gains by a collision where it is used.
 */
#ifndef VD_HASH_H
#define VD_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of no bytes. */
#define VD_HASH_START UINT64_C(0xcbf29ce484222325)

/* Adds bytes to a hash. */
uint64_t vd_hash_add(uint64_t hash, const void *bytes, size_t size);

#endif
