/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reopens a disk: gives it another client in place of one that is fenced or does not work any more.
 *
 * First, all that can fail is tried beside the old client, from which nothing is taken. Then there is no way back: the
 * old view is emptied, the writes of the old client are settled, and the new view takes its place. If something fails
 * halfway, the disk goes on refusing (VD_REFUSE_REOPENING) until another attempt succeeds.
 */
#include <errno.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/disk.h>
#include <vdisk/event.h>
#include <vdisk/queue.h>

#include "base/error.h"
#include "cluster/connections.h"
#include "disk/check.h"
#include "disk/disk.h"
#include "disk/encryption.h"
#include "disk/lock.h"
#include "disk/opening.h"
#include "disk/refresh.h"
#include "ops/op.h"
#include "ops/open_args.h"

/* How many owners of the lock to ask for. An exclusive lock has one. */
#define OWNERS_MAX 4

struct reopen_op {
    struct vd_op op;
    uint32_t flags;
    /* The address of the present client. */
    char *old_address;
    /* The next client, and what is open through it. install_new_client moves all of these into the disk. */
    struct vd_connection *connection;
    rados_ioctx_t pool;
    struct vd_view *view;
    /* The new client has seen a map that fences the old one. */
    bool has_fencing_map;
};

static int reopen_error(const struct vdisk *disk, int code, const char *doing, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    return vd_error_set(err, code, "Image %s is not reopened: %s failed: %s.",
                        vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), doing, strerror(-code));
}

/*
 * Reads the address of the present client. check_owners uses it to tell a lock of this disk from one of somebody else:
 * a fenced client cannot release its lock.
 */
static int read_address(struct reopen_op *this, struct vdisk_error *err)
{
    const struct vdisk *disk = this->op.disk;
    int r = rados_getaddrs(disk->connection->rados, &this->old_address);

    return r < 0 ? reopen_error(disk, r, "asking for the address of its client", err) : 0;
}

static bool is_former_address(const struct vdisk *disk, const char *address)
{
    for (size_t i = 0; i < disk->reopening.former_count; i++) {
        if (strcmp(disk->reopening.former_addresses[i], address) == 0)
            return true;
    }
    return false;
}

/* Makes room for one more address, so that install_new_client cannot fail. */
static int reserve_address(struct vdisk *disk, struct vdisk_error *err)
{
    char **longer = realloc(disk->reopening.former_addresses, (disk->reopening.former_count + 1) * sizeof *longer);

    if (!longer)
        return vd_error_set(err, -ENOMEM, "Out of memory for an address.");
    disk->reopening.former_addresses = longer;
    return 0;
}

/*
 * Waits until the new client has the newest map of the cluster. Once the cluster has heard from a client with that map,
 * it carries out nothing more of a client that the map fences. So the old client does not change any more what the new
 * one reads.
 */
static int wait_for_newest_map(struct reopen_op *this, struct vdisk_error *err)
{
    bool is_fenced = vd_disk_is_fenced(this->op.disk);
    int r = rados_wait_for_latest_osdmap(this->connection->rados);

    if (r < 0)
        return reopen_error(this->op.disk, r, "waiting for the cluster's newest map", err);
    this->has_fencing_map = is_fenced;
    return 0;
}

static int get_connection(struct reopen_op *this, struct vdisk_error *err)
{
    const struct vdisk *disk = this->op.disk;
    int r;

    vd_connection_retire(disk->connection);
    r = vd_connection_get_for_disk(&this->connection, &this->pool, disk->connection->cluster, disk->open_args->uri,
                                   &disk->open_args->options, err);
    return r < 0 ? r : wait_for_newest_map(this, err);
}

static int open_view(struct reopen_op *this, struct vdisk_error *err)
{
    const struct vdisk *disk = this->op.disk;
    struct vd_quoted quoted;
    int r = vd_disk_open_view(&this->view, disk, this->pool, vdisk_uri_snapshot(disk->identity.uri),
                              disk->limits.read_only);

    if (r == -ENOENT)
        return vd_error_set(err, r,
                            "Image %s is not reopened: it, or its snapshot, is gone, whatever has its name now.",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)));
    if (r < 0)
        return reopen_error(disk, r, "opening it", err);
    return vd_encryption_load(this->view, disk->options, vdisk_uri_image(disk->identity.uri), err);
}

static int check_owners(const struct reopen_op *this, char **owners, size_t count, struct vdisk_error *err)
{
    const struct vdisk *disk = this->op.disk;
    struct vd_quoted image, owner;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(owners[i], this->old_address) == 0 || is_former_address(disk, owners[i]))
            continue;
        return vd_error_set(err, -EBUSY, "Image %s is not reopened: its exclusive lock belongs to another client, %s.",
                            vd_quote(&image, vdisk_uri_image(disk->identity.uri)), vd_quote(&owner, owners[i]));
    }
    return 0;
}

/*
 * Checks that the exclusive lock does not belong to somebody else. librbd answers this only through an opening for
 * writing, and only a disk that writes needs the lock.
 */
