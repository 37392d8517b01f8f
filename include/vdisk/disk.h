/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An open disk: one RBD image, or one of its snapshots.
 *
 * Any thread may use a disk, several at once too, until vdisk_close is called. Every function that may block says so.
 *
 * Connecting, in this order: the Ceph user; the configuration file; the URI's options in their order; the program's
 * own options, each of which so outranks the URI's of the same name; then the monitors, the pool, the namespace and the
 * image. Unless something above, or the monitors' own configuration (`ceph config`), sets `client_mount_timeout`,
 * connecting gives up after 30 seconds (librados by itself waits for 300).
 *
 * Disks that are opened with the same user, the same files, unchanged since, the same options in the same order,
 * the same cache mode and the same tuning share connections, some at a time (vdisk_open_options.disks_per_connection),
 * as do operations on images that are not open. A connection that the cluster has fenced is not given to anybody else.
 * The last to let go of a connection closes it.
 *
 * Ceph's default cache policy, write-around, is not used: with it a write that fails after it was called complete can
 * be forgotten, and the next flush claims success (seen with librbd 16.2.15). Where it would be in force, `rbd_cache`
 * is set to false, so a write is complete when it is on the cluster. A program that wants it all the same sets
 * `rbd_cache_policy` itself. Pool- and image-level overrides of Ceph's (`rbd config`) outrank all of this, an explicit
 * cache mode too; vdisk_get_info tells what is in force.
 */
#ifndef VDISK_DISK_H
#define VDISK_DISK_H

#include <stddef.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/uri.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct vdisk;
struct vdisk_queue;

/*
 * Which options a URI may set. A URI often comes from a less trusted place than the program: a machine definition, a
 * backing-file string. Some Ceph options write to files, load code or leak secrets, so not every URI should set them.
 * The program's own options (struct vdisk_open_options) are never filtered. docs/uri-policy.md has the whole list and
 * the risk that remains.
 */
enum vdisk_uri_policy {
    /*
     * The default: `id`, `key`, timeouts, and tuning that neither names a file nor loads code, each within bounds;
     * `conf` and `keyring` when the file is one absolute path and it and every folder above it belong to root or the
     * caller and nobody else can write them.
     */
    VDISK_URI_GUARDED = 0,
    /* Only `id` and tuning of the image's I/O; identity, monitors and files come from the program. */
    VDISK_URI_STRICT = 1,
    /* Any option. For URIs as trusted as the program itself. */
    VDISK_URI_ANY = 2,
};

/* What this process keeps of an image. Whatever it is, only what was flushed is sure to be on the cluster. */
enum vdisk_cache_mode {
    /* As configured, but for write-around: see above. */
    VDISK_CACHE_DEFAULT = 0,
    /* Nothing. Sets `rbd_cache` to false. */
    VDISK_CACHE_NONE = 1,
    /*
     * What was read or written; a write is complete when it is on the cluster. Sets `rbd_cache` to true and
     * `rbd_cache_policy` to writethrough.
     */
    VDISK_CACHE_WRITE_THROUGH = 2,
    /*
     * As write-through until the first flush, since whoever never flushes could lose everything; a program can switch
     * that off with `rbd_cache_writethrough_until_flush`. From then on writes are complete before they are on the
     * cluster. Sets `rbd_cache` to true and `rbd_cache_policy` to writeback; and where `rbd_cache_max_dirty` is 0,
     * which would make it write-through again, it becomes three quarters of `rbd_cache_size`.
     */
    VDISK_CACHE_WRITE_BACK = 3,
    /* Only told by vdisk_get_info, when a program, the pool or the image is configured so: as Ceph has it by default.
     */
    VDISK_CACHE_WRITE_AROUND = 4,
};

/*
 * Other defaults than Ceph's for a few of its options. Whatever anybody writes about one of these outranks it: the
 * monitors' own configuration (`ceph config`), a file, the URI, the program's options, the pool or the image. What each
 * does to speed and size is in docs/performance.md.
 */
