/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open disk: which image it is, the current view of that image, and the state of its writes.
 */
#ifndef VD_DISK_H
#define VD_DISK_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

#include "base/layout.h"
#include "cluster/connection.h"
#include "disk/flush_state.h"
#include "disk/parent.h"
#include "disk/subscriber.h"
#include "disk/view.h"
#include "disk/write_barrier.h"
#include "thread/background.h"
#include "thread/executor.h"
#include "thread/gate.h"
#include "thread/worker.h"

struct vdisk_queue;
struct vd_open_args;

/* Why a disk refuses calls and requests. */
enum vd_refuse_reason {
    /* The cluster has fenced the client: every request through the view fails. */
    VD_REFUSE_FENCED = 1,
    /* The disk is being reopened, or an attempt to reopen it has failed halfway. */
    VD_REFUSE_REOPENING = 2,
    /*
     * The disk is being closed. It is set before the view is retired for good. Callers that already keep the disk
     * (vd_disk_get) are still admitted, because the close waits for them.
     */
    VD_REFUSE_CLOSING = 4,
};

/*
 * The smallest stripe unit that compare-and-write is offered for: twice a sector. When the bytes differ, librbd asserts
 * that the place of the mismatch in the range plus the length of the range is at most the stripe unit, and otherwise
 * aborts the process (16.2.15, 18.2.7, 20.2.4).
 */
#define VD_COMPARE_STRIPE_UNIT_MIN 1024

/* The size of a buffer for an image's id, its terminating zero included. */
#define VD_IMAGE_ID_SIZE 64

/* With so many detached requests, or so many bytes of memory that they use, the disk accepts no more requests. */
#define VD_DETACHED_MAX 1024
#define VD_DETACHED_BYTES_MAX (UINT64_C(256) << 20)
/* With so many indeterminate writes, too: every request is compared with each of them. */
#define VD_INDETERMINATE_MAX 1024

/* Which image the disk is. */
struct vd_disk_identity {
    /* The names of pool, namespace, image and snapshot, without options. */
    struct vdisk_uri *uri;
    char image_id[VD_IMAGE_ID_SIZE];
    /* The id of the open snapshot; 0 for the head. */
    uint64_t snapshot_id;
    struct vd_parent parent;
};

/* What requests to the disk must respect. Set while the disk is opened; constant afterwards. */
struct vd_disk_limits {
    bool read_only;
    struct vd_layout layout;
    uint64_t features;
    /* Where the contents begin in the image: behind the LUKS header of an encrypted image, otherwise at 0. */
    uint64_t data_offset;
    /* These three are as in struct vdisk_info. */
    uint64_t discard_granularity;
    uint64_t compare_and_write_boundary;
    uint32_t cache_mode;
    /* How many calls of rbd_flush must succeed in a row before a flush counts as good (vd_disk_flush). */
    unsigned int flushes;
    /* librbd copies the data of a write before the call returns, which is its default. */
    bool copies_writes;
    uint32_t io_timeout_ms;
};

/* The users of the disk: control operations (op.h) that were accepted and have not finished. */
struct vd_disk_users {
    /* Each user is inside this gate (vd_disk_get). */
    struct vd_gate references;
    /*
     * Set once a close is queued. Nothing may be queued behind it: the close waits for all users of the disk, so both
     * would deadlock.
     */
    atomic_bool close_posted;
    /* Posted once, when the gate is closed and the last user has left. */
    sem_t unreferenced;
    /* Runs the queued operations of the disk, one at a time. */
    struct vd_lane lane;
};

/* The state that reopening (ops/reopen.c) keeps. */
struct vd_disk_reopening {
    atomic_bool under_way;
    /* The addresses of the clients that the disk had before its current one. */
    char **former_addresses;
    size_t former_count;
};

/*
 * How the disk learns of changes to its image (refresh.h): a writable disk by Ceph's watch on the image's header, a
 * read-only disk by a timer.
 */
struct vd_disk_refresh {
    /* A writable disk: librbd's id of Ceph's watch, and whether the watch is set. */
    uint64_t watch;
    bool watching;
    struct vd_background_job job;
    atomic_bool job_posted;
    /* The view is about to be closed: background jobs must not use it any more. */
    atomic_bool stopped;
    /* A read-only disk: the timer posts the job that opens the image once more. */
    struct vd_timer timer;
    struct vd_background_job poll_job;
    atomic_bool poll_posted;
    /* The digest of the snapshots that the subscribers know of. Only background jobs use it once the disk is open. */
    uint64_t snapshot_digest;
    struct vd_subscribers subscribers;
};

/* How many requests are detached, and how much memory they and kept buffers (vd_disk_note_kept) use. */
struct vd_disk_detached {
    _Atomic uint32_t requests;
    _Atomic uint64_t bytes;
};

/* The background job that starts the requests which the write barrier no longer blocks (vd_disk_unblock). */
struct vd_disk_unblock {
    struct vd_background_job job;
    atomic_bool posted;
};

