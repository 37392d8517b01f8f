/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images as a whole: create, clone, list, rename and remove images without opening them as a disk, and flatten an open
 * clone.
 *
 * `connect` says how to reach the cluster, as for vdisk_open. It may be NULL for the defaults. Its flags must be 0, and
 * so must its encryption. A URI that names an image must not name a snapshot.
 *
 * Each call uses an existing connection that was made with the same configuration, or else connects. Connecting blocks
 * as vdisk_open does. The call then blocks for as long as the cluster takes. Any thread may make these calls.
 *
 * Errors of all these calls:
 *
 * -EINVAL      an argument is NULL, empty or out of its bounds, a flag is set, or a URI names a snapshot
 * -E2BIG       `create` or `connect` sets a field that this libvdisk does not know
 * -ENOENT      there is no such image
 * -EPERM       the URI policy refuses an option; or called in a forked child
 * -ENOMEM      out of memory
 * (any other)  the errors of vdisk_open until the namespace is found, and whatever else librbd reports
 *
 * The vdisk_aio_... calls do the same on a queue (queue.h). They never block. 0 means that the operation is accepted.
 * Its result comes with the completion, and the sentence for it with vdisk_queue_error. Arguments are copied.
 * Out-parameters must stay in place: they are set at once, and again when the completion is reaped. `flags` must be 0,
 * except where VDISK_AIO_PROGRESS is named. An operation cannot be cancelled while it runs.
 *
 * Errors of all the vdisk_aio_... calls:
 *
 * -EINVAL      as above; or `queue` is NULL
 * -E2BIG       as above
 * -EPERM       as above
 * -ENOMEM      out of memory
 * -EAGAIN      the queue is full, or no thread can be started
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

/* What an image can do. These are librbd's own bits (RBD_FEATURE_...), as in vdisk_info.features. */
#define VDISK_FEATURE_LAYERING (UINT64_C(1) << 0)
#define VDISK_FEATURE_STRIPING (UINT64_C(1) << 1)
#define VDISK_FEATURE_EXCLUSIVE_LOCK (UINT64_C(1) << 2)
#define VDISK_FEATURE_OBJECT_MAP (UINT64_C(1) << 3)
#define VDISK_FEATURE_FAST_DIFF (UINT64_C(1) << 4)
#define VDISK_FEATURE_DEEP_FLATTEN (UINT64_C(1) << 5)
#define VDISK_FEATURE_JOURNALING (UINT64_C(1) << 6)
#define VDISK_FEATURE_DATA_POOL (UINT64_C(1) << 7)
/*
 * For vdisk_create_options.features: an image without any feature, whatever features are configured as the default.
 * librbd has no such bit.
 */
#define VDISK_FEATURES_NONE (UINT64_C(1) << 63)

/*
 * How a new image is made. Ceph decides about every field that is 0 or NULL. Unless the field's comment says otherwise,
 * vdisk_create then follows the cluster's configuration, and vdisk_clone follows the parent.
 */
struct vdisk_create_options {
    size_t struct_size;
    /*
     * The size in bytes of the RADOS objects that the image is cut into: a power of two from VDISK_OBJECT_SIZE_MIN to
     * VDISK_OBJECT_SIZE_MAX. 0: as `rbd_default_order` says, which is 4 MiB unless configured.
     */
    uint64_t object_size;
    /*
     * VDISK_FEATURE_... bits, or VDISK_FEATURES_NONE. 0: as `rbd_default_features` says.
     *
     * Object map and journaling need exclusive lock. Fast diff needs object map; object map brings fast diff along.
     * Striping and data pool follow from the fields below, and are refused without these. Other bits of librbd cannot
     * be chosen.
     */
    uint64_t features;
    /*
     * Striping: `stripe_unit` bytes go to one object, the next as many bytes to the next object, and so on for
     * `stripe_count` objects. Set both fields or none.
     *
     * The unit is a power of two from VDISK_STRIPE_UNIT_MIN to the object size. The count is at most
     * VDISK_STRIPE_COUNT_MAX; with more, librbd 16.2.15 divides by zero in every program that opens the image.
     *
     * 0: no striping, unless `rbd_default_stripe_unit` and `rbd_default_stripe_count` are configured. For a clone, 0
     * means the parent's striping, or no striping if an object size is given.
     */
    uint64_t stripe_unit;
    uint64_t stripe_count;
    /*
     * The pool that holds the data. The image's own pool then holds only the rest. NULL: as `rbd_default_data_pool`
     * says.
     */
    const char *data_pool;
    /*
     * VDISK_ENCRYPTION_LUKS1 or VDISK_ENCRYPTION_LUKS2: the image gets an encryption header, and so much more room that
     * `size` bytes can be used. The cipher is AES with keys of 256 bits. Deriving the key takes some seconds.
     *
     * It cannot be set for a clone, which is encrypted as its parent is. librbd refuses it for an image with
     * journaling.
     */
    uint32_t encryption;
    /* Zero. */
    uint32_t reserved;
    /* The passphrase, as in struct vdisk_open_options. The library wipes its copies when the image is made. */
    const void *passphrase;
    size_t passphrase_size;
    const char *passphrase_file;
};

/* Sets every field to its default. `struct_size` is `sizeof *options`. Never blocks. */
void vdisk_create_options_init(struct vdisk_create_options *options, size_t struct_size);

/*
 * Creates an image of `size` bytes that reads as zeroes. `create` may be NULL for the defaults. If the image cannot be
 * encrypted as requested, it is removed again.
 *
 * -EFBIG       `size`, with the room for an encryption header, is more than INT64_MAX
 * -EEXIST      an image with this name exists already
 * -ENOENT      there is no such data pool
 */
