/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a disk, on the caller's thread or, for a queue, on one of the executor's. */
#include <errno.h>
#include <stdlib.h>

#include <vdisk/disk.h>
#include <vdisk/queue.h>

#include "base/error.h"
#include "cluster/connections.h"
#include "disk/disk.h"
#include "disk/opening.h"
#include "ops/close.h"
#include "ops/op.h"
#include "ops/open_args.h"
#include "uri/uri.h"

#define FLAGS (VDISK_OPEN_READ_ONLY | VDISK_OPEN_EXCLUSIVE | VDISK_OPEN_BREAK_LOCK | VDISK_OPEN_WAIT_FOR_SPACE)

struct open_op {
    struct vd_op op;
    /* run gives these to the disk that it opens, and sets the pointer to NULL. */
    struct vd_open_args *args;
    /* Where the caller wants the disk. */
    struct vdisk **disk;
    struct vdisk *opened;
};

static int connect_and_open(struct vdisk **disk, struct vd_cluster *cluster, const struct vd_open_args *args,
                            struct vdisk_error *err)
{
    const struct vdisk_open_options *options = &args->options;
    const struct vdisk_uri *uri = args->uri;
    struct vd_connection *connection = NULL;
    rados_ioctx_t pool = NULL;
    struct vdisk_uri *names;
    int r;

    r = vd_uri_copy_names(&names, uri, err);
    if (r < 0)
        return r;
    r = vd_connection_get_for_disk(&connection, &pool, cluster, uri, options, err);
    if (r == 0)
        r = vd_opening_open(disk, connection, pool, names, options, err);
    if (r == 0)
        return 0;
    if (pool)
        rados_ioctx_destroy(pool);
    if (connection && r == -ESHUTDOWN)
        vd_connection_retire(connection);
    vd_connection_put_by_disk(connection);
    vdisk_uri_free(names);
    return r;
}

static int run(struct vd_op *op, struct vdisk_error *err)
{
    struct open_op *this = (struct open_op *)op;
    int r = connect_and_open(&this->opened, op->cluster, this->args, err);

    if (r < 0)
        return r;
    this->opened->open_args = this->args;
    this->args = NULL;
    return 0;
}

static void deliver(struct vd_op *op, struct vdisk_completion *completion)
{
    struct open_op *this = (struct open_op *)op;

    *this->disk = this->opened;
    completion->disk = this->opened;
    this->opened = NULL;
}

/*
 * Closes a disk that was opened although the operation had been cancelled meanwhile. This happens on the thread that
 * opened it.
 */
static void destroy(struct vd_op *op)
{
    struct open_op *this = (struct open_op *)op;

    if (this->opened)
        vd_close_disk(this->opened, NULL);
    vd_open_args_free(this->args);
}

static int check_access(const struct vd_open_args *args, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    if (!vdisk_uri_snapshot(args->uri) || args->options.flags & VDISK_OPEN_READ_ONLY)
        return 0;
    return vd_error_set(err, -EROFS, "Snapshot %s can only be opened read-only: give VDISK_OPEN_READ_ONLY.",
                        vd_quote(&quoted, vdisk_uri_snapshot(args->uri)));
}

static int new_args(struct vd_open_args **args, struct vd_cluster **cluster, const struct vdisk_uri *uri,
                    const struct vdisk_open_options *options, struct vdisk_error *err)
{
    int r;

    *cluster = NULL;
    *args = calloc(1, sizeof **args);
    if (!*args)
        return vd_error_set(err, -ENOMEM, "Out of memory for the options.");
    r = vd_open_args_init(*args, cluster, uri, options, FLAGS, err);
    if (r == 0)
        r = check_access(*args, err);
    return r;
}

static int new_open(struct vd_op **op, struct vdisk **disk, const struct vdisk_uri *uri,
                    const struct vdisk_open_options *options, struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {
        .run = run, .deliver = deliver, .destroy = destroy, .can_be_abandoned = true};
    struct vd_cluster *cluster;
    struct vd_open_args *args;
    struct open_op *new;
    int r;

    vd_error_clear(err);
    if (!disk)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the disk: the pointer is NULL.");
    *disk = NULL;
    r = new_args(&args, &cluster, uri, options, err);
    if (r < 0) {
        vd_cluster_put(cluster);
        vd_open_args_free(args);
        return r;
    }
    new = vd_op_new(sizeof *new, &kind, NULL, cluster, err);
    if (!new) {
        vd_open_args_free(args);
        return -ENOMEM;
    }
    new->args = args;
    new->disk = disk;
    *op = &new->op;
    return 0;
}

int vdisk_open(struct vdisk **disk, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
               struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_open(&op, disk, uri, options, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_open(struct vdisk_queue *queue, struct vdisk **disk, const struct vdisk_uri *uri,
                   const struct vdisk_open_options *options, uint32_t flags, void *user_data, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_open(&op, disk, uri, options, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}

int vdisk_open_uri(struct vdisk **disk, const char *uri, const struct vdisk_open_options *options,
                   struct vdisk_error *err)
{
    struct vdisk_uri *parsed;
    int r;

    if (disk)
        *disk = NULL;
    r = vdisk_uri_parse(&parsed, uri, err);
    if (r < 0)
        return r;
    r = vdisk_open(disk, parsed, options, err);
    vdisk_uri_free(parsed);
    return r;
}