/* Idle queues of synchronous calls (io/sync.h), kept for the next call. */
struct vd_disk_sync {
    pthread_mutex_t lock;
    struct vdisk_queue *queues;
};

struct vdisk {
    /* Every connection that the disk has during its life belongs to this cluster. The connection keeps it alive. */
    struct vd_cluster *cluster;
    struct vd_connection *connection;
    rados_ioctx_t pool;
    /* A copy of what the disk was opened with, secrets included, for reopening. It is freed before the disk. */
    struct vd_open_args *open_args;
    /* These are a part of open_args. */
    const struct vdisk_open_options *options;
    struct vd_disk_identity identity;
    struct vd_disk_limits limits;
    struct vd_disk_users users;
    struct vd_background background;

    /*
     * The current view. A background job or a reopening replaces it. Each view links to the one that it replaced; their
     * memory lives as long as the disk.
     */
    _Atomic(struct vd_view *) view;
    /* Or-ed values of enum vd_refuse_reason. */
    _Atomic unsigned int refuse_reasons;
    struct vd_background_job tell_fenced;
    struct vd_disk_reopening reopening;
    struct vd_disk_refresh refresh;

    struct vd_flush_state flush_state;
    struct vd_disk_detached detached;
    /* How many I/Os to this disk wait in the plugs of queues (plug.h). */
    _Atomic unsigned int plugged;
    struct vd_write_barrier write_barrier;
    struct vd_disk_unblock unblock;
    struct vd_disk_sync sync;
};

/*
 * Calls rbd_flush until its success can be trusted. With a write-back cache, librbd 16 flushes each object with several
 * writes. It reports only the result of the write that ends last, which need not be the one that was sent last. If
 * another one fails, its data becomes dirty again, yet the flush reports success. With a client that was fenced
 * meanwhile, every tenth flush did so. A second flush sends that data again and reports the error. If nothing is dirty,
 * it costs nothing. A flush request makes the same sequence of calls (rbd_io.c). Blocks. Returns 0 or a negative errno.
 */
int vd_disk_flush(const struct vdisk *disk, rbd_image_t image);

/*
 * Does the same if a write is not flushed, and notes the result in the flush state. Blocks. Returns what librbd
 * answered; what callers may be told is vd_flush_state_error.
 */
int vd_disk_flush_writes(struct vdisk *disk, rbd_image_t image);

/*
 * Closes all views that are not closed. The current one must be empty; older ones are waited for. Blocks. Returns the
 * first error.
 */
int vd_disk_close_views(struct vdisk *disk);

/* After vd_opening_close: gives back the pool and the connection. Blocks. */
void vd_disk_disconnect(struct vdisk *disk);

/* Frees the disk's memory. Never blocks. */
void vd_disk_free(struct vdisk *disk);

/*
 * Keeps the disk for a control operation: a close waits until vd_disk_put before it retires the last view. Returns
 * false if the disk is closing. After vd_disk_put, the disk may be freed at any time.
 */
bool vd_disk_get(struct vdisk *disk);
void vd_disk_put(struct vdisk *disk);

/*
 * Enters the current view for a caller that keeps the disk, even while the disk is closing. Leave it with
 * vd_view_leave. Returns NULL if the disk refuses for another reason, which vd_disk_refusal tells.
 */
struct vd_view *vd_disk_enter_even_closing(struct vdisk *disk);

static inline bool vd_disk_is_closing(const struct vdisk *disk)
{
    /* Acquire: pairs with the release in vd_disk_refuse; sees what that caller did before. */
    return atomic_load_explicit(&disk->refuse_reasons, memory_order_acquire) & VD_REFUSE_CLOSING;
}

/* Whether the disk refuses even callers that keep it. */
static inline bool vd_disk_refuses_all(const struct vdisk *disk)
{
    /* Acquire: as in vd_disk_enter. */
    return atomic_load_explicit(&disk->refuse_reasons, memory_order_acquire) & ~(unsigned int)VD_REFUSE_CLOSING;
}

/*
 * Returns the current view without entering it. The caller must know that the view's image is not closed, or must not
 * use the image.
 */
static inline struct vd_view *vd_disk_view(const struct vdisk *disk)
{
    /* Acquire: pairs with the release in vd_disk_replace_view and reopen's swap; sees the view's content. */
    return atomic_load_explicit(&disk->view, memory_order_acquire);
}

/*
 * Enters the current view. Leave it with vd_view_leave, after which the disk may be freed at any time. Returns NULL if
 * the disk refuses; vd_disk_refusal tells why. Any thread, never blocks.
 */
