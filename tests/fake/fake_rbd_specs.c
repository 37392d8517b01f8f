/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts and frees the strings that librbd gives to callers. */
#include <stdlib.h>

#include "fake_internal.h"

/* Counts the strings that callers have not given back. */
static size_t strings_out;

char *fake_string_give(const char *text)
{
    strings_out++;
    return fake_strdup(text);
}

static void take_back(char *string)
{
    strings_out--;
    free(string);
}

size_t fake_strings_open(struct fake_text *text)
{
    if (strings_out > 0)
        fake_text_add(text, "%zu strings of librbd's; ", strings_out);
    return strings_out;
}

void rbd_image_spec_list_cleanup(rbd_image_spec_t *images, size_t count)
{
    fake_enter(FN_rbd_image_spec_list_cleanup);
    for (size_t i = 0; i < count; i++) {
        take_back(images[i].id);
        take_back(images[i].name);
    }
    fake_leave(0);
}

void rbd_linked_image_spec_cleanup(rbd_linked_image_spec_t *image)
{
    fake_enter(FN_rbd_linked_image_spec_cleanup);
    take_back(image->pool_name);
    take_back(image->pool_namespace);
    take_back(image->image_id);
    take_back(image->image_name);
    fake_leave(0);
}

void rbd_snap_spec_cleanup(rbd_snap_spec_t *snapshot)
{
    fake_enter(FN_rbd_snap_spec_cleanup);
    take_back(snapshot->name);
    fake_leave(0);
}

void rbd_watchers_list_cleanup(rbd_image_watcher_t *watchers, size_t count)
{
    fake_enter(FN_rbd_watchers_list_cleanup);
    for (size_t i = 0; i < count; i++)
        take_back(watchers[i].addr);
    fake_leave(0);
}

void rbd_lock_get_owners_cleanup(char **owners, size_t count)
{
    fake_enter(FN_rbd_lock_get_owners_cleanup);
    for (size_t i = 0; i < count; i++)
        take_back(owners[i]);
    fake_leave(0);
}
