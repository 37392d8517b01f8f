/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a member that is embedded in a structure back to the structure.
 */
#ifndef VD_CONTAINER_H
#define VD_CONTAINER_H

#include <stddef.h>

/* By way of void *, since the member may be aligned less than what holds it. */
#define VD_CONTAINER_OF(member_pointer, type, member)                                                                  \
    ((type *)(void *)((char *)(member_pointer)-offsetof(type, member)))

#endif
