/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images as a whole: create, clone, list, rename, remove, without opening them as a disk; and flatten an open clone.
 *
 * `connect` says how to reach the cluster, as for vdisk_open; it may be NULL for the defaults, and its flags must be 0.
 * Each call uses a connection that there is already, if one was made alike, or connects; it blocks as vdisk_open does,
 * and then for as long as the cluster takes. Any thread may make them. Where a URI is to name an image, one that names
 * a snapshot is an error. Errors of all of them:
 *
 * -EINVAL  an argument is NULL, empty or out of its bounds, a flag is set, or a URI names a snapshot
 * -ENOENT  no such image
 * -EPERM   the URI policy refuses an option; or a forked child
 * -ENOMEM  out of memory
 * those of vdisk_open up to the namespace, and whatever else librbd reports
 *
 * The vdisk_aio_... calls do the same on a queue. They never block; 0: accepted, the result comes with the completion,
 * and its sentence with vdisk_queue_error. What they are passed is copied, but for the out-parameters, which are set
 * at once and again when the completion is reaped. `flags` must be 0, or where it is said VDISK_AIO_PROGRESS. They are
 * not cancelled while they run. Errors of all of them:
 *
 * -EINVAL, -EPERM, -ENOMEM  as above
 * -EAGAIN                   the queue is full, or no thread can be started
 */
#ifndef VDISK_IMAGE_H
#define VDISK_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/queue.h>
#include <vdisk/uri.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define VDISK_OBJECT_SIZE_MIN 4096u
#define VDISK_OBJECT_SIZE_MAX 33554432u
#define VDISK_STRIPE_UNIT_MIN 512u
#define VDISK_STRIPE_COUNT_MAX 4294967295u

/* What an image can do, in librbd's own bits (RBD_FEATURE_...), as struct vdisk_info tells them. */
#define VDISK_FEATURE_LAYERING (UINT64_C(1) << 0)
#define VDISK_FEATURE_STRIPING (UINT64_C(1) << 1)
#define VDISK_FEATURE_EXCLUSIVE_LOCK (UINT64_C(1) << 2)
#define VDISK_FEATURE_OBJECT_MAP (UINT64_C(1) << 3)
#define VDISK_FEATURE_FAST_DIFF (UINT64_C(1) << 4)
#define VDISK_FEATURE_DEEP_FLATTEN (UINT64_C(1) << 5)
#define VDISK_FEATURE_JOURNALING (UINT64_C(1) << 6)
#define VDISK_FEATURE_DATA_POOL (UINT64_C(1) << 7)
/* For struct vdisk_create_options: an image that has none, not even as configured. Not a bit of librbd's. */
#define VDISK_FEATURES_NONE (UINT64_C(1) << 63)

/*
 * How a new image is made. What is 0 or NULL is left to Ceph: for vdisk_create it is as the cluster is configured, for
 * vdisk_clone as the parent is, unless it says otherwise here.
 */
struct vdisk_create_options {
    size_t struct_size;
    /*
     * Size of the RADOS objects the image is cut into: a power of two from VDISK_OBJECT_SIZE_MIN to
     * VDISK_OBJECT_SIZE_MAX. 0: `rbd_default_order`, by itself 4 MiB.
     */
    uint64_t object_size;
    /*
     * VDISK_FEATURE_... bits, or VDISK_FEATURES_NONE. 0: `rbd_default_features`. Object map and journaling need
     * exclusive lock, fast diff needs object map, which brings it along. Striping and data pool follow from the fields
     * below, and are refused without them. Other bits of librbd's cannot be chosen.
     */
    uint64_t features;
    /*
     * Striping: `stripe_unit` bytes go to one object, then as many to the next of `stripe_count`. The unit is a power
     * of two from VDISK_STRIPE_UNIT_MIN to the object size, the count up to VDISK_STRIPE_COUNT_MAX (more makes librbd
     * 16.2.15 divide by zero in all who open the image). Both or none. 0: none; of a clone, as its parent's, but none
     * when an object size is given.
     */
    uint64_t stripe_unit;
    uint64_t stripe_count;
    /* The pool that holds the data, of which the image's own then has only the rest. NULL: `rbd_default_data_pool`. */
    const char *data_pool;
    /*
     * VDISK_ENCRYPTION_LUKS1 or _LUKS2: the image is made with a header for that, and room for it, so that `size` bytes
     * can be used. AES with keys of 256 bits. Deriving the key takes some seconds. Not of a clone, which is encrypted
     * as its parent is; nor of an image with journaling, which librbd refuses.
     */
    uint32_t encryption;
    /* Zero. */
    uint32_t reserved;
    /* As in struct vdisk_open_options. Wiped when the image is made. */
    const void *passphrase;
    size_t passphrase_size;
    const char *passphrase_file;
};

/* Sets every field to its default. `struct_size` is `sizeof *options`. */
void vdisk_create_options_init(struct vdisk_create_options *options, size_t struct_size);

/*
 * Creates an image of `size` bytes that reads as zeroes. `create` may be NULL for the defaults. An image that cannot be
 * encrypted as was asked for is removed again.
 *
 * -EFBIG   `size` is more than INT64_MAX
 * -EEXIST  there is such an image already
 * -ENOENT  there is no such data pool
 */
