/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/list_result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Copies the bytes, because the caller's pointer is of another type than `array`. */
static void set_list(const struct vd_list_result *result, void *array, size_t count)
{
    if (result->list)
        memcpy(result->list, &array, sizeof array);
    if (result->count)
        *result->count = count;
}

int vd_list_result_init(struct vd_list_result *result, void *list, size_t *count, struct vdisk_error *err)
{
    *result = (struct vd_list_result){.list = list};
    result->count = count;
    set_list(result, NULL, 0);
    if (!list || !count)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the list: a pointer is NULL.");
    return 0;
}

void vd_list_result_deliver(struct vd_list_result *result)
{
    set_list(result, result->found, result->found_count);
    result->found = NULL;
}

void vd_list_result_destroy(struct vd_list_result *result)
{
    free(result->found);
}

const char *vd_list_copy_string(char **end, const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = memcpy(*end, string, size);

    *end += size;
    return copy;
}
