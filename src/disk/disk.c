/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/disk.h"

#include <assert.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/event.h>

#include "base/container.h"
#include "base/error.h"
#include "base/process.h"
#include "cluster/connections.h"

struct vd_view *vd_disk_enter_even_closing(struct vdisk *disk)
{
    while (!vd_disk_refuses_all(disk)) {
        struct vd_view *view = vd_disk_view(disk);

        /*
         * The loop ends: while the caller keeps the disk, the view is retired only after a successor was published, or
         * after a reason to refuse was set.
         */
        if (vd_view_enter(view))
            return view;
    }
    return NULL;
}

bool vd_disk_get(struct vdisk *disk)
{
    /*
     * Relaxed: no other data is read by it. Only the thread that has queued the close must see it, because no other may
     * start a call then.
     */
    return !atomic_load_explicit(&disk->users.close_posted, memory_order_relaxed) &&
           vd_gate_enter(&disk->users.references);
}

void vd_disk_put(struct vdisk *disk)
{
    if (vd_gate_leave(&disk->users.references))
        sem_post(&disk->users.unreferenced);
}

uint64_t vd_disk_size(const struct vdisk *disk)
{
    /* Relaxed: no other data is read by it. */
    return atomic_load_explicit(&vd_disk_view(disk)->size, memory_order_relaxed);
}

/* Relaxed, in these three functions: counts, by which no other data is read. */

void vd_disk_note_detached(struct vdisk *disk, uint64_t bytes)
{
    atomic_fetch_add_explicit(&disk->detached.requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&disk->detached.bytes, bytes, memory_order_relaxed);
}

void vd_disk_note_kept(struct vdisk *disk, uint64_t bytes)
{
    atomic_fetch_add_explicit(&disk->detached.bytes, bytes, memory_order_relaxed);
}

void vd_disk_note_settled(struct vdisk *disk, uint32_t requests, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&disk->detached.requests, requests, memory_order_relaxed);
    atomic_fetch_sub_explicit(&disk->detached.bytes, bytes, memory_order_relaxed);
}

static void run_unblock(struct vd_background_job *job)
{
    struct vdisk *disk = VD_CONTAINER_OF(job, struct vdisk, unblock.job);

    /*
     * Cleared first, so that a write that settles from here on posts the job again. Acquire: pairs with the release in
     * vd_disk_unblock; sees what settled before a call that found the job posted. Release: the job may be posted again
     * only after it has started to run.
     */
    atomic_exchange_explicit(&disk->unblock.posted, false, memory_order_acq_rel);
    vd_write_barrier_unblock(&disk->write_barrier);
}

void vd_disk_init(struct vdisk *disk)
{
    pthread_mutex_init(&disk->sync.lock, NULL);
    vd_write_barrier_init(&disk->write_barrier);
    sem_init(&disk->users.unreferenced, 0, 0);
    vd_lane_init(&disk->users.lane, disk->cluster->executor);
    vd_background_init(&disk->background, &disk->connection->worker, disk->cluster->background);
    disk->unblock.job.run = run_unblock;
}

void vd_disk_unblock(struct vdisk *disk)
{
    /* Release: the job sees what settled before. Acquire: pairs with the release in run_unblock, see there. */
    if (!atomic_exchange_explicit(&disk->unblock.posted, true, memory_order_acq_rel))
        vd_background_post(&disk->background, &disk->unblock.job);
}

void vd_disk_replace_view(struct vdisk *disk, struct vd_view *view)
{
    struct vd_view *old = vd_disk_view(disk);

    view->older = old;
    /*
     * Release: pairs with the acquire in vd_disk_view. The store comes before the old view is retired, so that
     * vd_disk_enter finds the new view when it finds the old one's gate closed.
     */
    atomic_store_explicit(&disk->view, view, memory_order_release);
    vd_view_retire(old);
}

int vd_disk_refresh_size(struct vdisk *disk, struct vd_view *view)
{
    int r = vd_view_refresh_size(view);

    if (r > 0)
        vd_subscribers_tell(&disk->refresh.subscribers, VDISK_EVENT_RESIZED);
    vd_disk_note_result(disk, r);
    return r < 0 ? r : 0;
}

bool vd_disk_is_fenced(const struct vdisk *disk)
{
    /* Relaxed: no other data is read by it. */
    return atomic_load_explicit(&disk->refuse_reasons, memory_order_relaxed) & VD_REFUSE_FENCED;
}

void vd_disk_refuse(struct vdisk *disk, enum vd_refuse_reason reason)
{
    /*
     * Release: pairs with the acquire in vd_disk_is_closing and vd_disk_refuses_all. The order with a view that is
     * retired afterwards comes from that view's gate (vd_gate_close). Acquire: this caller sees what was done
     * before earlier changes of the reasons.
     */
    atomic_fetch_or_explicit(&disk->refuse_reasons, reason, memory_order_acq_rel);
}

