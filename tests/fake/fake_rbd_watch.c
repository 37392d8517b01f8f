/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements the watches of images, which fire when an image changes. */
#include <stdlib.h>

#include "fake_internal.h"

static uint64_t last_cookie = 0x5eed;

/* Counts the watches of images that were closed. The real librbd closes such an image and leaks the watch. */
static size_t leaked;

/* A read-only handle gets a cookie like any other; its watch just never fires. */
int rbd_update_watch(rbd_image_t image, uint64_t *cookie, rbd_update_callback_t callback, void *argument)
{
    int r = fake_enter(FN_rbd_update_watch);
    struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);
    struct fake_watch *watch;

    if (r < 0)
        return fake_leave(r);
    watch = fake_alloc(sizeof *watch);
    watch->handle = handle;
    watch->callback = callback;
    watch->argument = argument;
    watch->cookie = *cookie = ++last_cookie;
    LIST_INSERT_HEAD(&handle->watches, watch, next);
    return fake_leave(0);
}

static void remove_watch(struct fake_watch *watch)
{
    LIST_REMOVE(watch, next);
    fake_engine_cancel_events(watch);
    free(watch);
}

static struct fake_watch *find(struct fake_handle *handle, uint64_t cookie)
{
    struct fake_watch *watch;

    LIST_FOREACH(watch, &handle->watches, next)
    {
        if (watch->cookie == cookie)
            return watch;
    }
    fake_abort("the image \"%s\" has no such watch, and this crashes", handle->object.name);
}

/* After a failure the watch is still there, until the image is closed. */
int rbd_update_unwatch(rbd_image_t image, uint64_t cookie)
{
    int r = fake_enter(FN_rbd_update_unwatch);
    struct fake_watch *watch = find(fake_object_get(FAKE_HANDLE, image), cookie);

    if (r == 0)
        remove_watch(watch);
    else
        watch->unwatched = true;
    return fake_leave(r);
}

void fake_watch_remove_all(struct fake_handle *handle)
{
    while (!LIST_EMPTY(&handle->watches)) {
        struct fake_watch *watch = LIST_FIRST(&handle->watches);

        leaked += !watch->unwatched;
        remove_watch(watch);
    }
}

size_t fake_watches_leaked(struct fake_text *text)
{
    if (leaked > 0)
        fake_text_add(text, "%zu watches on images that were closed; ", leaked);
    return leaked;
}

static void fire(struct fake_handle *handle)
{
    struct fake_watch *watch;

    LIST_FOREACH(watch, &handle->watches, next)
    {
        struct fake_op *op = fake_alloc(sizeof *op);

        op->kind = FAKE_EVENT;
        op->handle = handle;
        op->watch = watch;
        fake_engine_submit(op);
    }
}

void fake_watch_fire(const struct fake_image *image)
{
    struct fake_handle *handle;

    TAILQ_FOREACH(handle, &fake_open_handles, next)
    {
        if (handle->image == image && !handle->read_only && !fake_handle_is_fenced(handle))
            fire(handle);
    }
}
