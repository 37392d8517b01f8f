/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists names in a message: as many as there is room for, and then how many more there are.
 */
#ifndef VD_NAMES_H
#define VD_NAMES_H

#include <stddef.h>

/* All zero is an empty list. */
struct vd_names {
    char text[224];
    size_t used;
    unsigned int count;
    /* How many of the `count` names are not in the text. */
    unsigned int left_out;
};

/* Adds a name, in quotes. */
void vd_names_add(struct vd_names *names, const char *name);

/* Appends how many names the text leaves out, if any. Returns names->text. */
const char *vd_names_finish(struct vd_names *names);

#endif
