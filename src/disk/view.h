/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A view is one opening of an image by librbd. It knows the size that requests are checked against, and counts the
 * requests and calls that use it. A disk has one current view. On a read-only disk, librbd does not notice when the
 * image's size changes, so a new view then replaces the old one. Requests that are inside the old view complete there.
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
    /* The view that this one has replaced, or NULL. */
    struct vd_view *older;
    rbd_image_t image;
    /* The requests and calls that use the view are inside. */
    struct vd_gate gate;
    /* Posted once, when the gate is closed and nobody is inside. */
    sem_t empty;
    /* The earliest time (clock.h) to close the image: see view.c. 0: any time. */
    int64_t closable_at;
    /* The image is closed. */
    bool closed;
    /* The view is retired and was found empty. */
    bool is_over;
    /* Locked while librbd is asked for the size, so that a late answer does not overwrite a newer one. */
    pthread_mutex_t asking;
    /* Relaxed everywhere: it is used for checking ranges, and no other data is read by it. */
    _Atomic uint64_t size;
};

/*
 * Opens the image, or its snapshot unless that is NULL, and asks for the size. Blocks. Returns 0 or a negative errno;
 * then *view is NULL.
 */
int vd_view_open(struct vd_view **view, rados_ioctx_t pool, const char *image, const char *snapshot, bool read_only);

/*
 * Says in `err` whether the image or its snapshot is missing: librbd answers -ENOENT in both cases, so this opens the
 * image to find out. Blocks. Returns -ENOENT.
 */
int vd_view_missing_error(const struct vdisk_uri *uri, rados_ioctx_t pool, struct vdisk_error *err);

/* Enters the view for a request or a call. Returns false if the view is retired. Any thread, never blocks. */
static inline bool vd_view_enter(struct vd_view *view)
{
    return vd_gate_enter(&view->gate);
}

/* Leaves the view. The disk may be freed at any time after that. */
static inline void vd_view_leave(struct vd_view *view)
{
    if (vd_gate_leave(&view->gate))
        sem_post(&view->empty);
}

/* Makes vd_view_enter fail from now on. Call it once. */
void vd_view_retire(struct vd_view *view);

/* Waits until a retired view is empty, and sets is_over. Blocks. One thread at a time may call it. */
void vd_view_wait_empty(struct vd_view *view);

/* Returns whether a retired view is empty, and then sets is_over. Never blocks. One thread at a time may call it. */
bool vd_view_is_empty(struct vd_view *view);

/* Closes the image of an empty view; the view's memory stays. Blocks. Returns what rbd_close does. */
int vd_view_close(struct vd_view *view);

/* Frees a closed view and all older ones, which must be closed, too. */
void vd_view_free(struct vd_view *view);

/* Closes and frees a view that only the caller uses. Blocks. */
void vd_view_close_and_free(struct vd_view *view);

/* Returns the size as last known. */
static inline uint64_t vd_view_size(const struct vd_view *view)
{
    return atomic_load_explicit(&view->size, memory_order_relaxed);
}

/* Returns whether the range lies inside the size as last known. */
static inline bool vd_view_holds(const struct vd_view *view, uint64_t offset, uint64_t length)
{
    uint64_t size = atomic_load_explicit(&view->size, memory_order_relaxed);

    return offset <= size && length <= size - offset;
}

/*
 * Asks librbd for the size. Blocks. Returns 1 if it has changed, 0 if not, or a negative errno; then the size as last
 * known stays.
 */
int vd_view_refresh_size(struct vd_view *view);

#endif
