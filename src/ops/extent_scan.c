/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/extent_scan.h"

#include <errno.h>
#include <inttypes.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "disk/snap_list.h"

/* What many a disk needs no more than; doubled as needed. */
#define FIRST_CAPACITY 64u

/* Makes librbd stop, which then returns it. */
#define STOP (-ECANCELED)

/* Collecting. */

struct collector {
    struct vd_extent_scan *scan;
    size_t capacity;
    uint64_t end;
    /* The range that librbd is asked about holds that of the scan; it has told of what is up to `told`. */
    uint64_t reported_end;
    uint64_t asked_end;
    /* Where nothing of the image's own is, the parent is what is read: up to here. */
    uint64_t parent_end;
    /* It has had librbd stop: 0, because the room is used up, or a negative errno. */
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

/* Adds an extent, of which all before is known; or stops. */
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

/* Adds what lies between the last extent and `offset`, of which librbd has told nothing. */
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
 * librbd 16 tells of extents in ascending order, with any striping, and inside the range. Were that ever otherwise,
 * data could be taken for zeroes.
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

/* For librbd, which calls it in the thread that asked. */
static int collect(uint64_t offset, size_t length, int exists, void *arg)
{
    struct collector *collector = arg;
    const struct vd_extent_scan *scan = collector->scan;
    uint64_t start, end;

    /* Objects that were asked before it was known are told of all the same. */
    if (collector->stopped)
        return STOP;
    if (!is_in_order(collector, offset, length))
        return stop(collector, -EPROTO);
    collector->reported_end = offset + length;
    start = offset > scan->offset ? offset : scan->offset;
    end = collector->reported_end < collector->end ? collector->reported_end : collector->end;
    if (start >= end)
        return 0;
    /* Of what never was but zeroes, and of a map, that data is gone says no more than nothing. */
    if (!exists && !(scan->changes && scan->from))
        return 0;
    return collect_inside(collector, start, end - start, exists ? VDISK_EXTENT_DATA : VDISK_EXTENT_ZERO);
}

/* Asking. */

/* The ids of those that the answer is about; 0: none. */
struct snapshot_pair {
    uint64_t from;
    uint64_t own;
};

/* Whether the image was, at a snapshot in between, smaller than both at `from` and at the end, where it has `size`. */
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

/* Whether librbd can tell by its maps alone. */
static int can_use_maps(bool *fast, rbd_image_t image, const struct snapshot_pair *pair, uint64_t size)
{
    bool smaller = false;
    uint64_t features = 0, flags = 0;
    int r = rbd_get_features(image, &features);

    if (r == 0)
        r = rbd_get_flags(image, &flags);
    /* By its maps librbd 16.2.15 forgets what was then beyond the end, and so does not tell that it is gone. */
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
 * Of a part of an object that is beyond the object's end librbd 16.2.15 tells, without a map, what the parent has
 * there. Asked about whole sets of objects, it tells the same of a byte whatever the range is.
 */
static void choose_range(struct collector *collector, const struct vdisk *disk, uint64_t size)
{
    uint64_t set = disk->limits.layout.object_size * disk->limits.layout.stripe_count;
    uint64_t last = (collector->end - 1) / set * set;

    collector->reported_end = collector->scan->offset / set * set;
    /* It may have become smaller since the range was checked. */
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

/* Snapshots. */

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

/* Asked with an opening that is newer than the answer: objects that somebody has removed looked like holes. */
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
        return vd_error_set(err, r, "Opening image %s once more failed: %s.",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), strerror(-r));
    return 0;
}

/* The scan. */

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

/* librbd would flush by itself, and forget the error. */
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

/* Between the offsets of the disk and those of the view. */
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

/* In a view where `header` bytes stand before the disk's contents. */
static int scan_view(struct vd_extent_scan *scan, struct vdisk *disk, const struct vd_view *view, uint64_t header,
                     struct vdisk_error *err)
{
    uint64_t size = vd_view_size(view);
    struct snapshot_pair pair;
    int r = check_range(scan, disk, size < header ? 0 : size - header, err);

    if (r == 0)
        r = find_pair(&pair, scan, disk, view->image, err);
    /* librbd 16.2.15 fails an assertion when it is asked about nothing. */
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
        return vd_error_set(err, r, "Opening image %s afresh failed: %s.",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), strerror(-r));
    r = scan_view(scan, disk, fresh, disk->limits.data_offset, err);
    vd_view_close_and_free(fresh);
    return r;
}

/*
 * Through a read-only opening librbd does not learn of new snapshots, nor that a map has become invalid, and would
 * leave out changes. And with an encryption loaded librbd 16.2.15, by its maps, tells of the encrypted bytes, but only
 * as many as there are without the header. In both cases the image is opened once more, as it is stored.
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
