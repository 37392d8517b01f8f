/* SPDX-License-Identifier: MIT */
/*
 * Stores the lines that are typed in on a disk, 512 bytes for each. When the cluster fences the client of the disk, as
 * it does after `ceph osd blocklist add`, the program asks, reopens the disk and writes again what may be lost:
 *
 *   reopen-fenced rbd:rbd/disk
 *
 * It answers each line with "written" or, when the line and all before it are sure to stay, with "durable".
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vdisk/vdisk.h>

enum { LINE = 512, BATCH = 8 };

/* The lines since the last good flush. The cluster may lose them until the next one, so they are kept. */
struct batch {
    char lines[BATCH][LINE];
    unsigned int count;
    uint64_t offset;
};

static int store(struct vdisk *disk, struct batch *batch, unsigned int first, bool flush, struct vdisk_error *err)
{
    uint64_t length = (uint64_t)LINE * (batch->count - first);
    int r = vdisk_pwrite(disk, batch->lines[first], length, batch->offset + (uint64_t)LINE * first, 0, err);
    if (r == 0 && flush)
        r = vdisk_flush(disk, err);
    if (r < 0)
        return r;
    printf("%s\n", flush ? "durable" : "written");
    batch->offset += flush ? (uint64_t)LINE * batch->count : 0;
    batch->count = flush ? 0 : batch->count;
    return 0;
}

/* Whoever fenced the client may have started its machine elsewhere. Only the operator knows, so ask. */
static int recover(struct vdisk *disk, struct batch *batch, struct vdisk_error *err)
{
    char answer[8];
    printf("The cluster has fenced this client. Type yes if it may use the disk again.\n");
    if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "yes\n") != 0)
        return -ECANCELED;
    int r = vdisk_reopen(disk, 0, err); /* With -EBUSY, another client has the exclusive lock. */
    if (r == 0)
        r = vdisk_acknowledge_loss(disk, err); /* Flushes fail until then, as writes may be lost. */
    return r == 0 ? store(disk, batch, 0, true, err) : r;
}

int main(int argc, char **argv)
{
    struct batch batch = {.count = 0};
    struct vdisk_error err = {-EINVAL, "Usage: reopen-fenced URI."};
    struct vdisk *disk = NULL;
    struct vdisk_open_options options;
    vdisk_open_options_init(&options, sizeof options);
    options.flags = VDISK_OPEN_EXCLUSIVE;
    options.cache_mode = VDISK_CACHE_WRITE_BACK;
    options.disks_per_connection = 1; /* What fences a client fences all disks that share it. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    int r = argc == 2 ? vdisk_open_uri(&disk, argv[1], &options, &err) : -EINVAL;
    for (bool more = true; r == 0 && more;) {
        char *line = memset(batch.lines[batch.count], 0, LINE);
        more = fgets(line, LINE, stdin) != NULL;
        batch.count += more;
        r = store(disk, &batch, batch.count - more, !more || batch.count == BATCH, &err);
        while (r == -ESHUTDOWN)
            r = recover(disk, &batch, &err);
    }
    int closed = vdisk_close(disk, r == 0 ? &err : NULL);
    r = r == 0 ? closed : r;
    r = r == 0 && ferror(stdin) ? -EIO : r;
    if (r < 0)
        fprintf(stderr, "reopen-fenced: %s\n", err.code < 0 ? err.message : "Cannot read standard input.");
    return r < 0;
}
