/* SPDX-License-Identifier: MIT */
/*
 * Sets the size of a disk and shows how far that has come. Making a disk smaller loses what is beyond the new end, and
 * so must be asked for:
 *
 *   resize-progress rbd:rbd/disk 10737418240 --shrink
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/vdisk.h>

/* Waits for the completions of the one operation on the queue. All but the last one report progress. */
static int show_progress(struct vdisk_queue *queue, struct vdisk_error *err)
{
    struct vdisk_completion done = {.result = -EIO};
    while (vdisk_queue_wait(queue, &done, 1, 1, -1) == 1 && (done.flags & VDISK_COMPLETION_MORE)) {
        printf("\r%5.1f %%", (double)done.value * 100 / VDISK_PROGRESS_WHOLE);
        fflush(stdout);
    }
    printf("\n");
    return done.result < 0 ? vdisk_queue_error(queue, &done, err) : 0;
}

static int resize(struct vdisk *disk, uint64_t size, uint32_t flags, struct vdisk_error *err)
{
    struct vdisk_queue *queue;
    int r = vdisk_queue_create(&queue, NULL, err);
    if (r == 0)
        r = vdisk_aio_resize(queue, disk, size, flags | VDISK_AIO_PROGRESS, NULL, err);
    if (r == 0)
        r = show_progress(queue, err);
    vdisk_queue_destroy(queue);
    return r;
}

int main(int argc, char **argv)
{
    struct vdisk_error err = {-EINVAL, "Usage: resize-progress URI SIZE [--shrink]."};
    struct vdisk *disk = NULL;
    char *end = NULL;
    uint64_t size = argc >= 3 && argv[2][0] >= '0' ? strtoull(argv[2], &end, 10) : 0;
    uint32_t flags = argc == 4 && strcmp(argv[3], "--shrink") == 0 ? VDISK_RESIZE_SHRINK : 0;
    bool is_usage_right = end && *end == '\0' && argc == (flags ? 4 : 3);
    int r = is_usage_right ? vdisk_open_uri(&disk, argv[1], NULL, &err) : -EINVAL;
    if (r == 0) {
        r = resize(disk, size, flags, &err);
        int closed = vdisk_close(disk, r == 0 ? &err : NULL);
        r = r == 0 ? closed : r;
    }
    if (r < 0)
        fprintf(stderr, "resize-progress: %s\n", err.message);
    return r < 0;
}
