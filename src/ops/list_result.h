/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list that an operation returns, as vdisk_list and vdisk_snapshot_list do: where the caller wants it, and what the
 * operation has found. A list is one block of memory, an array with its strings behind it, so that one free() frees it.
 */
#ifndef VD_LIST_RESULT_H
#define VD_LIST_RESULT_H

#include <stddef.h>

#include <vdisk/error.h>

struct vd_list_result {
    /* The address of the caller's pointer to the array, whatever the type of its elements, and of the caller's count.
     */
    void *list;
    size_t *count;
    /* The operation's thread sets these two. An empty list is NULL. */
    void *found;
    size_t found_count;
};

/*
 * Records the two addresses in a new result and gives the caller an empty list for the time being. Returns -EINVAL if
 * an address is NULL.
 */
int vd_list_result_init(struct vd_list_result *result, void *list, size_t *count, struct vdisk_error *err);

/* Gives what was found to the caller, who then owns it. */
void vd_list_result_deliver(struct vd_list_result *result);

/* Frees what was found and not delivered. */
void vd_list_result_destroy(struct vd_list_result *result);

/* Copies a string to *end, moves *end behind it, and returns the copy. The caller has made sure that there is room. */
const char *vd_list_copy_string(char **end, const char *string);

#endif
