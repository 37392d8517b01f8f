/* SPDX-License-Identifier: MIT */
/*
 * Operations that can take long: done on a queue, for the sake of their progress.
 */
#include <errno.h>
#include <unistd.h>

#include "common/progress.h"
#include "img/img.h"

static int wait_for_end(struct vdisk_queue *queue, struct progress *progress, struct vdisk_error *err)
{
    struct vdisk_completion completion;
    for (;;) {
        int count = vdisk_queue_wait(queue, &completion, 1, 1, -1);
        if (count < 0)
            return count;
        if (!(completion.flags & VDISK_COMPLETION_MORE))
            break;
        progress_update(progress, completion.value);
    }
    return completion.result < 0 ? vdisk_queue_error(queue, &completion, err) : 0;
}

static int run(struct vdisk_queue *queue, const struct img *img, struct vdisk *disk, img_start_function *start,
               struct vdisk_error *err)
{
    struct progress progress = {.is_share = true};
    progress.shown = img->wants_progress || (!img->is_quiet && isatty(STDERR_FILENO));
    int result = start(queue, img, disk, err);
    if (result < 0)
        return result;
    progress_start(&progress, VDISK_PROGRESS_WHOLE);
    result = wait_for_end(queue, &progress, err);
    if (result == 0)
        progress_update(&progress, VDISK_PROGRESS_WHOLE);
    progress_finish(&progress);
    return result;
}

int img_wait(const struct img *img, struct vdisk *disk, img_start_function *start, struct vdisk_error *err)
{
    struct vdisk_queue *queue;
    int result = vdisk_queue_create(&queue, NULL, err);
    if (result < 0)
        return result;
    result = run(queue, img, disk, start, err);
    vdisk_queue_destroy(queue);
    return result;
}