enum vdisk_tuning {
    /* Ceph's own. */
    VDISK_TUNE_NONE = 0,
    /*
     * Less work for each request. One thread of a connection deals with what arrives (`librados_thread_count`), where
     * Ceph's two get in each other's way; it decrypts, too, for all disks that share the connection. And reads ask for
     * whole ranges (`rbd_sparse_read_threshold_bytes` of 1 GiB), not for what is stored of them, so holes inside of
     * objects travel as zeroes.
     */
    VDISK_TUNE_THROUGHPUT = 1,
    /*
     * Fewer threads and less memory: as VDISK_TUNE_THROUGHPUT, and one thread of a connection does all that is sent
     * and received (`ms_async_op_threads`, of which librados 16.2.15 heeds nothing that the monitors hold, tuned or
     * not), where Ceph has three. See also vdisk_open_options.disks_per_connection.
     */
    VDISK_TUNE_FOOTPRINT = 2,
};

/* One Ceph configuration option of the program's own. */
struct vdisk_option {
    const char *key;
    const char *value;
};

/*
 * Open only for reading. Needs no write capability, takes no lock and sets no watch on the image. So nothing keeps
 * others from removing it, or the snapshot, meanwhile; Ceph then reads the missing objects as zeroes, with success.
 * vdisk_snapshot_list looks at the image afresh, and says -ENOENT when it is gone.
 */
#define VDISK_OPEN_READ_ONLY (1u << 0)

/*
 * Open for the only use: takes Ceph's exclusive lock of the image and holds it until the disk is closed. -EBUSY, naming
 * the address, when anybody else has the lock, another disk of this program included, even where librbd would give it
 * up when asked; -ENOTSUP when the image does not have the feature exclusive-lock. Others who have the image open can
 * go on reading, but whatever they write fails (-EROFS from librbd 16, and from then on for good).
 *
 * Without it several can have an image open for writing; librbd then passes the lock to and fro between them.
 */
#define VDISK_OPEN_EXCLUSIVE (1u << 1)

/*
 * With VDISK_OPEN_EXCLUSIVE: breaks the lock of an owner that seems dead, and has the cluster fence it, so that it
 * writes nothing any more should it live. It seems dead when it does not watch the image any more; Ceph notices that 30
 * seconds (`osd_client_watch_timeout`) after it was last heard of. The lock of one that lives is never broken.
 */
#define VDISK_OPEN_BREAK_LOCK (1u << 2)

/*
 * Have writes wait when the cluster or the pool is full or a quota is used up, until there is room: Ceph's own default,
 * by which opening the image for writing may wait too. Without this flag what needs room fails with -ENOSPC or -EDQUOT,
 * while overwriting and discarding go on.
 */
#define VDISK_OPEN_WAIT_FOR_SPACE (1u << 3)

/* How the contents of an image are encrypted, by librbd, in this process. */
enum vdisk_encryption {
    /* They are not; or they are wanted as they are stored. */
    VDISK_ENCRYPTION_NONE = 0,
    VDISK_ENCRYPTION_LUKS1 = 1,
    VDISK_ENCRYPTION_LUKS2 = 2,
    /* One of the two. Only for opening. */
    VDISK_ENCRYPTION_LUKS = 3,
};

struct vdisk_open_options {
    size_t struct_size;
    /* VDISK_OPEN_... */
    uint32_t flags;
    /* enum vdisk_uri_policy */
    uint32_t uri_policy;
    /* The Ceph user without "client."; NULL: the URI's `id`, or else Ceph's default, "admin". */
    const char *id;
    /*
     * The configuration file; NULL: the URI's `conf`, or else Ceph's search path, where finding none is no error:
     * $CEPH_CONF, /etc/ceph/ceph.conf, ~/.ceph/ceph.conf, ./ceph.conf.
     */
    const char *conf;
    /* Ceph options to set after the URI's, in this order. `id` and `conf` are not Ceph options: -EINVAL. */
    const struct vdisk_option *options;
    size_t option_count;
    /*
     * How often, in milliseconds, a disk opened read-only asks for the image's size: it has no watch that would tell.
     * 0: every 5000. Snapshots never change size and are not asked about.
     */
    uint32_t size_poll_ms;
    /*
     * How long, in milliseconds from its acceptance, a request to this disk may take: then it completes with
     * -ETIMEDOUT, as if given up by vdisk_queue_cancel, which says what becomes of it. Zero-copy requests that Ceph has
     * by then, and control operations, take as long as they take. 0: no limit.
     */
    uint32_t io_timeout_ms;
    /* enum vdisk_cache_mode. Any but the default one outranks configuration files and all options, own ones too. */
    uint32_t cache_mode;
    /*
     * How many disks may share the connection that this one gets. A connection costs a dozen threads and some
     * megabytes, and what fences one of its disks, as breaking a lock does, fences all. 0: 16. 1: one of its own.
     */
    uint32_t disks_per_connection;
    /*
     * enum vdisk_encryption. The size of the disk and all offsets are those of the contents, which come after a header
     * of some MiB. Images that `rbd encryption format`, QEMU or vdisk_create have made so can be opened, their
     * snapshots and clones too. Deriving the key takes a second or more, on opening, on reopening, and whenever the
     * size of a disk that is open read-only has changed.
     */
    uint32_t encryption;
    /* enum vdisk_tuning. */
    uint32_t tuning;
    /*
     * The passphrase: `passphrase_size` bytes, or the file that holds it; one newline at its end does not count. The
     * library wipes its copies when they are not needed any more. For bytes, that is when the disk is closed. A file is
     * read, by whichever thread opens the image, each time the key is derived.
     */
    const void *passphrase;
    size_t passphrase_size;
    const char *passphrase_file;
};

