/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/refresh.h"

#include <rbd/librbd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <vdisk/event.h>

#include "base/container.h"
#include "disk/encryption.h"
#include "disk/snap_list.h"

#define DEFAULT_POLL_MS 5000

/* Snapshots. Looked for only when somebody wants to know: librbd asks the cluster for them when there may be news. */

static int read_snapshots(uint64_t *digest, rbd_image_t image)
{
    struct vd_snap_list list = {0};
    int r = vd_snap_list_read(&list, image);

    if (r == 0)
        *digest = vd_snap_list_digest(&list);
    vd_snap_list_destroy(&list);
    return r;
}

/* A background job. */
static void look_at_snapshots(struct vdisk *disk, rbd_image_t image)
{
    uint64_t digest = 0;
    int r;

    if (!vd_subscribers_any(&disk->refresh.subscribers))
        return;
    r = read_snapshots(&digest, image);
    vd_disk_note_result(disk, r);
    if (r < 0 || digest == disk->refresh.snapshot_digest)
        return;
    disk->refresh.snapshot_digest = digest;
    vd_subscribers_tell(&disk->refresh.subscribers, VDISK_EVENT_SNAPSHOTS);
}

/* On a disk that can be written: the watch. */

static void run_refresh(struct vd_background_job *job)
{
    struct vdisk *disk = VD_CONTAINER_OF(job, struct vdisk, refresh.job);
    struct vd_view *view = vd_disk_view(disk);

    /* Relaxed: what is set before vd_refresh_stop waits for the background jobs is seen by those that run after that.
     */
    if (atomic_load_explicit(&disk->refresh.stopped, memory_order_relaxed))
        return;
    /*
     * Cleared before asking, so that a change after the question leads to another one. Acquire: pairs with the
     * exchange in watch_fired.
     */
    atomic_exchange_explicit(&disk->refresh.job_posted, false, memory_order_acq_rel);
    /* An error leaves the last size known; the next change, or librbd's own check of a request, will tell. */
    vd_disk_refresh_size(disk, view);
    look_at_snapshots(disk, view->image);
}

/* On librbd's thread, where asking for the size could block, and unwatching would deadlock. */
static void watch_fired(void *arg)
{
    struct vdisk *disk = arg;

    /* Release: orders the change that librbd has seen before the worker's question. One post is enough for many. */
    if (!atomic_exchange_explicit(&disk->refresh.job_posted, true, memory_order_acq_rel))
        vd_background_post(&disk->background, &disk->refresh.job);
}

static int start_watching(struct vdisk *disk)
{
    struct vd_view *view = vd_disk_view(disk);
    int r;

    disk->refresh.job.run = run_refresh;
    r = rbd_update_watch(view->image, &disk->refresh.watch, watch_fired, disk);
    if (r < 0)
        return r;
    disk->refresh.watching = true;
    /* Once more: a change between the opening and the watch has fired nothing. */
    r = vd_view_refresh_size(view);
    return r < 0 ? r : 0;
}

/* No callback runs or starts after this, unless it fails; one that ran may have posted. */
static void stop_watching(struct vdisk *disk)
{
    if (disk->refresh.watching && rbd_update_unwatch(vd_disk_view(disk)->image, disk->refresh.watch) == 0)
        disk->refresh.watching = false;
}

/* On a read-only disk: polling. */

static void close_empty_views(struct vdisk *disk)
{
    for (struct vd_view *view = vd_disk_view(disk)->older; view; view = view->older) {
        if (!view->closed && vd_view_is_empty(view))
            vd_view_close(view);
    }
}

static void run_look(struct vd_background_job *job)
{
    struct vdisk *disk = VD_CONTAINER_OF(job, struct vdisk, refresh.poll_job);
    struct vd_view *new;
    int r;

    /* Release: from here on it can be posted again. */
    atomic_store_explicit(&disk->refresh.poll_posted, false, memory_order_release);
    close_empty_views(disk);
    r = vd_disk_open_again(&new, disk);
    vd_disk_note_result(disk, r);
    if (r < 0)
        return;
    look_at_snapshots(disk, new->image);
    /* Only what has changed is worth deriving a key for. The next time may do better. */
    if (vd_view_size(new) == disk->limits.data_offset + vd_disk_size(disk) ||
        vd_encryption_load(new, disk->options, vdisk_uri_image(disk->identity.uri), NULL) < 0) {
        vd_view_close_and_free(new);
        return;
    }
    vd_disk_replace_view(disk, new);
    vd_subscribers_tell(&disk->refresh.subscribers, VDISK_EVENT_RESIZED);
}

