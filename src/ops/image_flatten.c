/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include <vdisk/image.h>

#include "base/error.h"
#include "disk/check.h"
#include "ops/task.h"

static int flatten(struct vd_task *task, struct vdisk_error *err)
{
    struct vd_quoted image;
    int r = rbd_flatten_with_progress(task->view->image, vd_task_progress, task);

    if (r == 0)
        vd_parent_cut(&task->disk->parent);
    if (r >= 0)
        return 0;
    vd_quote(&image, vdisk_uri_image(task->disk->uri));
    return vd_error_set(err, r, "Flattening image %s failed: %s.", image.text,
                        r == -EINVAL ? "it has no parent" : strerror(-r));
}

static int new_flatten(struct vd_task **task, struct vdisk *disk, uint32_t flags, struct vdisk_error *err)
{
    static const struct vd_task_kind kind = {.run = flatten, .has_progress = true};
    int r;

    vd_error_clear(err);
    r = vd_check_writable(disk, "Flattening", err);
    if (r == 0)
        r = vd_check_flags(flags, 0, err);
    if (r < 0)
        return r;
    *task = vd_task_new(sizeof **task, &kind, disk, NULL, err);
    return *task ? 0 : -ENOMEM;
}

int vdisk_flatten(struct vdisk *disk, uint32_t flags, struct vdisk_error *err)
{
    struct vd_task *task = NULL;
    int r = new_flatten(&task, disk, flags, err);

    return r < 0 ? r : vd_task_perform(task, err);
}

int vdisk_aio_flatten(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                      struct vdisk_error *err)
{
    struct vd_task *task = NULL;
    int r = new_flatten(&task, disk, 0, err);

    return r < 0 ? r : vd_task_submit(queue, task, flags, user_data, err);
}