/* Sets every field to its default. `struct_size` is `sizeof *options`. */
void vdisk_open_options_init(struct vdisk_open_options *options, size_t struct_size);

/*
 * Opens the image or snapshot that `uri` names. `options` may be NULL for the defaults. Connects to the cluster, so
 * it blocks; bounded by `client_mount_timeout` while no monitor answers. All signals are blocked in the calling
 * thread for the time of the call, so that Ceph's threads, which inherit the mask, never run the program's handlers.
 *
 * A snapshot needs VDISK_OPEN_READ_ONLY, with which VDISK_OPEN_EXCLUSIVE cannot be.
 *
 * -EINVAL     an argument, an option's name or its value is not valid
 * -E2BIG      `options` carries a field this libvdisk does not know
 * -EPERM      the URI policy refuses an option (the message says which, and how to allow it); or a forked child
 * -EROFS      a snapshot without VDISK_OPEN_READ_ONLY
 * -ENOENT     no such configuration file, keyring, pool, namespace, image or snapshot, or passphrase file: the message
 *             says which
 * -EACCES     the cluster does not know the user, or the key is wrong
 * -ETIMEDOUT  no monitor answered in time
 * -EBUSY, -ENOTSUP  see VDISK_OPEN_EXCLUSIVE
 * -EKEYREJECTED  it is not this passphrase; -EINVAL too when the image is not encrypted, or not in this way
 * -ENOMEM     out of memory
 * and whatever else librados or librbd report, with a sentence on which step failed
 */
int vdisk_open(struct vdisk **disk, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
               struct vdisk_error *err);

/* vdisk_uri_parse, vdisk_open, vdisk_uri_free; with the errors of the first two. */
int vdisk_open_uri(struct vdisk **disk, const char *uri, const struct vdisk_open_options *options,
                   struct vdisk_error *err);

/*
 * Closes a disk and frees it, whatever the result. Calls of other threads that are under way then are refused with
 * -ESHUTDOWN where they go on to new requests; none may begin that could outlast the close. Blocks until every request
 * on every queue is complete; their completions stay with their queues to be reaped. Then flushes, unless nothing was
 * written since the last good flush, closes the image and drops the connection.
 *
 * 0 says that everything written through this disk is on the cluster. An error says that it may not be:
 *
 * -EINVAL  `disk` is NULL
 * -EBUSY   a queue is plugged with requests to the disk (vdisk_queue_plug); the disk stays open
 * -EPERM   a forked child; the memory is not freed
 * -ETIMEDOUT  a write that Ceph gave up (`rados_osd_op_timeout`) may still land
 * or the error of a failed flush, this one's or an earlier unacknowledged one (see vdisk_acknowledge_loss), or of
 * rbd_close
 */
int vdisk_close(struct vdisk *disk, struct vdisk_error *err);

/*
 * As vdisk_close, but gives up after `timeout_ms` milliseconds (-1: never): what is not over then goes on in the
 * background, where the library closes and frees the rest. The disk is not to be used afterwards either way, except
 * where it says so here.
 *
 * -ETIMEDOUT  writes may still land, and whether all of them will is not known
 * -EINVAL     `timeout_ms` is less than -1, or as for vdisk_close; the disk stays open
 * -EAGAIN     no thread can be started; the disk stays open
 * -ENOMEM     out of memory; the disk stays open
 */