int vdisk_create(const struct vdisk_uri *uri, uint64_t size, const struct vdisk_create_options *create,
                 const struct vdisk_open_options *connect, struct vdisk_error *err);
int vdisk_aio_create(struct vdisk_queue *queue, const struct vdisk_uri *uri, uint64_t size,
                     const struct vdisk_create_options *create, const struct vdisk_open_options *connect,
                     uint32_t flags, void *user_data, struct vdisk_error *err);

/*
 * Creates an image with the size and the contents of a snapshot. Nothing is copied at first: parts of the snapshot are
 * copied when the clone is written there, or by vdisk_flatten.
 *
 * `parent` names the snapshot and `clone` the new image. `create` applies to the new image and may be NULL. The
 * snapshot must be protected (vdisk_snapshot_protect) with two exceptions: the Ceph option `rbd_default_clone_format`
 * is 2, or the cluster requires clients of Ceph 13 or later.
 *
 * Both images are reached through one connection. So the two URIs must carry the same options in the same order, and
 * the URI policy applies to both.
 *
 * -EINVAL      the snapshot is not protected, `parent` names no snapshot, or the options of the URIs differ
 * -EEXIST      an image with the clone's name exists already
 * -ENOENT      there is no such parent, snapshot or data pool: the message says which
 * -ENOSYS      the parent lacks VDISK_FEATURE_LAYERING, or the features chosen for the clone lack it
 * -EXDEV       the two are in different namespaces, which needs `rbd_default_clone_format` 2
 */
int vdisk_clone(const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                const struct vdisk_create_options *create, const struct vdisk_open_options *connect,
                struct vdisk_error *err);
int vdisk_aio_clone(struct vdisk_queue *queue, const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                    const struct vdisk_create_options *create, const struct vdisk_open_options *connect, uint32_t flags,
                    void *user_data, struct vdisk_error *err);

/*
 * Flattens an open clone: copies to it what it still has in common with its parent, so that it no longer depends on the
 * parent. Older snapshots of the clone still depend on the parent, unless the clone has VDISK_FEATURE_DEEP_FLATTEN. The
 * disk can be used meanwhile. `flags` must be 0; vdisk_aio_flatten also takes VDISK_AIO_PROGRESS.
 *
 * -EINVAL      the image has no parent
 * -EROFS       the disk is read-only
 * -ESHUTDOWN   the disk is closing, or the cluster has fenced this client
 */
int vdisk_flatten(struct vdisk *disk, uint32_t flags, struct vdisk_error *err);
int vdisk_aio_flatten(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                      struct vdisk_error *err);

/*
 * Removes an image. It blocks for as long as removing the objects takes. vdisk_aio_remove takes VDISK_AIO_PROGRESS.
 *
 * An image stays if it has snapshots, or if anybody has it open for writing, this process included. The message names
 * them. A client that died with the image open counts for as long as the cluster remembers it: 30 seconds unless
 * configured.
 *
 * The library looks for such clients before it asks librbd to remove the image. librbd 16.2.15 alone would wait 20
 * seconds for a client that does not answer, then take its lock, fence it and remove the image (seen).
 *
 * -ENOTEMPTY   the image has snapshots
 * -EBUSY       the image is open for writing somewhere. Read-only disks do not count; they read zeroes afterwards
 * -EMLINK      the image belongs to a group
 */
int vdisk_remove(const struct vdisk_uri *uri, const struct vdisk_open_options *connect, struct vdisk_error *err);
int vdisk_aio_remove(struct vdisk_queue *queue, const struct vdisk_uri *uri, const struct vdisk_open_options *connect,
                     uint32_t flags, void *user_data, struct vdisk_error *err);

/*
 * Gives an image another name within its pool and namespace. `new_name` is the name alone, not a URI. Clones keep
 * their parent. A disk that has the image open can go on to read and write. But what opens the image again needs the
 * old name and fails with -ENOENT: vdisk_reopen, vdisk_extents and vdisk_diff, and on a read-only disk the list of
 * snapshots and a new size.
 *
 * If a client that has the image open does not answer, renaming takes up to 20 seconds more. If that client has the
 * exclusive lock, it is fenced (seen with librbd 16.2.15).
 *
 * -EEXIST      an image with the new name exists already
 */
int vdisk_rename(const struct vdisk_uri *uri, const char *new_name, const struct vdisk_open_options *connect,
                 struct vdisk_error *err);
int vdisk_aio_rename(struct vdisk_queue *queue, const struct vdisk_uri *uri, const char *new_name,
                     const struct vdisk_open_options *connect, uint32_t flags, void *user_data,
                     struct vdisk_error *err);

/* One image of a list. The strings belong to the list. */
struct vdisk_image {
    const char *name;
    /* As vdisk_info.image_id; "" for an image of the old format. */
    const char *id;
    /* Zero. */
    uint64_t reserved[6];
};

/*
 * Lists the images of a pool's namespace, in the order of the bytes of their names. `name_space` may be NULL or "" for
 * the default namespace. Images in the trash are left out. Free the array and its strings with vdisk_image_list_free.
 * *images is NULL when there are no images.
 *
 * -ENOENT      there is no such pool or namespace
 */
int vdisk_list(struct vdisk_image **images, size_t *count, const char *pool, const char *name_space,
               const struct vdisk_open_options *connect, struct vdisk_error *err);
int vdisk_aio_list(struct vdisk_queue *queue, struct vdisk_image **images, size_t *count, const char *pool,
                   const char *name_space, const struct vdisk_open_options *connect, uint32_t flags, void *user_data,
                   struct vdisk_error *err);

/* Frees a list of vdisk_list, with its strings. Never blocks. */
void vdisk_image_list_free(struct vdisk_image *images);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
