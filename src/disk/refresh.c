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

static int read_snapshots(uint64_t *digest, rbd_image_t image)
{
    struct vd_snap_list list = {0};
    int r = vd_snap_list_read(&list, image);

    if (r == 0)
        *digest = vd_snap_list_digest(&list);
    vd_snap_list_destroy(&list);
    return r;
}

/*
 * Tells the subscribers if the snapshots have changed. Runs in background jobs. Without a subscriber it does nothing,
 * because listing the snapshots can make librbd ask the cluster.
 */
static void check_snapshots(struct vdisk *disk, rbd_image_t image)
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

/* Runs on a writable disk after its image's header has changed. */
static void run_refresh(struct vd_background_job *job)
{
    struct vdisk *disk = VD_CONTAINER_OF(job, struct vdisk, refresh.job);
    struct vd_view *view = vd_disk_view(disk);

    /*
     * Relaxed: vd_refresh_stop posts a flush after it has set this. Jobs run in order, so one that runs after the flush
     * sees it, and the flush waits for the others.
     */
    if (atomic_load_explicit(&disk->refresh.stopped, memory_order_relaxed))
        return;
    /*
     * Cleared before librbd is asked, so that a later change posts the job again. Acquire: pairs with the release in
     * watch_fired; librbd is asked after the change that it has announced. Release: the job may be posted again only
     * after it has started to run.
     */
    atomic_exchange_explicit(&disk->refresh.job_posted, false, memory_order_acq_rel);
    /*
     * After an error the last known size stays. The next change corrects it, or a request does that librbd refuses
     * because it lies outside the image.
     */
    vd_disk_refresh_size(disk, view);
    check_snapshots(disk, view->image);
}

/*
 * Called on librbd's thread when the image's header has changed. Asking for the size could block that thread, and
 * ending the watch there would deadlock, so a background job asks.
 */
static void watch_fired(void *arg)
{
    struct vdisk *disk = arg;

    /*
     * One post is enough for many changes. Release: pairs with the acquire in run_refresh, which asks after this
     * change. Acquire: pairs with the release there.
     */
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
    /* Read the size once more: nothing has announced a change between the opening and the watch. */
    r = vd_view_refresh_size(view);
    return r < 0 ? r : 0;
}

/*
 * Ends the watch. If that succeeds, no callback runs after this function, though an earlier one may have posted the
 * job. If it fails, callbacks can come until the image is closed.
 */
static void stop_watching(struct vdisk *disk)
{
    if (disk->refresh.watching && rbd_update_unwatch(vd_disk_view(disk)->image, disk->refresh.watch) == 0)
        disk->refresh.watching = false;
}

/* Closes the replaced views that nobody is inside any more. */
static void close_empty_views(struct vdisk *disk)
{
    for (struct vd_view *view = vd_disk_view(disk)->older; view; view = view->older) {
        if (!view->closed && vd_view_is_empty(view))
            vd_view_close(view);
    }
}

/* Runs on a read-only disk when its timer fires. */
static void run_poll(struct vd_background_job *job)
{
    struct vdisk *disk = VD_CONTAINER_OF(job, struct vdisk, refresh.poll_job);
    struct vd_view *new;
    int r;

    /* Release: pairs with the acquire in poll_timer_fired; from here on the job may be posted again. */
    atomic_store_explicit(&disk->refresh.poll_posted, false, memory_order_release);
    close_empty_views(disk);
    r = vd_disk_open_again(&new, disk);
    vd_disk_note_result(disk, r);
    if (r < 0)
        return;
    check_snapshots(disk, new->image);
    /*
     * The new opening is of use only if the size has changed. Loading its encryption derives a key, which takes
     * seconds, so it is not done otherwise. If it fails, the next poll tries again.
     */
    if (vd_view_size(new) == disk->limits.data_offset + vd_disk_size(disk) ||
        vd_encryption_load(new, disk->options, vdisk_uri_image(disk->identity.uri), NULL) < 0) {
        vd_view_close_and_free(new);
        return;
    }
    vd_disk_replace_view(disk, new);
    vd_subscribers_tell(&disk->refresh.subscribers, VDISK_EVENT_RESIZED);
}

/* Runs on the worker, which all disks of the connection share, so a background job opens the image. */
static void poll_timer_fired(struct vd_timer *timer)
{
    struct vdisk *disk = VD_CONTAINER_OF(timer, struct vdisk, refresh.timer);

    /* Acquire: pairs with the release in run_poll; the job has started to run, so it may be posted again. */
    if (!atomic_exchange_explicit(&disk->refresh.poll_posted, true, memory_order_acquire))
        vd_background_post(&disk->background, &disk->refresh.poll_job);
}

static bool is_polling(const struct vdisk *disk)
{
    return disk->limits.read_only && !vdisk_uri_snapshot(disk->identity.uri);
}

static void start_polling(struct vdisk *disk, uint32_t period_ms)
{
    disk->refresh.timer =
        (struct vd_timer){.period_ms = period_ms ? period_ms : DEFAULT_POLL_MS, .run = poll_timer_fired};
    disk->refresh.poll_job.run = run_poll;
    vd_worker_start_timer(&disk->connection->worker, &disk->refresh.timer);
}

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
    /* librbd has just opened the image and so knows the snapshots: this does not ask the cluster. */
    r = read_snapshots(&disk->refresh.snapshot_digest, vd_disk_view(disk)->image);
    return r < 0 ? r : start(disk, poll_ms);
}

int vd_refresh_restart(struct vdisk *disk)
{
    int r;

    disk->refresh.watching = false;
    /*
     * Relaxed: no background job of the disk runs now. Whatever starts the next one shows it these values: a post, or
     * the start of the timer.
     */
    atomic_store_explicit(&disk->refresh.stopped, false, memory_order_relaxed);
    atomic_store_explicit(&disk->refresh.job_posted, false, memory_order_relaxed);
    r = start(disk, disk->refresh.timer.period_ms);

    /* Find what has happened to the snapshots since they were last listed. A read-only disk polls anyway. */
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
    /* Relaxed: see run_refresh. */
    atomic_store_explicit(&disk->refresh.stopped, true, memory_order_relaxed);
    stop_watching(disk);
    /* Twice, because a job can post others: one that finds that the client is fenced does. */
    vd_background_flush(&disk->background);
    vd_background_flush(&disk->background);
}

void vd_refresh_end(struct vdisk *disk)
{
    /* The watch could not be ended, so a callback may have posted a job until the image was closed. */
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
    /* Find what has happened since the snapshots were last listed, which is not done without subscribers. */
    if (disk->refresh.watching)
        watch_fired(disk);
    vd_view_leave(view);
}