int vdisk_close_within(struct vdisk *disk, int timeout_ms, struct vdisk_error *err);

/*
 * What a disk is. Strings belong to the disk and live until it is closed. All of it but the size stays as it was at
 * the time of the open; and flattening through this disk takes the parent away.
 */
struct vdisk_info {
    size_t struct_size;
    /* As vdisk_get_size. */
    uint64_t size;
    /* Size of the RADOS objects the image is cut into: a power of two. */
    uint64_t object_size;
    /* Striping: `stripe_unit` bytes go to one object, then as many to the next of `stripe_count`. */
    uint64_t stripe_unit;
    uint64_t stripe_count;
    /* librbd's RBD_FEATURE_... bits. */
    uint64_t features;
    /* The longest single read or write a queue accepts. */
    uint64_t max_request;
    /* Requests of this size, aligned to it, touch one object each: the best size for streaming. */
    uint64_t optimal_io;
    /*
     * The longest single discard, and write of zeroes, a queue accepts; and what a discard frees space in: multiples
     * of discard_granularity at multiples of it. 1: librbd is configured to take any range.
     */
    uint64_t max_discard;
    uint64_t max_write_zeroes;
    uint64_t discard_granularity;
    /*
     * A compare-and-write may not cross a multiple of this. 0: there is none on this disk, because of its cache
     * (vdisk_compare_and_write).
     */
    uint64_t compare_and_write_boundary;
    const char *pool;
    /* "" for the default namespace. */
    const char *name_space;
    const char *image;
    /* NULL for the image itself. */
    const char *snapshot;
    /* The image's id in its pool, which outlives renames (rbd_get_id). "" for an image of the old format. */
    const char *image_id;
    /* The snapshot's id; 0 for the image itself. */
    uint64_t snapshot_id;
    /*
     * The image and the snapshot that a clone was made from; all NULL where there is no parent. The snapshot is NULL
     * too when its name has been removed, while Ceph keeps it for its clones.
     */
    const char *parent_pool;
    const char *parent_name_space;
    const char *parent_image;
    const char *parent_image_id;
    const char *parent_snapshot;
    /* 1 or 0. */
    uint32_t read_only;
    /*
     * enum vdisk_cache_mode: what was in force when the image was opened, the pool's and the image's own configuration
     * included. Never the default mode.
     */
    uint32_t cache_mode;
    /* Requests that were given up and that Ceph still has (vdisk_queue_cancel). */
    uint32_t detached_requests;
    /* Writes of which it is not known whether they will still land, among these or not. */
    uint32_t indeterminate_writes;
};

/* Zeroes *info and records the size. `struct_size` is `sizeof *info`. */
void vdisk_info_init(struct vdisk_info *info, size_t struct_size);

/*
 * Fills the fields of *info that the caller's `struct_size` covers. Does no I/O, never blocks.
 *
 * -EINVAL  an argument is NULL, or info->struct_size is not that of any version
 * -EPERM   a forked child
 */
int vdisk_get_info(struct vdisk_info *info, struct vdisk *disk, struct vdisk_error *err);

/*
 * The current size in bytes. A cached value, no I/O, never blocks; 0 for a NULL disk. It follows a resize by this disk
 * before that call returns, and one by anybody else as soon as the image's watch tells, or within
 * vdisk_open_options.size_poll_ms on a read-only disk.
 */
uint64_t vdisk_get_size(const struct vdisk *disk);

/* Allow vdisk_resize to make the image smaller. What lies beyond the new end is lost. */
#define VDISK_RESIZE_SHRINK (1u << 0)

/*
 * Sets the image's size. Growing adds zeroes. Without VDISK_RESIZE_SHRINK a smaller size is refused, also when
 * somebody else grew the image in the meantime: two growers never shrink (rbd_resize2). Blocks for as long as the
 * cluster takes; shrinking removes objects, which can take minutes.
 *
 * Requests in flight beyond the new end: a read is filled with zeroes there, a write completes with -EIO once the new
 * size is known here. A write that librbd accepts between the shrinking and that moment can be cut off in silence;
 * only exclusive use of the image rules that out.
 *
 * -EINVAL     the size is smaller and VDISK_RESIZE_SHRINK is not given; or a flag is unknown
 * -EFBIG      `size` is more than INT64_MAX
 * -EROFS      the disk is read-only
 * -ESHUTDOWN  the disk is closing, or the cluster has fenced this client
 * -EPERM      a forked child
 * and whatever else rbd_resize2 reports
 */