void vd_disk_admit(struct vdisk *disk, unsigned int reasons)
{
    /*
     * Release: pairs with the acquire in vd_disk_enter, which sees the view that was published before. Acquire: as in
     * vd_disk_refuse.
     */
    atomic_fetch_and_explicit(&disk->refuse_reasons, ~reasons, memory_order_acq_rel);
}

void vd_disk_note_fenced(struct vdisk *disk)
{
    /* Relaxed: no other data is read by it. The post of the unblock job shows the reason to that job. */
    if (atomic_fetch_or_explicit(&disk->refuse_reasons, VD_REFUSE_FENCED, memory_order_relaxed) & VD_REFUSE_FENCED)
        return;
    vd_connection_retire(disk->connection);
    vd_background_post(&disk->background, &disk->tell_fenced);
    /* Blocked requests need not wait any longer: the write barrier now refuses them, and they complete. */
    vd_disk_unblock(disk);
}

void vd_disk_settle_fenced(struct vdisk *disk)
{
    if (vd_write_barrier_fenced(&disk->write_barrier))
        vd_disk_unblock(disk);
}

int vd_disk_refusal(const struct vdisk *disk, struct vdisk_error *err)
{
    /* Relaxed: only for the message. The reasons can change meanwhile, even to none. */
    unsigned int reasons = atomic_load_explicit(&disk->refuse_reasons, memory_order_relaxed);
    struct vd_quoted quoted;

    if (reasons & VD_REFUSE_CLOSING || reasons == 0)
        return vd_error_set(err, -ESHUTDOWN, "The disk is being closed.");
    vd_quote(&quoted, vdisk_uri_image(disk->identity.uri));
    if (reasons & VD_REFUSE_REOPENING)
        return vd_error_set(err, -ESHUTDOWN,
                            "Image %s is being reopened, or reopening it has failed halfway; vdisk_reopen tries again.",
                            quoted.text);
    return vd_error_set(err, -ESHUTDOWN,
                        "The cluster has fenced the client that has image %s open, so all its requests fail; "
                        "vdisk_reopen gives the disk a new client.",
                        quoted.text);
}

int vd_disk_read_id(char id[VD_IMAGE_ID_SIZE], rbd_image_t image)
{
    int r = rbd_get_id(image, id, VD_IMAGE_ID_SIZE);

    if (r < 0)
        id[0] = '\0';
    /* -EINVAL: an image of the old format, which has no id. */
    return r == -EINVAL ? 0 : r;
}

int vd_disk_open_view(struct vd_view **view, const struct vdisk *disk, rados_ioctx_t pool, const char *snapshot,
                      bool read_only)
{
    char id[VD_IMAGE_ID_SIZE];
    sigset_t signals;
    int r;

    vd_signals_block(&signals);
    r = vd_view_open(view, pool, vdisk_uri_image(disk->identity.uri), snapshot, read_only);
    vd_signals_restore(&signals);
    if (r < 0)
        return r;
    r = vd_disk_read_id(id, (*view)->image);
    if (r == 0 && strcmp(id, disk->identity.image_id) != 0)
        r = -ENOENT;
    if (r < 0) {
        vd_view_close_and_free(*view);
        *view = NULL;
    }
    return r;
}

int vd_disk_open_again(struct vd_view **view, struct vdisk *disk)
{
    return vd_disk_open_view(view, disk, disk->pool, NULL, true);
}

int vd_disk_close_views(struct vdisk *disk)
{
    struct vd_view *newest = vd_disk_view(disk);
    int result = 0;

    for (struct vd_view *view = newest; view; view = view->older) {
        if (view->closed)
            continue;
        if (view != newest)
            vd_view_wait_empty(view);

        int r = vd_view_close(view);

        if (result == 0)
            result = r;
    }
    return result;
}

int vd_disk_flush(const struct vdisk *disk, rbd_image_t image)
{
    int r = 0;

    for (unsigned int i = 0; r == 0 && i < disk->limits.flushes; i++)
        r = rbd_flush(image);
    return r;
}

int vd_disk_flush_writes(struct vdisk *disk, rbd_image_t image)
{
    uint64_t mark = vd_flush_state_mark(&disk->flush_state);
    int r;

    if (!vd_flush_state_unflushed(&disk->flush_state))
        return 0;
    r = vd_disk_flush(disk, image);
    vd_flush_state_flushed(&disk->flush_state, mark, r);
    return r;
}

void vd_disk_disconnect(struct vdisk *disk)
{
    rados_ioctx_destroy(disk->pool);
    vd_connection_put_by_disk(disk->connection);
}

void vd_disk_free(struct vdisk *disk)
{
    vdisk_uri_free(disk->identity.uri);
    vd_write_barrier_destroy(&disk->write_barrier);
    vd_parent_destroy(&disk->identity.parent);
    sem_destroy(&disk->users.unreferenced);
    pthread_mutex_destroy(&disk->sync.lock);
    for (size_t i = 0; i < disk->reopening.former_count; i++)
        free(disk->reopening.former_addresses[i]);
    free(disk->reopening.former_addresses);
    free(disk);
}