static int check_lock(const struct reopen_op *this, struct vdisk_error *err)
{
    char *owners[OWNERS_MAX];
    size_t count = OWNERS_MAX;
    rbd_lock_mode_t mode;
    int r;

    if (this->op.disk->limits.read_only)
        return 0;
    r = rbd_lock_get_owners(this->view->image, &mode, owners, &count);
    /* -ENOENT: nobody has the lock. -EINVAL: the image has no such lock. */
    if (r == -ENOENT || r == -EINVAL)
        return 0;
    if (r < 0)
        return reopen_error(this->op.disk, r, "asking who has its exclusive lock", err);
    r = check_owners(this, owners, count, err);
    rbd_lock_get_owners_cleanup(owners, count);
    return r;
}

static int fence_error(const struct vdisk *disk, int code, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    if (code == -EACCES || code == -EPERM)
        return vd_error_set(err, code,
                            "Image %s is not reopened: the Ceph user may not fence its old client; that takes the "
                            "monitors' capability \"profile rbd\".",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)));
    return reopen_error(disk, code, "fencing its old client", err);
}

/* Has the cluster fence the old client, for as long as the cluster does that by default. */
static int fence_old_client(struct reopen_op *this, struct vdisk_error *err)
{
    struct vdisk *disk = this->op.disk;
    int r = rados_blocklist_add(this->connection->rados, this->old_address, 0);

    if (r < 0)
        return fence_error(disk, r, err);
    vd_disk_note_result(disk, -ESHUTDOWN);
    return wait_for_newest_map(this, err);
}

/*
 * Fails while requests wait in a plug: they stay in the old view until they are sent. The thread that waits for this
 * operation may be the one that has to send them.
 */
static int check_unplugged(const struct vdisk *disk, struct vdisk_error *err)
{
    /* Relaxed: see vd_plug_add. */
    if (atomic_load_explicit(&disk->plugged, memory_order_relaxed) == 0)
        return 0;
    return vd_error_set(err, -EBUSY, "A queue is plugged with requests to the disk: unplug it first.");
}

/* Fails while a write of the old client may still reach the image, unless the client is fenced, when none can. */
static int check_settled(struct vdisk *disk, struct vdisk_error *err)
{
    unsigned int writes = vd_write_barrier_writes(&disk->write_barrier);
    struct vd_quoted quoted;

    if (vd_disk_is_fenced(disk) || writes == 0)
        return 0;
    return vd_error_set(err, -EBUSY,
                        "Image %s is not reopened: indeterminate writes may still reach it (%u of them); "
                        "VDISK_REOPEN_FENCE makes sure that they do not.",
                        vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), writes);
}

static int prepare_new_client(struct reopen_op *this, struct vdisk_error *err)
{
    struct vdisk *disk = this->op.disk;
    int r = read_address(this, err);

    if (r == 0)
        r = reserve_address(disk, err);
    if (r == 0)
        r = get_connection(this, err);
    if (r == 0)
        r = open_view(this, err);
    if (r == 0)
        r = check_lock(this, err);
    if (r == 0 && this->flags & VDISK_REOPEN_FENCE && !vd_disk_is_fenced(disk))
        r = fence_old_client(this, err);
    return r;
}

/*
 * Settles the writes of the old client, whose view is empty: flushes them or, if the client is fenced, drops those that
 * can never reach the image and notes the loss of what was not flushed. If the fence was noticed only now, the new
 * client first waits for the map that has it.
 */
static int settle_old_writes(struct reopen_op *this, struct vdisk_error *err)
{
    struct vdisk *disk = this->op.disk;
    struct vd_view *old = vd_disk_view(disk);
    int r;

    if (!vd_disk_is_fenced(disk) && !old->closed)
        vd_disk_note_result(disk, vd_disk_flush_writes(disk, old->image));
    if (!vd_disk_is_fenced(disk))
        return 0;
    r = this->has_fencing_map ? 0 : wait_for_newest_map(this, err);
    if (r < 0)
        return r;
    vd_disk_settle_fenced(disk);
    vd_flush_state_lose(&disk->flush_state);
    return 0;
}

/*
 * Gives the disk the new connection, pool and view; the old view is closed. From here on the disk owns them, and if a
 * later step fails, the next reopening replaces them.
 */
static void install_new_client(struct reopen_op *this)
{
    struct vdisk *disk = this->op.disk;
    struct vd_connection *old_connection = disk->connection;
    rados_ioctx_t old_pool = disk->pool;

    /* Runs the jobs that the end of the old client has posted. */
    vd_background_flush(&disk->background);
    disk->connection = this->connection;
    disk->background.worker = &this->connection->worker;
    disk->pool = this->pool;
    this->view->older = vd_disk_view(disk);
    /* Release: pairs with the acquire in vd_disk_view, whose caller sees a complete view. */
    atomic_store_explicit(&disk->view, this->view, memory_order_release);
    disk->reopening.former_addresses[disk->reopening.former_count++] = this->old_address;
    this->connection = NULL;
    this->pool = NULL;
    this->view = NULL;
    this->old_address = NULL;
    /* Runs what other threads have posted to the old worker meanwhile. */
    vd_worker_flush(&old_connection->worker);
    vd_background_flush(&disk->background);
    rados_ioctx_destroy(old_pool);
    vd_connection_put_by_disk(old_connection);
}

