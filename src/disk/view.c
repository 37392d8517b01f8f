/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "uri/place.h"

static int open_image(rbd_image_t *image, rados_ioctx_t pool, const char *name, const char *snapshot, bool read_only)
{
    return read_only ? rbd_open_read_only(pool, name, image, snapshot) : rbd_open(pool, name, image, snapshot);
}

/*
 * A thread of librbd 16.2.15 wakes up the caller that waits for an image to be open, and only then locks a mutex of the
 * image once more. If the image is closed before the thread has done so, the thread uses freed memory. With
 * MALLOC_PERTURB_ set on a busy machine, opening and closing a clone aborts about once in 5000 times, in a thread
 * "io_context_pool". Only clones are affected: on its way out of the clone's opening, the thread still has to end the
 * parent's. Nothing tells when it has done so. It takes microseconds, or as long as the kernel does not run the thread.
 * With a pause of one millisecond, 9000 openings went well; without it, two of three programs aborted within 3000. The
 * pause here is longer.
 */
#define OPEN_MS 10

/* Sets when the image may be closed, if it is a clone. */
static int note_opening(struct vd_view *view)
{
    uint64_t overlap;
    int r = rbd_get_overlap(view->image, &overlap);

    if (r == 0 && overlap > 0)
        view->closable_at = vd_time_after_ms(OPEN_MS);
    return r;
}

static void wait_until_closable(const struct vd_view *view)
{
    const struct timespec until = vd_timespec(view->closable_at);

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

int vd_view_open(struct vd_view **view, rados_ioctx_t pool, const char *image, const char *snapshot, bool read_only)
{
    struct vd_view *new = calloc(1, sizeof *new);
    int r;

    *view = NULL;
    if (!new)
        return -ENOMEM;
    r = open_image(&new->image, pool, image, snapshot, read_only);
    if (r < 0) {
        free(new);
        return r;
    }
    sem_init(&new->empty, 0, 0);
    pthread_mutex_init(&new->asking, NULL);
    r = note_opening(new);
    if (r == 0)
        r = vd_view_refresh_size(new);
    if (r < 0) {
        vd_view_close_and_free(new);
        return r;
    }
    *view = new;
    return 0;
}

int vd_view_missing_error(const struct vdisk_uri *uri, rados_ioctx_t pool, struct vdisk_error *err)
{
    struct vd_quoted image, snapshot;
    struct vd_place place;
    struct vd_view *head;

    vd_quote(&image, vdisk_uri_image(uri));
    vd_place_describe(&place, uri);
    if (!vdisk_uri_snapshot(uri) || vd_view_open(&head, pool, vdisk_uri_image(uri), NULL, true) < 0)
        return vd_error_set(err, -ENOENT, "There is no image %s in %s.", image.text, place.text);
    vd_view_close_and_free(head);
    return vd_error_set(err, -ENOENT, "Image %s in %s has no snapshot %s.", image.text, place.text,
                        vd_quote(&snapshot, vdisk_uri_snapshot(uri)));
}

void vd_view_retire(struct vd_view *view)
{
    if (vd_gate_close(&view->gate))
        sem_post(&view->empty);
}

void vd_view_wait_empty(struct vd_view *view)
{
    while (!view->is_over && sem_wait(&view->empty) < 0)
        assert(errno == EINTR);
    view->is_over = true;
}

bool vd_view_is_empty(struct vd_view *view)
{
    if (!view->is_over)
        view->is_over = sem_trywait(&view->empty) == 0;
    return view->is_over;
}

int vd_view_close(struct vd_view *view)
{
    view->closed = true;
    wait_until_closable(view);
    return rbd_close(view->image);
}

void vd_view_free(struct vd_view *view)
{
    while (view) {
        struct vd_view *older = view->older;

        assert(view->closed);
        pthread_mutex_destroy(&view->asking);
        sem_destroy(&view->empty);
        free(view);
        view = older;
    }
}

void vd_view_close_and_free(struct vd_view *view)
{
    vd_view_close(view);
    vd_view_free(view);
}

int vd_view_refresh_size(struct vd_view *view)
{
    uint64_t size;
    int r;

    pthread_mutex_lock(&view->asking);
    r = rbd_get_size(view->image, &size);
    /* librbd's subtraction wraps around if an encrypted image was made smaller than its header (16.2.15). */
    if (r == 0 && size > INT64_MAX)
        size = 0;
    if (r == 0)
        r = atomic_exchange_explicit(&view->size, size, memory_order_relaxed) != size;
    pthread_mutex_unlock(&view->asking);
    return r;
}
