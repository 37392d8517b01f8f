/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open disk: its current view of the image, and what is known of its writes.
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

/* Why a disk lets nobody in. */
enum vd_refuse_reason {
    /* The cluster has fenced the client: nothing goes through the view any more. */
    VD_REFUSE_FENCED = 1,
    /* It is being reopened, or that has failed halfway. */
    VD_REFUSE_REOPENING = 2,
    /* It is being closed. Only this bar lets in those who hold the disk; it is set before the view is retired for good.
     */
    VD_REFUSE_CLOSING = 4,
};

/* Room for an image's id. */
#define VD_IMAGE_ID_SIZE 64

/* What may be cancelled and still be with librbd, before nothing more is accepted. */
#define VD_DETACHED_MAX 1024
#define VD_DETACHED_BYTES_MAX (UINT64_C(256) << 20)
/* The same of writes that may still complete, at each of which every request has to look. */
#define VD_INDETERMINATE_MAX 1024

/* Which image it is. */
struct vd_disk_identity {
    /* The names alone, without options. */
    struct vdisk_uri *uri;
    char image_id[VD_IMAGE_ID_SIZE];
    /* The id of the open snapshot; 0 for the head. */
    uint64_t snapshot_id;
    struct vd_parent parent;
};

/* What requests to it must respect. Set when the disk is opened or reopened, and constant in between. */
struct vd_disk_limits {
    bool read_only;
    struct vd_layout layout;
    uint64_t features;
    /* Where in the image its contents begin: behind the header of an encrypted image; otherwise 0. */
    uint64_t data_offset;
    /* As in struct vdisk_info. */
    uint64_t discard_granularity;
    uint64_t compare_and_write_boundary;
    uint32_t cache_mode;
    /* How many successful calls of rbd_flush in a row make one flush that can be believed: see vd_disk_flush. */
    unsigned int flushes;
    /* librbd copies what is written before the call returns, as is its default. */
    bool copies_writes;
    uint32_t io_timeout_ms;
};

/* The control operations (op.h) that are accepted and not finished. */
struct vd_disk_users {
    struct vd_gate references;
    /*
     * Set once a close is queued. Nothing may be queued behind it: the close waits for all users of the disk, so both
     * would deadlock.
     */
    atomic_bool close_posted;
    /* Posted when the gate is closed and the last user has left. */
    sem_t unreferenced;
    /* Where the operations wait for their turn. */
    struct vd_lane lane;
};

/* Reopening (ops/reopen.c). */
struct vd_disk_reopening {
    atomic_bool under_way;
    /* The addresses of the clients that the disk had before its present one. */
    char **former_addresses;
    size_t former_count;
};

/*
 * How it learns of changes to its image (refresh.h): a writable disk by Ceph's watch on the image's header, a read-only
 * disk by a timer.
 */
struct vd_disk_refresh {
    uint64_t watch;
    bool watching;
    struct vd_background_job job;
    atomic_bool job_posted;
    /* The disk is closing: background jobs must not use its view any more. */
    atomic_bool stopped;
    struct vd_timer timer;
    struct vd_background_job poll_job;
    atomic_bool poll_posted;
    /* The digest of the snapshots that the subscribers know of. Only background jobs use it. */
    uint64_t snapshot_digest;
    struct vd_subscribers subscribers;
};

/* Requests that were cancelled or have expired while librbd had them, and the memory that they still use. */
struct vd_disk_detached {
    _Atomic uint32_t requests;
    _Atomic uint64_t bytes;
};

/* The background job that starts requests which the write barrier no longer blocks. */
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
    /* The cluster of every connection that the disk has during its life. The connections keep it alive. */
    struct vd_cluster *cluster;
    struct vd_connection *connection;
    rados_ioctx_t pool;
    /* A copy of everything that the disk was opened with, secrets too, for reopening. Freed before the disk. */
    struct vd_open_args *open_args;
    /* A part of open_args. */
    const struct vdisk_open_options *options;
    struct vd_disk_identity identity;
    struct vd_disk_limits limits;
    struct vd_disk_users users;
    struct vd_background background;

    /*
     * Replaced by a background job, or while the disk is reopened. Older views are linked from the newest one; their
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
    /* How many I/Os wait in the plugs of queues (plug.h). */
    _Atomic unsigned int plugged;
    struct vd_write_barrier write_barrier;
    struct vd_disk_unblock unblock;
    struct vd_disk_sync sync;
};

/*
 * rbd_flush, until it can be believed. With a write-back cache, librbd 16 flushes each object by several writes, and
 * reports the result of the last alone, which need not be the one sent last: what failed before it is dirty again, and
 * the flush says success (seen with a client fenced meanwhile: every tenth time). Another one then sends it again, and
 * is told of the error; when nothing is dirty it costs nothing. A sequence of requests does the same (rbd_io.h).
 */
int vd_disk_flush(const struct vdisk *disk, rbd_image_t image);

/*
 * The same if a write is not flushed, with its result noted in the flush state. Returns what librbd answered, which the
 * flush state turns into what callers may be told (vd_flush_state_error).
 */
int vd_disk_flush_writes(struct vdisk *disk, rbd_image_t image);

/* With the current view empty: waits for the older ones, closes all. Returns the first error. Blocks. */
int vd_disk_close_views(struct vdisk *disk);

/* After vd_disk_close: drops what the disk has of the cluster, which can block; and then its memory, which cannot. */
void vd_disk_disconnect(struct vdisk *disk);
void vd_disk_free(struct vdisk *disk);

