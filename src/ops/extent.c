/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <vdisk/extent.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "disk/check.h"
#include "ops/extent_scan.h"
#include "ops/op.h"

/* Where the caller wants the extents. */
struct answer {
    struct vdisk_extent *extents;
    size_t *count;
    uint64_t *next;
};

static struct answer make_answer(struct vdisk_extent *extents, size_t *count, uint64_t *next)
{
    struct answer answer;

    answer.extents = extents;
    answer.count = count;
    answer.next = next;
    return answer;
}

struct scan_op {
    struct vd_op op;
    struct vd_extent_scan scan;
    struct answer answer;
};

static int run_scan(struct vd_op *op, struct vdisk_error *err)
{
    return vd_extent_scan_run(&((struct scan_op *)op)->scan, op->disk, op->view, err);
}

static void deliver_scan(struct vd_op *op, struct vdisk_completion *completion)
{
    const struct scan_op *this = (const struct scan_op *)op;

    (void)completion;
    if (this->scan.count > 0)
        memcpy(this->answer.extents, this->scan.extents, this->scan.count * sizeof *this->scan.extents);
    *this->answer.count = this->scan.count;
    *this->answer.next = this->scan.next;
}

static void destroy_scan(struct vd_op *op)
{
    vd_extent_scan_destroy(&((struct scan_op *)op)->scan);
}

/* Reads how many extents the caller has room for, then sets the answer to nothing. */
static int check_answer(size_t *room, const struct answer *answer, uint64_t offset, struct vdisk_error *err)
{
    *room = answer->count ? *answer->count : 0;
    if (answer->count)
        *answer->count = 0;
    if (answer->next)
        *answer->next = offset;
    if (!answer->extents || !answer->count || !answer->next)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the extents: a pointer is NULL.");
    if (*room == 0)
        return vd_error_set(err, -EINVAL, "There is room for no extent: *count is 0.");
    return 0;
}

static int copy_from(struct vd_extent_scan *scan, const char *from, struct vdisk_error *err)
{
    if (!from)
        return 0;
    if (!from[0])
        return vd_error_set(err, -EINVAL, "The name of the snapshot is empty.");
    scan->from = strdup(from);
    return scan->from ? 0 : vd_error_set(err, -ENOMEM, "Out of memory for the name of the snapshot.");
}

/* Makes an operation that does `scan`, which has the range and what to find. */
static int new_scan(struct vd_op **op, const struct answer *answer, struct vdisk *disk,
                    const struct vd_extent_scan *scan, const char *from, struct vdisk_error *err)
{
    /*
     * The operation uses memory of its own. So it can be abandoned, and nobody has to wait for a cluster that does not
     * answer.
     */
    static const struct vd_op_kind kind = {
        .run = run_scan, .deliver = deliver_scan, .destroy = destroy_scan, .can_be_abandoned = true};
    struct scan_op *new;
    size_t room;
    int r;

    vd_error_clear(err);
    r = check_answer(&room, answer, scan->offset, err);
    if (r == 0)
        r = vd_check_disk(disk, err);
    if (r < 0)
        return r;
    new = vd_op_new(sizeof *new, &kind, disk, NULL, err);
    if (!new)
        return -ENOMEM;
    new->scan = *scan;
    new->scan.room = room;
    new->scan.next = scan->offset;
    new->answer = *answer;
    *op = &new->op;
    r = copy_from(&new->scan, from, err);
    if (r < 0)
        vd_op_free(*op);
    return r;
}

static int perform(const struct answer *answer, struct vdisk *disk, const struct vd_extent_scan *scan, const char *from,
                   uint32_t flags, struct vdisk_error *err)
{
    struct vd_op *op;
    int r = new_scan(&op, answer, disk, scan, from, err);

    if (r < 0)
        return r;
    r = vd_check_flags(flags, VDISK_EXTENTS_PARENT, err);
    if (r == 0)
        return vd_op_perform(op, err);
    vd_op_free(op);
    return r;
}

static int submit(struct vdisk_queue *queue, const struct answer *answer, struct vdisk *disk,
                  const struct vd_extent_scan *scan, const char *from, uint32_t flags, void *user_data,
                  struct vdisk_error *err)
{
    struct vd_op *op;
    int r = new_scan(&op, answer, disk, scan, from, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags & ~VDISK_EXTENTS_PARENT, user_data, err);
}

int vdisk_extents(struct vdisk_extent *extents, size_t *count, uint64_t *next, struct vdisk *disk, uint64_t offset,
                  uint64_t length, uint32_t flags, struct vdisk_error *err)
{
    const struct answer answer = make_answer(extents, count, next);
    const struct vd_extent_scan scan = {
        .offset = offset, .length = length, .with_parent = flags & VDISK_EXTENTS_PARENT};

    return perform(&answer, disk, &scan, NULL, flags, err);
}

int vdisk_aio_extents(struct vdisk_queue *queue, struct vdisk_extent *extents, size_t *count, uint64_t *next,
                      struct vdisk *disk, uint64_t offset, uint64_t length, uint32_t flags, void *user_data,
                      struct vdisk_error *err)
{
    const struct answer answer = make_answer(extents, count, next);
    const struct vd_extent_scan scan = {
        .offset = offset, .length = length, .with_parent = flags & VDISK_EXTENTS_PARENT};

    return submit(queue, &answer, disk, &scan, NULL, flags, user_data, err);
}

int vdisk_diff(struct vdisk_extent *changes, size_t *count, uint64_t *next, struct vdisk *disk, const char *from,
               uint64_t offset, uint64_t length, uint32_t flags, struct vdisk_error *err)
{
    const struct answer answer = make_answer(changes, count, next);
    const struct vd_extent_scan scan = {
        .offset = offset, .length = length, .with_parent = flags & VDISK_EXTENTS_PARENT, .changes = true};

    return perform(&answer, disk, &scan, from, flags, err);
}

int vdisk_aio_diff(struct vdisk_queue *queue, struct vdisk_extent *changes, size_t *count, uint64_t *next,
                   struct vdisk *disk, const char *from, uint64_t offset, uint64_t length, uint32_t flags,
                   void *user_data, struct vdisk_error *err)
{
    const struct answer answer = make_answer(changes, count, next);
    const struct vd_extent_scan scan = {
        .offset = offset, .length = length, .with_parent = flags & VDISK_EXTENTS_PARENT, .changes = true};

    return submit(queue, &answer, disk, &scan, from, flags, user_data, err);
}
