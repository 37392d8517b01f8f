/* SPDX-License-Identifier: MIT */
/*
 * Takes a snapshot of a disk and lists what has changed since an older snapshot: what an incremental backup copies from
 * the new one. Without an older snapshot it lists all that holds data:
 *
 *   snapshot-diff rbd:rbd/disk tuesday monday
 *
 * Each line has an offset, a length, and "data" or, where only zeroes are left, "zero". The new snapshot stays, even
 * when the program cannot list the changes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vdisk/vdisk.h>

static int take_snapshot(const struct vdisk_uri *uri, const char *name, struct vdisk_error *err)
{
    struct vdisk *disk;
    int r = vdisk_open(&disk, uri, NULL, err);
    if (r < 0)
        return r;
    r = vdisk_snapshot_create(disk, name, 0, err);
    int closed = vdisk_close(disk, r == 0 ? err : NULL);
    return r == 0 ? closed : r;
}

/* Opens the snapshot, not the image: the image may change while its changes are listed and copied. */
static int open_snapshot(struct vdisk **disk, const struct vdisk_uri *uri, const char *name, struct vdisk_error *err)
{
    struct vdisk_open_options options;
    struct vdisk_uri *snapshot;
    const char *key, *value;
    vdisk_open_options_init(&options, sizeof options);
    options.flags = VDISK_OPEN_READ_ONLY;
    int r = vdisk_uri_new(&snapshot, vdisk_uri_pool(uri), vdisk_uri_namespace(uri), vdisk_uri_image(uri), name, err);
    for (size_t i = 0; r == 0 && vdisk_uri_option(&key, &value, uri, i) == 0; i++)
        r = vdisk_uri_add_option(snapshot, key, value, err);
    r = r == 0 ? vdisk_open(disk, snapshot, &options, err) : r;
    vdisk_uri_free(snapshot);
    return r;
}

/* The answer comes in pieces of bounded size. */
static int list_changes(struct vdisk *disk, const char *since, struct vdisk_error *err)
{
    struct vdisk_extent changes[128];
    uint64_t size = vdisk_get_size(disk), next = 0;
    int r = 0;
    while (r == 0 && next < size) {
        size_t count = sizeof changes / sizeof changes[0];
        r = vdisk_diff(changes, &count, &next, disk, since, next, size - next, VDISK_EXTENTS_PARENT, err);
        for (size_t i = 0; i < count; i++)
            printf("%" PRIu64 " %" PRIu64 " %s\n", changes[i].offset, changes[i].length,
                   changes[i].flags & VDISK_EXTENT_DATA ? "data" : "zero");
    }
    return r;
}

int main(int argc, char **argv)
{
    struct vdisk_error err = {-EINVAL, "Usage: snapshot-diff URI NEW-SNAPSHOT [OLD-SNAPSHOT]."};
    struct vdisk_uri *uri = NULL;
    struct vdisk *disk = NULL;
    int r = argc == 3 || argc == 4 ? vdisk_uri_parse(&uri, argv[1], &err) : -EINVAL;
    r = r == 0 ? take_snapshot(uri, argv[2], &err) : r;
    r = r == 0 ? open_snapshot(&disk, uri, argv[2], &err) : r;
    r = r == 0 ? list_changes(disk, argv[3], &err) : r; /* The argument after the last one is NULL. */
    if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        r = -EIO;
    vdisk_close(disk, NULL); /* It was only read, so closing loses nothing. */
    vdisk_uri_free(uri);
    if (r < 0)
        fprintf(stderr, "snapshot-diff: %s\n", err.code < 0 ? err.message : "Cannot write to standard output.");
    return r < 0;
}