/*
 * Keeps the disk, and its last view in use, for a control operation. false: the disk is closing. To be let go, after
 * which the disk may go.
 */
bool vd_disk_get(struct vdisk *disk);
void vd_disk_put(struct vdisk *disk);

/*
 * Enters the current view of a disk that is held, closing or not. To be left with vd_view_leave. NULL: it is barred,
 * and vd_disk_refusal tells why.
 */
struct vd_view *vd_disk_enter_even_closing(struct vdisk *disk);

static inline bool vd_disk_is_closing(const struct vdisk *disk)
{
    /* Acquire: see vd_disk_enter. */
    return atomic_load_explicit(&disk->refuse_reasons, memory_order_acquire) & VD_REFUSE_CLOSING;
}

/* To those who hold it, too. */
static inline bool vd_disk_refuses_all(const struct vdisk *disk)
{
    /* Acquire: see vd_disk_enter. */
    return atomic_load_explicit(&disk->refuse_reasons, memory_order_acquire) & ~(unsigned int)VD_REFUSE_CLOSING;
}

/* The current view, entered or not: the caller knows that it is not closed, or does not look at its image. */
static inline struct vd_view *vd_disk_view(const struct vdisk *disk)
{
    /* Acquire: the view is complete before it is published. */
    return atomic_load_explicit(&disk->view, memory_order_acquire);
}

/* Enters the current view; NULL: vd_disk_refusal tells why not. To be left with vd_view_leave, after which the disk
 * may go. */
static inline struct vd_view *vd_disk_enter(struct vdisk *disk)
{
    /*
     * Acquire: a bar is set before the view is retired without a successor, so this loop ends; and whoever finds a bar
     * gone finds the view that took it away.
     */
    while (atomic_load_explicit(&disk->refuse_reasons, memory_order_acquire) == 0) {
        struct vd_view *view = vd_disk_view(disk);

        if (vd_view_enter(view))
            return view;
        /* Retired in between; its successor was published before. */
    }
    return NULL;
}

/* The background jobs': puts another in its place. Those who are in the old one end on it. */
void vd_disk_replace_view(struct vdisk *disk, struct vd_view *view);

/*
 * Of a request that is cancelled while librbd has it, and of requests' end there; and of memory that has to be kept
 * beyond that. There can be too many.
 */
void vd_disk_note_detached(struct vdisk *disk, uint64_t bytes);
void vd_disk_note_settled(struct vdisk *disk, uint32_t requests, uint64_t bytes);
void vd_disk_note_kept(struct vdisk *disk, uint64_t bytes);
static inline bool vd_disk_has_too_many_detached(const struct vdisk *disk)
{
    uint32_t detached = atomic_load_explicit(&disk->detached.requests, memory_order_relaxed);
    unsigned int indeterminate = vd_write_barrier_writes(&disk->write_barrier);

    /* Mostly there are none, and then they hold no memory either. */
    if (detached == 0 && indeterminate == 0)
        return false;
    return detached >= VD_DETACHED_MAX || indeterminate >= VD_INDETERMINATE_MAX ||
           atomic_load_explicit(&disk->detached.bytes, memory_order_relaxed) >= VD_DETACHED_BYTES_MAX;
}

/* Lets go, aside, what unsettled writes no longer hold up. To be called with the disk entered. */
void vd_disk_unblock(struct vdisk *disk);

/* Initializes the parts of a new disk whose cluster and connection are set. It may be fenced from then on. */
void vd_disk_init(struct vdisk *disk);
int vd_disk_read_id(char id[VD_IMAGE_ID_SIZE], rbd_image_t image);

uint64_t vd_disk_size(const struct vdisk *disk);

/* Asks librbd for the size of an entered view, and tells those who watch when it is a new one. 0 or a negative errno.
 */
int vd_disk_refresh_size(struct vdisk *disk, struct vd_view *view);

/*
 * What librbd answered to anything that was asked of it through an entered view: -ESHUTDOWN says that the cluster has
 * fenced the client, which is remembered. Any thread, never blocks.
 */
void vd_disk_note_fenced(struct vdisk *disk);
static inline void vd_disk_note_result(struct vdisk *disk, int result)
{
    if (result == -ESHUTDOWN)
        vd_disk_note_fenced(disk);
}
bool vd_disk_is_fenced(const struct vdisk *disk);

/*
 * The fencing of the client that the disk had is proven: the newest map of the cluster tells of it, so that nothing the
 * client has sent can change what is read from now on. Settles the writes that librbd does not tell of. To be called
 * with the disk held or entered.
 */
void vd_disk_settle_fenced(struct vdisk *disk);

/* Sets and clears bars. */
void vd_disk_refuse(struct vdisk *disk, enum vd_refuse_reason reason);
void vd_disk_admit(struct vdisk *disk, unsigned int reasons);

/* Why the disk lets nobody in. Returns -ESHUTDOWN. */
int vd_disk_refusal(const struct vdisk *disk, struct vdisk_error *err);

/*
 * Opens the disk's image once more, read-only, since librbd never learns of a change through a read-only opening. To be
 * discarded. -ENOENT: it is gone, whatever image has its name by now. Blocks.
 */
int vd_disk_open_again(struct vd_view **view, struct vdisk *disk);

/* The same, through any pool and for any use. */
int vd_disk_open_view(struct vd_view **view, const struct vdisk *disk, rados_ioctx_t pool, const char *snapshot,
                      bool read_only);

#endif