/* On the worker, where looking could hold up the other disks. */
static void run_poll(struct vd_timer *timer)
{
    struct vdisk *disk = VD_CONTAINER_OF(timer, struct vdisk, refresh.timer);

    /* Acquire: the last look has begun, so that the background job is free. */
    if (!atomic_exchange_explicit(&disk->refresh.poll_posted, true, memory_order_acquire))
        vd_background_post(&disk->background, &disk->refresh.poll_job);
}

static bool is_polling(const struct vdisk *disk)
{
    return disk->limits.read_only && !vdisk_uri_snapshot(disk->identity.uri);
}

static void start_polling(struct vdisk *disk, uint32_t period_ms)
{
    disk->refresh.timer = (struct vd_timer){.period_ms = period_ms ? period_ms : DEFAULT_POLL_MS, .run = run_poll};
    disk->refresh.poll_job.run = run_look;
    vd_worker_start_timer(&disk->connection->worker, &disk->refresh.timer);
}

/* Both. */

static void run_tell_fenced(struct vd_background_job *job)
{
    struct vdisk *disk = VD_CONTAINER_OF(job, struct vdisk, tell_fenced);

    vd_subscribers_tell(&disk->refresh.subscribers, VDISK_EVENT_FENCED);
}

static int start(struct vdisk *disk, uint32_t poll_ms)
{
    int r = disk->limits.read_only ? 0 : start_watching(disk);

    if (r == 0 && is_polling(disk))
        start_polling(disk, poll_ms);
    return r;
}

int vd_refresh_start(struct vdisk *disk, uint32_t poll_ms)
{
    int r;

    disk->tell_fenced.run = run_tell_fenced;
    /* librbd has just read them. */
    r = read_snapshots(&disk->refresh.snapshot_digest, vd_disk_view(disk)->image);
    return r < 0 ? r : start(disk, poll_ms);
}

int vd_refresh_restart(struct vdisk *disk)
{
    int r;

    disk->refresh.watching = false;
    /* None of the disk's background jobs runs. Relaxed: a post, or starting a timer, orders it before what does then.
     */
    atomic_store_explicit(&disk->refresh.stopped, false, memory_order_relaxed);
    atomic_store_explicit(&disk->refresh.job_posted, false, memory_order_relaxed);
    r = start(disk, disk->refresh.timer.period_ms);

    /* What has happened to the snapshots since they were last looked at. A poll comes by itself. */
    if (r == 0 && disk->refresh.watching)
        watch_fired(disk);
    return r;
}

void vd_refresh_keep_view(struct vdisk *disk)
{
    if (!is_polling(disk))
        return;
    vd_worker_stop_timer(&disk->connection->worker, &disk->refresh.timer);
    vd_background_flush(&disk->background);
}

void vd_refresh_stop(struct vdisk *disk)
{
    atomic_store_explicit(&disk->refresh.stopped, true, memory_order_relaxed);
    stop_watching(disk);
    /* Once more for what was posted by what was posted: that the client is fenced. */
    vd_background_flush(&disk->background);
    vd_background_flush(&disk->background);
}

void vd_refresh_end(struct vdisk *disk)
{
    if (disk->refresh.watching)
        vd_background_flush(&disk->background);
    disk->refresh.watching = false;
}

void vd_refresh_subscribed(struct vdisk *disk, struct vd_subscriber *subscriber)
{
    struct vd_view *view = vd_disk_enter_even_closing(disk);

    if (vd_disk_is_fenced(disk))
        vd_subscriber_tell(subscriber, VDISK_EVENT_FENCED);
    if (!view)
        return;
    /* What has happened since the snapshots were last looked at. */
    if (disk->refresh.watching)
        watch_fired(disk);
    vd_view_leave(view);
}
