/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/extent_scan.h"

#include <errno.h>
#include <inttypes.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "disk/snap_list.h"

/* How many extents to allocate first, enough for many disks. Doubled as needed. */
#define FIRST_CAPACITY 64u

/* Makes librbd stop when the callback returns it; rbd_diff_iterate2 then returns it too. */
#define STOP (-ECANCELED)

struct collector {
    struct vd_extent_scan *scan;
    size_t capacity;
    uint64_t end;
    /*
     * librbd is asked about a range that contains that of the scan. It has reported on everything before reported_end.
     */
    uint64_t reported_end;
    uint64_t asked_end;
    /* Before this offset, what the image itself does not have is read from the parent. */
    uint64_t parent_end;
    /* The callback has made librbd stop. `result` is 0, because the room is used up, or a negative errno. */
    bool stopped;
    int result;
};

static bool extends_last(const struct vd_extent_scan *scan, uint64_t offset, uint32_t flags)
{
    const struct vdisk_extent *last = scan->count > 0 ? &scan->extents[scan->count - 1] : NULL;

    return last && last->flags == flags && last->offset + last->length == offset;
}

static int make_room(struct collector *collector)
{
    struct vd_extent_scan *scan = collector->scan;
    size_t capacity = collector->capacity ? 2 * collector->capacity : FIRST_CAPACITY;
    struct vdisk_extent *extents;

    if (scan->count < collector->capacity)
        return 0;
    extents = realloc(scan->extents, capacity * sizeof *extents);
    if (!extents)
        return -ENOMEM;
    scan->extents = extents;
    collector->capacity = capacity;
    return 0;
}

static int stop(struct collector *collector, int result)
{
    collector->stopped = true;
    collector->result = result;
    return STOP;
}

/* Adds an extent; everything before it is known. Makes librbd stop when there is no room, or no memory. */
static int add(struct collector *collector, uint64_t offset, uint64_t length, uint32_t flags)
{
    struct vd_extent_scan *scan = collector->scan;

    if (length == 0)
        return 0;
    scan->next = offset;
    if (extends_last(scan, offset, flags)) {
        scan->extents[scan->count - 1].length += length;
    } else if (scan->count == scan->room) {
        return stop(collector, 0);
    } else if (make_room(collector) < 0) {
        return stop(collector, -ENOMEM);
    } else {
        scan->extents[scan->count++] = (struct vdisk_extent){.offset = offset, .length = length, .flags = flags};
    }
    scan->next = offset + length;
    return 0;
}

/* Adds the range between the last extent and `offset`, on which librbd has not reported. */
static int fill_gap(struct collector *collector, uint64_t offset)
{
    uint64_t start = collector->scan->next;
    uint64_t parent_end = collector->parent_end < offset ? collector->parent_end : offset;
    int r = 0;

    if (start < parent_end) {
        r = add(collector, start, parent_end - start, 0);
        start = parent_end;
    }
    return r < 0 ? r : add(collector, start, offset - start, VDISK_EXTENT_ZERO);
}

/*
 * librbd 16 reports extents in ascending order, whatever the striping, and inside the range. This is checked because
 * data could be taken for zeroes if it ever were otherwise.
 */
static bool is_in_order(const struct collector *collector, uint64_t offset, uint64_t length)
{
    return offset >= collector->reported_end && offset <= collector->asked_end &&
           length <= collector->asked_end - offset;
}

static int collect_inside(struct collector *collector, uint64_t offset, uint64_t length, uint32_t flags)
{
    int r = 0;

    if (!collector->scan->changes)
        r = fill_gap(collector, offset);
    return r < 0 ? r : add(collector, offset, length, flags);
}

/* The callback for librbd, which calls it on the thread that asked. */
static int collect(uint64_t offset, size_t length, int exists, void *arg)
{
    struct collector *collector = arg;
    const struct vd_extent_scan *scan = collector->scan;
    uint64_t start, end;

    /* librbd still reports on objects that it had asked for before it knew that it must stop. */
    if (collector->stopped)
        return STOP;
    if (!is_in_order(collector, offset, length))
        return stop(collector, -EPROTO);
    collector->reported_end = offset + length;
    start = offset > scan->offset ? offset : scan->offset;
    end = collector->reported_end < collector->end ? collector->reported_end : collector->end;
    if (start >= end)
        return 0;
    /*
     * That something does not exist matters only among the changes since a snapshot, where it says that data is gone.
     * Elsewhere it says no more than no report.
     */
    if (!exists && !(scan->changes && scan->from))
        return 0;
    return collect_inside(collector, start, end - start, exists ? VDISK_EXTENT_DATA : VDISK_EXTENT_ZERO);
}

/*
 * The ids of the two snapshots that the answer is about: the one where the changes begin, and the one that the disk is
 * open at. 0: there is none.
 */
struct snapshot_pair {
    uint64_t from;
    uint64_t own;
};

/*
 * Finds out whether some snapshot between the two has the image smaller than both ends have it. `size` is the size at
 * the later end.
 */
