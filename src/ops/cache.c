/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What librbd keeps of an image in memory. */
#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include <vdisk/disk.h>
#include <vdisk/queue.h>

#include "base/error.h"
#include "disk/check.h"
#include "disk/disk.h"
#include "ops/task.h"

/*
 * librbd writes back what is dirty before it drops it, but does not tell whether that worked: on a fenced client, all
 * is dropped and called a success (16.2.15). So it is written back first, where the answer is heard.
 */
static int write_back(struct vdisk *disk, rbd_image_t image)
{
    uint64_t mark = vd_flush_state_mark(&disk->flush_state);

    if (!vd_flush_state_unflushed(&disk->flush_state))
        return vd_flush_state_error(&disk->flush_state);
    return vd_flush_state_flushed(&disk->flush_state, mark, vd_disk_flush(disk, image));
}

static int run_invalidate(struct vd_task *task, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    const char *image = vd_quote(&quoted, vdisk_uri_image(task->disk->uri));
    int r = write_back(task->disk, task->view->image);

    if (r < 0)
        return vd_error_set(err, r, "Flushing image %s before its cache is dropped failed: %s.", image, strerror(-r));
    r = rbd_invalidate_cache(task->view->image);
    if (r < 0)
        return vd_error_set(err, r, "Dropping the cache of image %s failed: %s.", image, strerror(-r));
    return 0;
}

static int new_invalidate(struct vd_task **task, struct vdisk *disk, struct vdisk_error *err)
{
    static const struct vd_task_kind kind = {.run = run_invalidate};
    int r;

    vd_error_clear(err);
    r = vd_check_disk(disk, err);
    if (r < 0)
        return r;
    *task = vd_task_new(sizeof **task, &kind, disk, NULL, err);
    return *task ? 0 : -ENOMEM;
}

int vdisk_invalidate(struct vdisk *disk, struct vdisk_error *err)
{
    struct vd_task *task;
    int r = new_invalidate(&task, disk, err);

    return r < 0 ? r : vd_task_perform(task, err);
}

int vdisk_aio_invalidate(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                         struct vdisk_error *err)
{
    struct vd_task *task;
    int r = new_invalidate(&task, disk, err);

    return r < 0 ? r : vd_task_submit(queue, task, flags, user_data, err);
}