int vdisk_create(const struct vdisk_uri *uri, uint64_t size, const struct vdisk_create_options *create,
                 const struct vdisk_open_options *connect, struct vdisk_error *err);
int vdisk_aio_create(struct vdisk_queue *queue, const struct vdisk_uri *uri, uint64_t size,
                     const struct vdisk_create_options *create, const struct vdisk_open_options *connect,
                     uint32_t flags, void *user_data, struct vdisk_error *err);

/*
 * Creates an image with the size and the contents of a snapshot, which is copied only as parts of the clone are
 * written, or by vdisk_flatten. `parent` names the snapshot, `clone` the new image; `create`, for the latter, may be
 * NULL. The snapshot must be protected (vdisk_snapshot_protect), unless the Ceph option `rbd_default_clone_format` is
 * 2, or the cluster wants clients of Ceph 13 or later.
 *
 * Both are reached through one connection. So the two URIs must carry the same options, in the same order; the
 * policy applies to both.
 *
 * -EINVAL  the snapshot is not protected; `parent` names no snapshot; the options of the URIs differ
 * -EEXIST  there is such an image already
 * -ENOENT  no such parent, snapshot or data pool: the message says which
 * -ENOSYS  the parent or the features for the clone lack VDISK_FEATURE_LAYERING
 * -EXDEV   the two are in different namespaces, which takes clones of the second format: `rbd_default_clone_format` 2
 */
int vdisk_clone(const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                const struct vdisk_create_options *create, const struct vdisk_open_options *connect,
                struct vdisk_error *err);
int vdisk_aio_clone(struct vdisk_queue *queue, const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                    const struct vdisk_create_options *create, const struct vdisk_open_options *connect, uint32_t flags,
                    void *user_data, struct vdisk_error *err);

/*
 * Copies to an open clone what it still has of its parent, so that it depends on it no more. Snapshots of the clone
 * made before keep the tie unless it has VDISK_FEATURE_DEEP_FLATTEN. The disk can be used meanwhile. `flags` must be 0,
 * on a queue or VDISK_AIO_PROGRESS.
 *
 * -EINVAL     the image has no parent
 * -EROFS      the disk is read-only
 * -ESHUTDOWN  the disk is closing, or the cluster has fenced this client
 */
int vdisk_flatten(struct vdisk *disk, uint32_t flags, struct vdisk_error *err);
int vdisk_aio_flatten(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                      struct vdisk_error *err);

/*
 * Removes an image. One that has snapshots, or that anybody has open for writing, this process included, is left alone
 * and the message names those. A client that died with the image open counts for as long as the cluster remembers it,
 * 30 seconds by itself. Before librbd is asked this is looked at, because librbd 16.2.15 takes the lock of a client
 * that does not answer, fences it and removes the image, after 20 seconds (seen).
 *
 * Removing blocks for as long as removing the objects takes. vdisk_aio_remove takes VDISK_AIO_PROGRESS.
 *
 * -ENOTEMPTY  it has snapshots
 * -EBUSY      it is open elsewhere
 * -EMLINK     it belongs to a group
 */
int vdisk_remove(const struct vdisk_uri *uri, const struct vdisk_open_options *connect, struct vdisk_error *err);
int vdisk_aio_remove(struct vdisk_queue *queue, const struct vdisk_uri *uri, const struct vdisk_open_options *connect,
                     uint32_t flags, void *user_data, struct vdisk_error *err);

/*
 * Gives an image another name within its pool and namespace. `new_name` is the name alone, not a URI. Those who have
 * it open keep it, also clones their parent. When a client that has it open does not answer, renaming takes up to
 * 20 seconds more, and if it holds the exclusive lock it is fenced (seen with librbd 16.2.15).
 *
 * -EEXIST  there is an image of that name already
 */
int vdisk_rename(const struct vdisk_uri *uri, const char *new_name, const struct vdisk_open_options *connect,
                 struct vdisk_error *err);
int vdisk_aio_rename(struct vdisk_queue *queue, const struct vdisk_uri *uri, const char *new_name,
                     const struct vdisk_open_options *connect, uint32_t flags, void *user_data,
                     struct vdisk_error *err);

struct vdisk_image {
    const char *name;
    /* As vdisk_info.image_id; "" for an image of the old format. */
    const char *id;
    /* Zero. */
    uint64_t reserved[6];
};

/*
 * Lists the images of a pool's namespace; NULL or "" is the default one. They are in the order of their names' bytes.
 * What is in the trash is left out. The array and its strings are freed with vdisk_image_list_free. *images is NULL
 * when there are none.
 *
 * -ENOENT  no such pool or namespace
 */
int vdisk_list(struct vdisk_image **images, size_t *count, const char *pool, const char *name_space,
               const struct vdisk_open_options *connect, struct vdisk_error *err);
int vdisk_aio_list(struct vdisk_queue *queue, struct vdisk_image **images, size_t *count, const char *pool,
                   const char *name_space, const struct vdisk_open_options *connect, uint32_t flags, void *user_data,
                   struct vdisk_error *err);

void vdisk_image_list_free(struct vdisk_image *images);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
