/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/op_entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void vd_op_entry_deliver(struct vd_op_entry *op_entry, struct vdisk_completion *completion)
{
    completion->user_data = op_entry->user_data;
    completion->result = op_entry->result;
    memcpy(completion->reserved, &op_entry->serial, sizeof op_entry->serial);
    if (op_entry->op)
        op_entry->calls->deliver(op_entry, completion);
}

void vd_op_entry_deliver_progress(struct vd_op_entry *op_entry, struct vdisk_completion *completion)
{
    /*
     * Release: pairs with the acquire in vd_op_progress, which can post the entry again from here on. Acquire: pairs
     * with the release there; the load below sees the progress of every call that found the entry posted.
     */
    atomic_exchange_explicit(&op_entry->progress_posted, false, memory_order_acq_rel);
    completion->user_data = op_entry->user_data;
    completion->flags = VDISK_COMPLETION_MORE;
    completion->value = atomic_load_explicit(&op_entry->progress, memory_order_relaxed);
}

static void finish(struct vd_op_entry *op_entry, int result, const char *message)
{
    op_entry->op = NULL;
    op_entry->result = vd_error_set(&op_entry->error, result, "%s", message);
    op_entry->finished = true;
}

int vd_op_entry_cancel(struct vd_op_entry *op_entry)
{
    int r = op_entry->calls->cancel(op_entry);

    if (r == 0)
        finish(op_entry, -ECANCELED, "The operation was cancelled.");
    return r;
}

int vd_op_entry_expire(struct vd_op_entry *op_entry)
{
    const char *message;
    int r = op_entry->calls->expire(op_entry, &message);

    if (r == 0)
        finish(op_entry, -ETIMEDOUT, message);
    return r;
}

void vd_op_entry_free(struct vd_op_entry *op_entry)
{
    if (op_entry->op)
        op_entry->calls->free(op_entry);
    free(op_entry);
}