static int was_smaller_between(bool *smaller, const struct snapshot_pair *pair, rbd_image_t image, uint64_t size)
{
    struct vd_snap_list list = {0};
    int r = vd_snap_list_read(&list, image);

    *smaller = false;
    for (int i = 0; i < list.count; i++) {
        if (list.snapshots[i].id == pair->from && list.snapshots[i].size < size)
            size = list.snapshots[i].size;
    }
    for (int i = 0; i < list.count; i++) {
        uint64_t id = list.snapshots[i].id;

        *smaller |= id > pair->from && (!pair->own || id < pair->own) && list.snapshots[i].size < size;
    }
    vd_snap_list_destroy(&list);
    return r;
}

/* Finds out whether librbd can answer by its object maps alone. */
static int can_use_maps(bool *fast, rbd_image_t image, const struct snapshot_pair *pair, uint64_t size)
{
    bool smaller = false;
    uint64_t features = 0, flags = 0;
    int r = rbd_get_features(image, &features);

    if (r == 0)
        r = rbd_get_flags(image, &flags);
    /*
     * When librbd 16.2.15 uses its maps, it forgets what then was beyond the smaller end, and does not report that it
     * is gone.
     */
    if (r == 0 && pair->from)
        r = was_smaller_between(&smaller, pair, image, size);
    if (r < 0)
        return r;
    *fast = (features & RBD_FEATURE_FAST_DIFF) && !(flags & RBD_FLAG_FAST_DIFF_INVALID) && !smaller;
    return 0;
}

static int find_parent_end(uint64_t *parent_end, const struct vd_extent_scan *scan, rbd_image_t image)
{
    *parent_end = 0;
    return scan->changes || scan->with_parent ? 0 : rbd_get_overlap(image, parent_end);
}

/*
 * Chooses whole sets of objects as the range to ask librbd about. Where a part of an object is beyond the object's end,
 * librbd 16.2.15 without a map reports what the parent has there. Asked about whole sets of objects, it reports the
 * same about a byte whatever range the caller asks for.
 */
static void choose_range(struct collector *collector, const struct vdisk *disk, uint64_t size)
{
    uint64_t set = disk->limits.layout.object_size * disk->limits.layout.stripe_count;
    uint64_t last = (collector->end - 1) / set * set;

    collector->reported_end = collector->scan->offset / set * set;
    /* The image may have become smaller since the range was checked. */
    if (size < collector->end)
        size = collector->end;
    collector->asked_end = size - last > set ? last + set : size;
}

static int iterate(struct collector *collector, const struct vd_view *view, const struct snapshot_pair *pair)
{
    const struct vd_extent_scan *scan = collector->scan;
    bool fast;
    rbd_image_t image = view->image;
    int r = can_use_maps(&fast, image, pair, vd_view_size(view));

    if (r == 0)
        r = find_parent_end(&collector->parent_end, scan, image);
    if (r < 0)
        return r;
    r = rbd_diff_iterate2(image, scan->from, collector->reported_end, collector->asked_end - collector->reported_end,
                          scan->with_parent, fast, collect, collector);
    if (r == 0 && !scan->changes)
        r = fill_gap(collector, collector->end);
    if (collector->stopped)
        return collector->result;
    if (r == 0)
        collector->scan->next = collector->end;
    return r;
}

static int find_snapshot(uint64_t *id, rbd_image_t image, const char *name)
{
    *id = 0;
    return name ? rbd_snap_get_id(image, name, id) : 0;
}

static int find_pair(struct snapshot_pair *pair, const struct vd_extent_scan *scan, const struct vdisk *disk,
                     rbd_image_t image, struct vdisk_error *err)
{
    const char *own = vdisk_uri_snapshot(disk->identity.uri);
    struct vd_quoted quoted, image_name;
    int r = find_snapshot(&pair->from, image, scan->from);

    pair->own = disk->identity.snapshot_id;
    if (r == -ENOENT)
        return vd_error_set(err, r, "Image %s has no snapshot %s.",
                            vd_quote(&image_name, vdisk_uri_image(disk->identity.uri)), vd_quote(&quoted, scan->from));
    if (r < 0)
        return vd_error_set(err, r, "Finding the snapshots of image %s failed: %s.",
                            vd_quote(&image_name, vdisk_uri_image(disk->identity.uri)), strerror(-r));
    if (own && pair->from > pair->own)
        return vd_error_set(err, -EINVAL, "Snapshot %s is not older than snapshot %s.", vd_quote(&quoted, scan->from),
                            vd_quote(&image_name, own));
    return 0;
}

/* Finds both snapshots once more, through `image`. Returns -ENOENT if one is gone or is another one now. */
static int compare_pair(const struct snapshot_pair *pair, const struct vd_extent_scan *scan, const struct vdisk *disk,
                        rbd_image_t image)
{
    struct snapshot_pair now;
    int r = find_snapshot(&now.from, image, scan->from);

    if (r == 0)
        r = find_snapshot(&now.own, image, vdisk_uri_snapshot(disk->identity.uri));
    if (r < 0)
        return r;
    return now.from == pair->from && now.own == pair->own ? 0 : -ENOENT;
}