/*
 * Takes the exclusive lock for a disk that was opened with it. Breaks it if a former client of the disk still has it;
 * check_lock has seen that nobody else does.
 */
static int take_lock(struct vdisk *disk, struct vdisk_error *err)
{
    struct vd_lock_terms terms = {.dead = disk->reopening.former_addresses, .dead_count = disk->reopening.former_count};

    if (!(disk->options->flags & VDISK_OPEN_EXCLUSIVE))
        return 0;
    return vd_lock_take(vd_disk_view(disk)->image, vdisk_uri_image(disk->identity.uri), &terms, err);
}

static int lock_and_watch(struct vdisk *disk, struct vdisk_error *err)
{
    int r = take_lock(disk, err);

    if (r < 0)
        return r;
    r = vd_refresh_restart(disk);
    return r < 0 ? reopen_error(disk, r, "watching it", err) : 0;
}

/* Begins to use the new view. On failure closes it, and nothing uses it any more. */
static int start_new_view(struct vdisk *disk, struct vdisk_error *err)
{
    int r = lock_and_watch(disk, err);

    if (r == 0)
        return 0;
    vd_refresh_stop(disk);
    vd_view_retire(vd_disk_view(disk));
    vd_view_wait_empty(vd_disk_view(disk));
    vd_disk_close_views(disk);
    vd_refresh_end(disk);
    return r;
}

static int change_over(struct reopen_op *this, struct vdisk_error *err)
{
    struct vdisk *disk = this->op.disk;
    uint64_t old_size;
    int r;

    vd_opening_empty_view(disk);
    r = settle_old_writes(this, err);
    if (r == 0)
        r = check_settled(disk, err);
    if (r < 0)
        return r;
    old_size = vd_disk_size(disk);
    /*
     * The error is not needed: it is that of the flush, which the flush state has. A fenced client cannot be asked for
     * more.
     */
    vd_disk_close_views(disk);
    vd_refresh_end(disk);
    install_new_client(this);
    r = start_new_view(disk, err);
    if (r < 0)
        return r;
    vd_disk_admit(disk, VD_REFUSE_FENCED | VD_REFUSE_REOPENING);
    if (vd_disk_size(disk) != old_size)
        vd_subscribers_tell(&disk->refresh.subscribers, VDISK_EVENT_RESIZED);
    return 0;
}

static int reopen(struct reopen_op *this, struct vdisk_error *err)
{
    struct vdisk *disk = this->op.disk;
    int r;

    r = prepare_new_client(this, err);
    if (r < 0)
        return r;
    vd_disk_refuse(disk, VD_REFUSE_REOPENING);
    r = check_unplugged(disk, err);
    if (r == 0)
        r = check_settled(disk, err);
    if (r == 0)
        return change_over(this, err);
    /* If an earlier attempt has failed halfway, there is no view to go on with. */
    if (!vd_disk_view(disk)->is_over)
        vd_disk_admit(disk, VD_REFUSE_REOPENING);
    return r;
}

/* Frees what the disk did not take. This is done on the operation's thread, because it can block. */
static void free_unused(struct reopen_op *this, int result)
{
    if (this->connection && result == -ESHUTDOWN)
        vd_connection_retire(this->connection);
    if (this->view)
        vd_view_close_and_free(this->view);
    if (this->pool)
        rados_ioctx_destroy(this->pool);
    vd_connection_put_by_disk(this->connection);
    free(this->old_address);
}

static int run_reopen(struct vd_op *op, struct vdisk_error *err)
{
    struct reopen_op *this = (struct reopen_op *)op;
    struct vdisk *disk = op->disk;
    int r;

    /* Acquire: pairs with the release below; an attempt sees what the one before has left. */
    if (atomic_exchange_explicit(&disk->reopening.under_way, true, memory_order_acq_rel))
        return vd_error_set(err, -EALREADY, "The disk is being reopened by another call.");
    r = reopen(this, err);
    free_unused(this, r);
    atomic_store_explicit(&disk->reopening.under_way, false, memory_order_release);
    return r;
}

static int new_reopen(struct vd_op **op, struct vdisk *disk, uint32_t flags, struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = run_reopen, .without_view = true};
    struct reopen_op *new;
    int r;

    vd_error_clear(err);
    r = vd_check_disk(disk, err);
    if (r == 0)
        r = vd_check_flags(flags, VDISK_REOPEN_FENCE, err);
    if (r < 0)
        return r;
    new = vd_op_new(sizeof *new, &kind, disk, NULL, err);
    if (!new)
        return -ENOMEM;
    new->flags = flags;
    *op = &new->op;
    return 0;
}

int vdisk_reopen(struct vdisk *disk, uint32_t flags, struct vdisk_error *err)
{
    struct vd_op *op;
    int r = new_reopen(&op, disk, flags, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_reopen(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                     struct vdisk_error *err)
{
    struct vd_op *op;
    int r = new_reopen(&op, disk, flags, err);

    return r < 0 ? r : vd_op_submit(queue, op, 0, user_data, err);
}