int vdisk_resize(struct vdisk *disk, uint64_t size, uint32_t flags, struct vdisk_error *err);

/*
 * The same on a queue: never blocks; 0: accepted, the result comes with the completion, its sentence with
 * vdisk_queue_error. `flags` also takes VDISK_AIO_PROGRESS (queue.h).
 *
 * -EAGAIN  the queue is full, or no thread can be started
 */
int vdisk_aio_resize(struct vdisk_queue *queue, struct vdisk *disk, uint64_t size, uint32_t flags, void *user_data,
                     struct vdisk_error *err);

/*
 * After a flush has failed, some earlier write may be lost, and librbd tells that once only. So the error sticks:
 * every later flush on every queue, and vdisk_close, fail with it, until the program says with this call that it knows
 * and has done what it can, such as writing the data again. Never blocks.
 *
 * -EINVAL  `disk` is NULL
 * -EPERM   a forked child
 */
int vdisk_acknowledge_loss(struct vdisk *disk, struct vdisk_error *err);

/*
 * First have the cluster fence the client that the disk has now, unless it has. Then nothing that was sent through it
 * can change the image any more. Other disks of this process that share the client are fenced with it, and to be
 * reopened too. What was written and not flushed is lost, and reported, as below.
 */
#define VDISK_REOPEN_FENCE (1u << 0)

/*
 * Gives the disk another client of the cluster, opened as it was at first; the handle, its queues' requests and its
 * watches stay. This is how a disk whose client the cluster has fenced, so that everything fails with -ESHUTDOWN, comes
 * back: it does not by itself, since whoever fenced it may have had a reason, such as running the machine elsewhere. So
 * the program should know that there is none any more; what can be checked is that nobody has the exclusive lock.
 *
 * Nothing of the old client can change the image afterwards: it is fenced, and the new one has seen the cluster's
 * newest map; or it is not fenced, and everything that was sent through it is over. For the latter, no write may be
 * unsettled (vdisk_queue_cancel), unless VDISK_REOPEN_FENCE is given. Requests that are in flight are waited for.
 *
 * If the old client is fenced and a write has completed since the last good flush, that write may be lost: flushes fail
 * with -EIO until vdisk_acknowledge_loss. If it is not fenced, it is flushed. The size can be another one afterwards
 * (vdisk_get_size, VDISK_EVENT_RESIZED).
 *
 * Blocks. Calls and requests of others meanwhile may be refused with -ESHUTDOWN. When it fails, a fenced disk stays
 * fenced; one that is not fenced can be used as before, or, if it has failed late, all but reopened and closed is
 * refused: the next vdisk_reopen tries again.
 *
 * -EBUSY      another client has the exclusive lock, writes are unsettled, or a queue is plugged with requests to the
 *             disk: the message says which
 * -EALREADY   the disk is being reopened
 * -ENOENT     the image is gone, or another one has its name
 * -EINVAL     `disk` is NULL, or a flag is unknown
 * -EACCES     the user may not fence clients
 * -ESHUTDOWN  the disk is closing, or the new client was fenced at once
 * -EPERM      a forked child
 * -ENOMEM     out of memory
 * and as vdisk_open, and whatever else librados or librbd report
 */
int vdisk_reopen(struct vdisk *disk, uint32_t flags, struct vdisk_error *err);

/*
 * Drops what is cached of the image in this process, so that what is read next comes from the cluster: for when
 * somebody else has written to the image, as before a migration that ends here. Without a cache (`rbd_cache` is false,
 * or where write-around would be in force) there is nothing to drop. Blocks.
 *
 * Nothing written is lost by it: it is flushed first, as vdisk_flush does, unless nothing was written since the last
 * good flush. When that fails nothing is dropped. (rbd_invalidate_cache by itself writes back too, but keeps a failure
 * to itself.) Requests in flight meanwhile may leave something in the cache, so there should be none.
 *
 * -EINVAL     `disk` is NULL
 * -ESHUTDOWN  the disk is closing or fenced
 * -EPERM      a forked child
 * -ENOMEM     out of memory
 * or the error of the flush, this one or an earlier one that is not acknowledged; and whatever else librbd reports
 */
int vdisk_invalidate(struct vdisk *disk, struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