/*
 * Opens the image again and checks that image and snapshots still exist. To the scan, objects that somebody removed
 * meanwhile looked like holes. So the opening must be newer than the answer.
 */
static int check_still_exists(const struct snapshot_pair *pair, const struct vd_extent_scan *scan, struct vdisk *disk,
                              struct vdisk_error *err)
{
    struct vd_quoted quoted;
    struct vd_view *newer;
    int r = vd_disk_open_again(&newer, disk);

    if (r == 0) {
        r = compare_pair(pair, scan, disk, newer->image);
        vd_view_close_and_free(newer);
    }
    if (r == -ENOENT)
        return vd_error_set(err, r, "Somebody has removed image %s, or the snapshot that was looked at.",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)));
    if (r < 0)
        return vd_error_set(err, r, "Opening image %s again failed: %s.",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), strerror(-r));
    return 0;
}

static int check_range(const struct vd_extent_scan *scan, const struct vdisk *disk, uint64_t size,
                       struct vdisk_error *err)
{
    struct vd_quoted quoted;

    if (scan->offset <= size && scan->length <= size - scan->offset)
        return 0;
    return vd_error_set(err, -EINVAL,
                        "The %" PRIu64 " bytes at offset %" PRIu64 " are not inside image %s of %" PRIu64 " bytes.",
                        scan->length, scan->offset, vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), size);
}

/* Flushes the disk. librbd would do it by itself, and forget the error. */
static int flush(struct vdisk *disk, rbd_image_t image, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    int r;

    if (!vd_flush_state_unflushed(&disk->flush_state))
        return 0;
    vd_disk_flush_writes(disk, image);
    r = vd_flush_state_error(&disk->flush_state);
    if (r < 0)
        vd_error_set(err, r, "Flushing image %s failed: %s.", vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)),
                     strerror(-r));
    return r;
}

/* Adds `by` to all offsets, which changes those of the disk into those of the view, or back. */
static void shift(struct vd_extent_scan *scan, uint64_t by)
{
    scan->offset += by;
    scan->next += by;
    for (size_t i = 0; i < scan->count; i++)
        scan->extents[i].offset += by;
}

static int collect_all(struct vd_extent_scan *scan, const struct vdisk *disk, const struct vd_view *view,
                       const struct snapshot_pair *pair, struct vdisk_error *err)
{
    struct collector collector = {.scan = scan, .end = scan->offset + scan->length};
    struct vd_quoted quoted;
    int r;

    choose_range(&collector, disk, vd_view_size(view));
    r = iterate(&collector, view, pair);
    if (r < 0)
        vd_error_set(err, r, "Finding the extents of image %s failed: %s.",
                     vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), strerror(-r));
    return r;
}

/* Scans through a view where `header` bytes precede the contents of the disk. */
static int scan_view(struct vd_extent_scan *scan, struct vdisk *disk, const struct vd_view *view, uint64_t header,
                     struct vdisk_error *err)
{
    uint64_t size = vd_view_size(view);
    struct snapshot_pair pair;
    int r = check_range(scan, disk, size < header ? 0 : size - header, err);

    if (r == 0)
        r = find_pair(&pair, scan, disk, view->image, err);
    /* librbd 16.2.15 fails an assertion when it is asked about an empty range. */
    if (r != 0 || scan->length == 0)
        return r;
    shift(scan, header);
    r = collect_all(scan, disk, view, &pair, err);
    shift(scan, -header);
    return r < 0 ? r : check_still_exists(&pair, scan, disk, err);
}

static int scan_new_view(struct vd_extent_scan *scan, struct vdisk *disk, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    struct vd_view *fresh;
    int r = vd_disk_open_view(&fresh, disk, disk->pool, vdisk_uri_snapshot(disk->identity.uri), true);

    if (r < 0)
        return vd_error_set(err, r, "Opening image %s again failed: %s.",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), strerror(-r));
    r = scan_view(scan, disk, fresh, disk->limits.data_offset, err);
    vd_view_close_and_free(fresh);
    return r;
}

/*
 * Through a read-only opening, librbd learns neither of new snapshots nor that a map has become invalid, and would
 * leave out changes. With an encryption loaded, librbd 16.2.15 uses its maps for the image as it is stored, but only
 * for as many bytes as there are without the header. In both cases the image is opened once more, without the
 * encryption.
 */
static bool needs_new_view(const struct vdisk *disk)
{
    return disk->limits.data_offset > 0 || (disk->limits.read_only && !vdisk_uri_snapshot(disk->identity.uri));
}

int vd_extent_scan_run(struct vd_extent_scan *scan, struct vdisk *disk, struct vd_view *view, struct vdisk_error *err)
{
    int r = scan->length > 0 ? flush(disk, view->image, err) : 0;

    scan->next = scan->offset;
    if (r == 0)
        r = needs_new_view(disk) ? scan_new_view(scan, disk, err) : scan_view(scan, disk, view, 0, err);
    if (r < 0) {
        scan->count = 0;
        scan->next = scan->offset;
    }
    return r;
}

void vd_extent_scan_destroy(struct vd_extent_scan *scan)
{
    free(scan->extents);
    free(scan->from);
}
