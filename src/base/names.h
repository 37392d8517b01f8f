/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Several names in one message: as many as there is room for, and how many more there are.
 */
#ifndef VD_NAMES_H
#define VD_NAMES_H

#include <stddef.h>

/* All zero is an empty list. */
struct vd_names {
    char text[224];
    size_t used;
    unsigned int count;
    /* Of those, the ones that are not in the text. */
    unsigned int left_out;
};

/* Adds a name, quoted. */
void vd_names_add(struct vd_names *names, const char *name);

/* Ends the text with how many were left out. Returns names->text. */
const char *vd_names_finish(struct vd_names *names);

#endif
