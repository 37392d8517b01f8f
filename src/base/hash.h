/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FNV-1a, a hash for noticing changes. It does not resist an attacker, who gains nothing by a collision where it is
 * used.
 */
#ifndef VD_HASH_H
#define VD_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of no bytes. */
#define VD_HASH_START UINT64_C(0xcbf29ce484222325)

/* Returns `hash` extended by `size` bytes. */
uint64_t vd_hash_add(uint64_t hash, const void *bytes, size_t size);

#endif