static inline struct vd_view *vd_disk_enter(struct vdisk *disk)
{
    /*
     * Acquire: pairs with the release in vd_disk_admit; a caller that finds the reasons gone sees the view that was
     * published before. The loop ends: a reason is set before a view is retired without a successor, and the closed
     * gate, which is read with acquire, shows that reason.
     */
    while (atomic_load_explicit(&disk->refuse_reasons, memory_order_acquire) == 0) {
        struct vd_view *view = vd_disk_view(disk);

        if (vd_view_enter(view))
            return view;
        /* The view was retired in between. Its successor, if it has one, was published before. */
    }
    return NULL;
}

/* Background jobs only. Replaces the current view; requests that are inside the old view complete there. */
void vd_disk_replace_view(struct vdisk *disk, struct vd_view *view);

/*
 * These three count the detached requests and the memory that they use. vd_disk_note_detached adds one request.
 * vd_disk_note_settled subtracts requests and memory. vd_disk_note_kept adds memory alone, for a buffer that outlives
 * its request because it may still be sent. Any thread may call them. They never block.
 */
void vd_disk_note_detached(struct vdisk *disk, uint64_t bytes);
void vd_disk_note_settled(struct vdisk *disk, uint32_t requests, uint64_t bytes);
void vd_disk_note_kept(struct vdisk *disk, uint64_t bytes);

/* Whether the disk must accept no more requests, because too many are detached or indeterminate. */
static inline bool vd_disk_has_too_many_detached(const struct vdisk *disk)
{
    /* Relaxed, here and below: counts, by which no other data is read. */
    uint32_t detached = atomic_load_explicit(&disk->detached.requests, memory_order_relaxed);
    unsigned int indeterminate = vd_write_barrier_writes(&disk->write_barrier);

    /* Usually there are none. Without them no memory is in use either, so it need not be read. */
    if (detached == 0 && indeterminate == 0)
        return false;
    return detached >= VD_DETACHED_MAX || indeterminate >= VD_INDETERMINATE_MAX ||
           atomic_load_explicit(&disk->detached.bytes, memory_order_relaxed) >= VD_DETACHED_BYTES_MAX;
}

/*
 * Posts the background job that starts the requests which the write barrier no longer blocks. The caller has entered
 * the view or keeps the disk, so the disk cannot be freed meanwhile. Any thread, never blocks.
 */
void vd_disk_unblock(struct vdisk *disk);

/*
 * Initializes the parts of a new disk whose cluster and connection are set. Call it before the image is opened: a disk
 * with an open image can be noted as fenced at any time, which uses these parts.
 */
void vd_disk_init(struct vdisk *disk);

/* Asks librbd for the image's id, "" for an image of the old format. Blocks. Returns 0 or a negative errno. */
int vd_disk_read_id(char id[VD_IMAGE_ID_SIZE], rbd_image_t image);

/* Returns the size of the current view as last known. Never blocks. */
uint64_t vd_disk_size(const struct vdisk *disk);

/*
 * Asks librbd for the size of an entered view, and tells the subscribers if it has changed. Blocks. Returns 0 or a
 * negative errno.
 */
int vd_disk_refresh_size(struct vdisk *disk, struct vd_view *view);

/* Notes that the cluster has fenced the client: from now on the disk refuses. Any thread, never blocks. */
void vd_disk_note_fenced(struct vdisk *disk);

/*
 * Examines librbd's answer to a call through an entered view: -ESHUTDOWN says that the cluster has fenced the client,
 * which is noted. Any thread, never blocks.
 */
static inline void vd_disk_note_result(struct vdisk *disk, int result)
{
    if (result == -ESHUTDOWN)
        vd_disk_note_fenced(disk);
}
bool vd_disk_is_fenced(const struct vdisk *disk);

/*
 * Settles the untracked writes. Call it when the newest map of the cluster is known to contain the client's fence.
 * Nothing that the client has sent can then change what is read from now on. The caller keeps the disk or has entered
 * its view. Never blocks.
 */
void vd_disk_settle_fenced(struct vdisk *disk);

/* Adds a reason to refuse. Any thread, never blocks. */
void vd_disk_refuse(struct vdisk *disk, enum vd_refuse_reason reason);

/* Removes reasons, or-ed values of enum vd_refuse_reason. Any thread, never blocks. */
void vd_disk_admit(struct vdisk *disk, unsigned int reasons);

/* Explains in `err` why the disk refuses. Returns -ESHUTDOWN. */
int vd_disk_refusal(const struct vdisk *disk, struct vdisk_error *err);

/*
 * Opens the head of the disk's image once more, read-only: through a read-only opening librbd never learns of changes.
 * The caller owns the view. Blocks. Returns 0 or a negative errno; -ENOENT if the image is gone, even if another image
 * has its name by now.
 */
int vd_disk_open_again(struct vd_view **view, struct vdisk *disk);

/* Does the same through any pool, for any snapshot (NULL: the head), read-only or not. */
int vd_disk_open_view(struct vd_view **view, const struct vdisk *disk, rados_ioctx_t pool, const char *snapshot,
                      bool read_only);

#endif
