/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One opening of an image by librbd, with the size that its requests are checked against and the count of those that
 * use it. A disk has one at a time. On a read-only disk it is replaced when the image's size has changed, because
 * librbd does not notice there; requests that started on the old one end on it.
 */
#ifndef VD_VIEW_H
#define VD_VIEW_H

#include <pthread.h>
#include <rbd/librbd.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/uri.h>

#include "thread/gate.h"

struct vd_view {
    /* The view that this one replaced. */
    struct vd_view *older;
    rbd_image_t image;
    struct vd_gate gate;
    /* Posted once, when the gate is closed and nobody is inside. */
    sem_t empty;
    /* Not to be closed before: see view.c. 0: any time. */
    int64_t closable_at;
    bool closed;
    /* Retired and waited for. */
    bool is_over;
    /* Held while librbd is asked for the size: an answer that comes late must not undo a newer one. */
    pthread_mutex_t asking;
    /* Relaxed: a hint for checking ranges, no other data is read by it. */
    _Atomic uint64_t size;
};

/* Opens the image, or the snapshot unless NULL, and asks for its size. Returns 0 or a negative errno. */
int vd_view_open(struct vd_view **view, rados_ioctx_t pool, const char *image, const char *snapshot, bool read_only);

/* librbd says -ENOENT for an image and for a snapshot alike: looks which of them is missing, and says so. Blocks. */
int vd_view_missing_error(const struct vdisk_uri *uri, rados_ioctx_t pool, struct vdisk_error *err);

/* Use of the view, by a request or a call. enter: false when it is retired. */
static inline bool vd_view_enter(struct vd_view *view)
{
    return vd_gate_enter(&view->gate);
}

static inline void vd_view_leave(struct vd_view *view)
{
    if (vd_gate_leave(&view->gate))
        sem_post(&view->empty);
}

/* Lets nobody in from now on. */
void vd_view_retire(struct vd_view *view);

/* Of a retired view: waits until it is empty, or only looks. Once it was found empty, it is over. */
void vd_view_wait_empty(struct vd_view *view);
bool vd_view_is_empty(struct vd_view *view);

/* Closes the image of an empty view; the memory stays. Returns what rbd_close does. */
int vd_view_close(struct vd_view *view);

/* Frees a closed view, and those older. */
void vd_view_free(struct vd_view *view);

/* Closes and frees a view that nobody else knows. */
void vd_view_close_and_free(struct vd_view *view);

/* The size known. */
static inline uint64_t vd_view_size(const struct vd_view *view)
{
    return atomic_load_explicit(&view->size, memory_order_relaxed);
}

/* Whether the range lies within the size known. */
static inline bool vd_view_holds(const struct vd_view *view, uint64_t offset, uint64_t length)
{
    uint64_t size = atomic_load_explicit(&view->size, memory_order_relaxed);

    return offset <= size && length <= size - offset;
}

/* Asks librbd for the size. Blocks. Returns 1 when it is a new one, else 0, or a negative errno: nothing is changed. */
int vd_view_refresh_size(struct vd_view *view);

#endif
