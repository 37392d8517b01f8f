/* SPDX-License-Identifier: MIT */
#include "img/operation.h"

#include <string.h>

#include "common/progress.h"
#include "common/tool.h"

static int wait_for_end(struct vdisk_queue *queue, struct progress *progress, struct vdisk_error *err)
{
    struct vdisk_completion completion;
    for (;;) {
        int count = vdisk_queue_wait(queue, &completion, 1, 1, -1);
        if (count < 0)
            return tool_fail(err, count, "The end of the operation cannot be waited for: %s.", strerror(-count));
        if (!(completion.flags & VDISK_COMPLETION_MORE))
            break;
        progress_update(progress, completion.value);
    }
    return completion.result < 0 ? vdisk_queue_error(queue, &completion, err) : 0;
}

static int run(struct vdisk_queue *queue, const struct img_args *args, struct vdisk *disk, operation_start *start,
               struct vdisk_error *err)
{
    struct progress progress = {.shown = progress_is_wanted(&args->progress), .is_share = true};
    int result = start(queue, args, disk, err);
    if (result < 0)
        return result;
    progress_start(&progress, VDISK_PROGRESS_WHOLE);
    result = wait_for_end(queue, &progress, err);
    if (result == 0)
        progress_update(&progress, VDISK_PROGRESS_WHOLE);
    progress_finish(&progress);
    return result;
}

int operation_run(const struct img_args *args, struct vdisk *disk, operation_start *start, struct vdisk_error *err)
{
    struct vdisk_queue *queue;
    int result = vdisk_queue_create(&queue, NULL, err);
    if (result < 0)
        return result;
    result = run(queue, args, disk, start, err);
    vdisk_queue_destroy(queue);
    return result;
}
