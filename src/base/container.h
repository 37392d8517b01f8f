/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds the structure that a member is embedded in.
 */
#ifndef VD_CONTAINER_H
#define VD_CONTAINER_H

#include <stddef.h>

/* The cast goes through void *, because a member's alignment may be less than that of the structure. */
#define VD_CONTAINER_OF(member_pointer, type, member)                                                                  \
    ((type *)(void *)((char *)(member_pointer)-offsetof(type, member)))

#endif
