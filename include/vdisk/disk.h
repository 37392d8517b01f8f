/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks: open an RBD image, or one of its snapshots, ask about it, resize it, reopen it and close it.
 *
 * Any thread may use a disk, and several threads may use it at once, until vdisk_close is called. Every function that
 * may block says so.
 *
 * Opening a disk configures Ceph in this order; later settings outrank earlier ones of the same name:
 *
 *   1. the Ceph user
 *   2. the configuration file
 *   3. the URI's options, in their order
 *   4. the program's own options
 *
 * It then connects to the monitors and opens the pool, the namespace and the image. Connecting fails after 30 seconds,
 * unless one of the above or the monitors' own configuration (`ceph config`) sets `client_mount_timeout`. librados by
 * itself waits for 300 seconds.
 *
 * Disks share connections if they are opened with the same user, files, options, order of options, cache mode and
 * tuning. The files must not have changed in between. Operations on images that are not open share these connections,
 * too. vdisk_open_options.disks_per_connection bounds how many disks share one. A connection that the cluster has
 * fenced is not given to anybody else. A connection is closed when its last user has put it back.
 *
 * Ceph's default cache policy, write-around, is not used. With it, a write that fails after it was called complete can
 * be forgotten, and the next flush claims success (seen with librbd 16.2.15). Where write-around would be in force, the
 * library sets `rbd_cache` to false, so a write is complete when it is on the cluster. A program that wants
 * write-around sets `rbd_cache_policy` itself.
 *
 * Ceph's own overrides for a pool or an image (`rbd config`) outrank all of this, also an explicit cache mode.
 * vdisk_get_info tells what is in force.
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
 * Which options a URI may set. A URI often comes from a place that is less trusted than the program, such as a machine
 * definition or a backing-file string. Some Ceph options write to files, load code or leak secrets, so not every URI
 * should set them. The program's own options (struct vdisk_open_options) are never filtered. docs/uri-policy.md has the
 * whole list and the risk that remains.
 */
enum vdisk_uri_policy {
    /*
     * The default. A URI may set `id`, `key`, timeouts, and tuning that neither names a file nor loads code, each
     * within bounds. It may also set `conf` and `keyring` if the value is one absolute path that others cannot change.
     * That is so if the file and every folder above it belong to root or the caller, and nobody else can write them.
     */
    VDISK_URI_GUARDED = 0,
    /* A URI may set only `id` and tuning of the image's I/O. Keys, monitors and files come from the program. */
    VDISK_URI_STRICT = 1,
    /* A URI may set any option. For URIs that are trusted as much as the program itself. */
    VDISK_URI_ANY = 2,
};

/*
 * What this process caches of an image. In every mode, call vdisk_flush or use VDISK_IO_FUA for data that must be safe:
 * only that is a promise, also where a write usually is on the cluster when it completes.
 */
enum vdisk_cache_mode {
    /* As configured, except that write-around is not used: see the top of this file. */
    VDISK_CACHE_DEFAULT = 0,
    /* No cache. Sets `rbd_cache` to false. */
    VDISK_CACHE_NONE = 1,
    /*
     * The cache keeps what was read or written. A write is complete when it is on the cluster. Sets `rbd_cache` to true
     * and `rbd_cache_policy` to writethrough.
     */
    VDISK_CACHE_WRITE_THROUGH = 2,
    /*
     * As write-through until the first flush, because a program that never flushes could lose everything. A program can
     * switch that off with `rbd_cache_writethrough_until_flush`. From the first flush on, writes are complete before
     * they are on the cluster.
     *
     * Sets `rbd_cache` to true and `rbd_cache_policy` to writeback. If `rbd_cache_max_dirty` is 0, which would mean
     * write-through again, it becomes three quarters of `rbd_cache_size`.
     */
    VDISK_CACHE_WRITE_BACK = 3,
    /*
     * Ceph's own default policy. Only vdisk_get_info reports it, when the program, the pool or the image is configured
     * so. In vdisk_open_options.cache_mode it is refused with -EINVAL. A program that wants it sets the option
     * `rbd_cache_policy` and uses VDISK_CACHE_DEFAULT.
     */
    VDISK_CACHE_WRITE_AROUND = 4,
};

/*
 * Other defaults than Ceph's for a few of its options. Any setting of such an option outranks this default: in the
 * monitors' own configuration (`ceph config`), a file, the URI, the program's options, the pool or the image.
 * docs/performance.md shows what each profile does to speed and size.
 */
enum vdisk_tuning {
    /* Ceph's own defaults. */
    VDISK_TUNE_NONE = 0,
    /*
     * Less work for each request. One thread of a connection processes what arrives (`librados_thread_count`). Ceph has
     * two, which get in each other's way. The one thread also decrypts for all disks that share the connection.
     *
     * Reads ask for whole ranges, not for the parts of them that are stored (`rbd_sparse_read_threshold_bytes` of
     * 1 GiB). So holes inside objects are sent as zeroes.
     */
    VDISK_TUNE_THROUGHPUT = 1,
    /*
     * Fewer threads and less memory. As VDISK_TUNE_THROUGHPUT; also, one thread of a connection sends and receives
     * everything, where Ceph has three (`ms_async_op_threads`). librados 16.2.15 ignores what the monitors' own
     * configuration says about that option, with or without this profile. See also
     * vdisk_open_options.disks_per_connection.
     */
    VDISK_TUNE_FOOTPRINT = 2,
};

/* One Ceph configuration option that the program itself sets. */
struct vdisk_option {
    const char *key;
    const char *value;
};

/*
 * Open only for reading. This needs no capability to write, takes no lock and sets no watch on the image.
 *
 * So nothing keeps others from removing the image or the snapshot meanwhile. Ceph then reads the missing objects as
 * zeroes, with success. vdisk_snapshot_list looks at the image afresh, and returns -ENOENT when the image is gone.
 */
#define VDISK_OPEN_READ_ONLY (1u << 0)

/*
 * Open for exclusive use: take Ceph's exclusive lock of the image and keep it until the disk is closed. Others who have
 * the image open can still read. Whatever they write fails: with librbd 16 it fails with -EROFS, then and ever after.
 *
 * Without this flag several clients can have an image open for writing. librbd then passes the lock back and forth
 * between them.
 *
 * -EBUSY       somebody else has the lock: the message names the address. That can be another disk of this program. It
 *              can also be a client from which librbd would get the lock by asking
 * -ENOTSUP     the image does not have the feature exclusive-lock
 */
#define VDISK_OPEN_EXCLUSIVE (1u << 1)

/*
 * Only with VDISK_OPEN_EXCLUSIVE: break the lock of an owner that seems dead. The cluster also fences that owner, so
 * that it writes nothing any more if it is still alive.
 *
 * An owner seems dead when it no longer watches the image. Ceph notices that 30 seconds (`osd_client_watch_timeout`)
 * after it last heard from the owner. The lock of an owner that is alive is never broken.
 */
#define VDISK_OPEN_BREAK_LOCK (1u << 2)

/*
 * Let writes wait while there is no space: the cluster or the pool is full, or a quota is used up. This is Ceph's own
 * default. Opening the image for writing may then wait, too. Without this flag whatever needs space fails with -ENOSPC
 * or -EDQUOT; overwriting and discarding still work.
 */
#define VDISK_OPEN_WAIT_FOR_SPACE (1u << 3)

/* How the contents of an image are encrypted. librbd encrypts and decrypts in this process. */
enum vdisk_encryption {
    /* They are not encrypted, or the program wants them as they are stored. */
    VDISK_ENCRYPTION_NONE = 0,
    VDISK_ENCRYPTION_LUKS1 = 1,
    VDISK_ENCRYPTION_LUKS2 = 2,
    /* LUKS1 or LUKS2, whichever the image has. Only for opening. */
    VDISK_ENCRYPTION_LUKS = 3,
};

/* How to connect and how to open. The library copies all of it. */
struct vdisk_open_options {
    size_t struct_size;
    /* VDISK_OPEN_... */
    uint32_t flags;
    /* enum vdisk_uri_policy */
    uint32_t uri_policy;
    /* The Ceph user without "client.". NULL: the URI's `id`, or else Ceph's default, "admin". */
    const char *id;
    /*
     * The configuration file. NULL: the URI's `conf`, or else Ceph's search path: $CEPH_CONF, /etc/ceph/ceph.conf,
     * ~/.ceph/ceph.conf, ./ceph.conf. It is no error if the search path has no file.
     */
    const char *conf;
    /* Ceph options to set after the URI's, in this order. `id` and `conf` are not Ceph options and give -EINVAL. */
    const struct vdisk_option *options;
    size_t option_count;
    /*
     * How often, in milliseconds, a read-only disk asks for the image's size, because it has no watch on the image. 0
     * means every 5000. A disk that is a snapshot does not ask, because snapshots never change their size.
     */
    uint32_t size_poll_ms;
    /*
     * How long a request to this disk may take, in milliseconds from its acceptance. 0: no limit. A request that takes
     * longer expires: it completes with -ETIMEDOUT, and vdisk_queue_cancel says what becomes of it in Ceph.
     *
     * Zero-copy requests that Ceph has by then do not expire. This limit does not apply to control operations.
     */
    uint32_t io_timeout_ms;
    /*
     * enum vdisk_cache_mode. Any mode except VDISK_CACHE_DEFAULT overrides configuration files and all options, even
     * the program's own.
     */
    uint32_t cache_mode;
    /*
     * How many disks may be on the connection that this disk gets, at the time when it gets it. 0 means 16. With 1 the
     * disk starts on a connection that no other disk has; a disk that is opened later with a larger number can still
     * join it. A connection costs a dozen threads and some megabytes. Whatever fences one of its disks, such as
     * breaking a lock, fences all of them.
     */
    uint32_t disks_per_connection;
    /*
     * enum vdisk_encryption. The size of the disk and all offsets are those of the contents. In the image these come
     * after a header of some MiB. Images that `rbd encryption format`, QEMU or vdisk_create have encrypted can be
     * opened, and so can their snapshots and clones.
     *
     * Deriving the key takes a second or more. That happens on opening, on reopening, and whenever the size of a
     * read-only disk has changed.
     */
    uint32_t encryption;
    /* enum vdisk_tuning. */
    uint32_t tuning;
    /*
     * The passphrase: either `passphrase_size` bytes, or the file that holds it. One newline at the end of the file
     * does not count. A file is read each time the key is derived, by the thread that opens the image.
     *
     * The library wipes its copies when they are not needed any more. Its copy of the bytes is needed until the disk is
     * closed.
     */
    const void *passphrase;
    size_t passphrase_size;
    const char *passphrase_file;
};

/* Sets every field to its default. `struct_size` is `sizeof *options`. Never blocks. */
void vdisk_open_options_init(struct vdisk_open_options *options, size_t struct_size);

/*
 * Opens the image or snapshot that `uri` names. `options` may be NULL for the defaults. On success *disk is a new disk;
 * close it with vdisk_close. A snapshot needs VDISK_OPEN_READ_ONLY. VDISK_OPEN_READ_ONLY and VDISK_OPEN_EXCLUSIVE
 * exclude each other.
 *
 * Blocks, because it connects to the cluster. While no monitor answers, `client_mount_timeout` bounds the time. Any
 * thread may call it. All signals are blocked in the calling thread during the call. Ceph's threads inherit that, so
 * they never run the program's signal handlers.
 *
 * -EINVAL        an argument, an option's name or an option's value is not valid; or the image is not encrypted, or not
 *                in the way that `options` says
 * -E2BIG         `options` sets a field that this libvdisk does not know
 * -EPERM         the URI policy refuses an option: the message says which, and how to allow it; or called in a forked
 *                child
 * -EROFS         the URI names a snapshot and VDISK_OPEN_READ_ONLY is not given
 * -ENOENT        there is no such configuration file, keyring, pool, namespace, image, snapshot or passphrase file: the
 *                message says which
 * -EACCES        the cluster does not know the user, or the key is wrong
 * -ETIMEDOUT     no monitor answered in time
 * -EBUSY         see VDISK_OPEN_EXCLUSIVE
 * -ENOTSUP       see VDISK_OPEN_EXCLUSIVE
 * -EKEYREJECTED  the passphrase is wrong
 * -ENOMEM        out of memory
 * (any other)    whatever else librados or librbd report: the message says which step failed
 */
int vdisk_open(struct vdisk **disk, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
               struct vdisk_error *err);

/*
 * Opens a disk from the text of a URI: vdisk_uri_parse, vdisk_open and vdisk_uri_free in one call. Blocks. Any thread
 * may call it. Its errors are those of vdisk_uri_parse and vdisk_open.
 */
int vdisk_open_uri(struct vdisk **disk, const char *uri, const struct vdisk_open_options *options,
                   struct vdisk_error *err);

/*
 * Closes a disk and frees it. Blocks until every request and operation on every queue is complete and Ceph has no
 * detached request any more (vdisk_queue_cancel). The completions stay with their queues to be reaped. Then it flushes,
 * unless nothing was written since the last successful flush, closes the image and releases the connection.
 *
 * Any thread may call it, once. Calls in progress on other threads fail with -ESHUTDOWN at their next request. Start no
 * new call once close may have begun.
 *
 * 0 means that every write through this disk that completed with success is on the cluster, except losses that were
 * acknowledged (vdisk_acknowledge_loss).
 *
 * After these errors the disk is not closed:
 *
 * -EINVAL      `disk` is NULL
 * -EBUSY       a queue is plugged with requests to the disk (vdisk_queue_plug); the disk stays open
 * -ESHUTDOWN   a vdisk_aio_close of the disk is accepted already. Only a second close of a disk can get this, so a
 *              program that closes each disk once need not tell the two cases apart
 * -EPERM       called in a forked child; the memory is not freed
 *
 * After these errors the disk is closed and freed, and what was written may not be on the cluster:
 *
 * -ESHUTDOWN   the cluster has fenced the client before all writes were flushed
 * -ETIMEDOUT   a write that Ceph ended with -ETIMEDOUT (`rados_osd_op_timeout`) is still indeterminate
 * (any other)  the error of a failed flush, either this one or an earlier one that is not acknowledged
 *              (vdisk_acknowledge_loss); or the error of rbd_close
 */
int vdisk_close(struct vdisk *disk, struct vdisk_error *err);

/*
 * Closes a disk as vdisk_close does, but blocks for `timeout_ms` milliseconds at most (-1: no limit). If closing takes
 * longer, the library goes on with it in the background and then frees the disk.
 *
 * After these errors the disk stays open:
 *
 * -EINVAL      `timeout_ms` is less than -1; or as for vdisk_close
 * -EAGAIN      no thread can be started
 * -ENOMEM      out of memory
 * -EBUSY       as for vdisk_close
 * -ESHUTDOWN   as for vdisk_close
 * -EPERM       as for vdisk_close
 *
 * After these errors the disk must not be used any more:
 *
 * -ETIMEDOUT   the time is over, and closing goes on. Writes may still reach the image. It is not known whether all of
 *              them will. vdisk_close returns the same error for another reason; the message tells which it is
 * (any other)  as for vdisk_close
 */
int vdisk_close_within(struct vdisk *disk, int timeout_ms, struct vdisk_error *err);

/*
 * What a disk is. The strings belong to the disk and live until it is closed.
 *
 * These fields change while the disk is open: the size, detached_requests and indeterminate_writes. Flattening through
 * this disk sets the fields of the parent to NULL. All other fields stay as they were when the disk was opened.
 */
struct vdisk_info {
    size_t struct_size;
    /* In bytes, as vdisk_get_size returns it. */
    uint64_t size;
    /* The size in bytes of the RADOS objects that the image is cut into: a power of two. */
    uint64_t object_size;
    /*
     * Striping: `stripe_unit` bytes go to one object, the next as many bytes to the next object, and so on for
     * `stripe_count` objects.
     */
    uint64_t stripe_unit;
    uint64_t stripe_count;
    /* librbd's RBD_FEATURE_... bits (VDISK_FEATURE_... in image.h). */
    uint64_t features;
    /* The longest single read or write that a queue accepts, in bytes. */
    uint64_t max_request;
    /* Requests of this many bytes, aligned to it, touch one object each: the best size for streaming. */
    uint64_t optimal_io;
    /*
     * The longest single discard, and the longest single write of zeroes, that a queue accepts, in bytes. A discard
     * frees space in multiples of discard_granularity at multiples of discard_granularity. If that is 1, librbd is
     * configured to take any range.
     */
    uint64_t max_discard;
    uint64_t max_write_zeroes;
    uint64_t discard_granularity;
    /*
     * A compare-and-write may not cross a multiple of this. 0: this disk cannot compare and write, because of its cache
     * or its stripe unit (vdisk_compare_and_write).
     */
    uint64_t compare_and_write_boundary;
    const char *pool;
    /* "" for the default namespace. */
    const char *name_space;
    const char *image;
    /* NULL for the image itself. */
    const char *snapshot;
    /* The image's id in its pool, which a rename does not change (rbd_get_id). "" for an image of the old format. */
    const char *image_id;
    /* The snapshot's id. 0 for the image itself. */
    uint64_t snapshot_id;
    /*
     * The image and the snapshot that a clone was made from. All are NULL if there is no parent. The snapshot is also
     * NULL if its name has been removed while Ceph keeps it for its clones.
     */
    const char *parent_pool;
    const char *parent_name_space;
    const char *parent_image;
    const char *parent_image_id;
    const char *parent_snapshot;
    /* 1 or 0. */
    uint32_t read_only;
    /*
     * enum vdisk_cache_mode: what was in force when the image was opened, including the configuration of the pool and
     * of the image. Never the default mode.
     */
    uint32_t cache_mode;
    /*
     * How many requests are detached: they were cancelled or have expired, and Ceph still has them
     * (vdisk_queue_cancel).
     */
    uint32_t detached_requests;
    /*
     * How many writes are indeterminate: they may still change the image, although their callers have the final
     * completion. Zeroes, discards and compare-and-writes are writes here.
     *
     * A detached write is indeterminate. It settles, and no longer counts, when Ceph reports its end. A write that Ceph
     * ends with -ETIMEDOUT (`rados_osd_op_timeout`), detached or not, is indeterminate too. Ceph reports nothing more
     * about it, so it settles only when vdisk_reopen has proven that this client is fenced.
     */
    uint32_t indeterminate_writes;
};

/* Zeroes *info and records its size. `struct_size` is `sizeof *info`. Never blocks. */
void vdisk_info_init(struct vdisk_info *info, size_t struct_size);

/*
 * Fills the fields of *info that the caller's `struct_size` covers. Does no I/O and never blocks. Any thread may call
 * it.
 *
 * -EINVAL      an argument is NULL, or info->struct_size is not that of any version
 * -E2BIG       *info has a field that this libvdisk does not know, and it is not zero
 * -EPERM       called in a forked child
 */
int vdisk_get_info(struct vdisk_info *info, struct vdisk *disk, struct vdisk_error *err);

/*
 * Returns the current size in bytes; 0 for a NULL disk. The value is cached: the call does no I/O and never blocks. Any
 * thread may call it.
 *
 * A resize by this disk changes the value before vdisk_resize returns. A resize by anybody else changes it as soon as
 * Ceph's watch on the image reports it. A read-only disk has no such watch. There the value changes within
 * vdisk_open_options.size_poll_ms.
 */
uint64_t vdisk_get_size(const struct vdisk *disk);

/* Allow vdisk_resize to make the image smaller. The data beyond the new end is lost. */
#define VDISK_RESIZE_SHRINK (1u << 0)

/*
 * Sets the image's size to `size` bytes. Blocks for as long as the cluster takes. Shrinking removes objects, which can
 * take minutes. Any thread may call it.
 *
 * Growing adds zeroes. Without VDISK_RESIZE_SHRINK a smaller size is refused, even when somebody else has grown the
 * image meanwhile. So two programs that both grow the image never shrink it (rbd_resize2).
 *
 * Requests that are in flight beyond the new end: a read gives zeroes there; a write completes with -EIO once this disk
 * knows the new size. A write that librbd accepts between the shrinking and that moment can be cut off in silence. Only
 * exclusive use of the image rules that out (VDISK_OPEN_EXCLUSIVE).
 *
 * -EINVAL      the size is smaller and VDISK_RESIZE_SHRINK is not given, a flag is unknown, or `disk` is NULL
 * -EFBIG       `size`, with the header of an encrypted image, is more than INT64_MAX
 * -EROFS       the disk is read-only
 * -ESHUTDOWN   the disk is closing, or the cluster has fenced this client
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 * (any other)  whatever else rbd_resize2 reports
 */
int vdisk_resize(struct vdisk *disk, uint64_t size, uint32_t flags, struct vdisk_error *err);

/*
 * vdisk_resize on a queue. Never blocks. 0 means that the operation is accepted. Its result comes with the completion,
 * and the sentence for it with vdisk_queue_error. `flags` also takes VDISK_AIO_PROGRESS (queue.h).
 *
 * -EAGAIN      the queue is full, or no thread can be started
 * (any other)  an error of vdisk_resize that is known at once
 */
int vdisk_aio_resize(struct vdisk_queue *queue, struct vdisk *disk, uint64_t size, uint32_t flags, void *user_data,
                     struct vdisk_error *err);

/*
 * Acknowledges a flush error. After a flush has failed, earlier writes may be lost, and librbd reports that only once.
 * So the library makes the error stick: every later flush on every queue, and vdisk_close, fail with it. By this call
 * the program says that it knows of the error and has done what it can, such as writing the data again.
 *
 * Never blocks. Any thread may call it.
 *
 * -EINVAL      `disk` is NULL
 * -EPERM       called in a forked child
 */
int vdisk_acknowledge_loss(struct vdisk *disk, struct vdisk_error *err);

/*
 * Before reopening, have the cluster fence the client that the disk has now, unless it is fenced already. Then nothing
 * that was sent through that client can change the image any more. What was written and not flushed is lost, and
 * vdisk_reopen says how that is reported.
 *
 * Other disks of this process that share the client are fenced with it, and must be reopened too.
 */
#define VDISK_REOPEN_FENCE (1u << 0)

/*
 * Gives the disk a new client of the cluster, with the options that the disk was opened with. The disk's pointer stays
 * valid, and its queues and its watches stay. Blocks. Any thread may call it.
 *
 * This is how a disk is used again after the cluster has fenced its client, when everything fails with -ESHUTDOWN. A
 * disk does not reopen by itself. Whoever fenced the client may have had a reason, such as running the machine
 * elsewhere. The program should know that the reason is gone. The library can check only that nobody else has the
 * exclusive lock.
 *
 * The call waits, without a time limit, for requests that are accepted and for detached reads. It does not wait for
 * indeterminate writes: if the client is not fenced, they make it fail with -EBUSY. Afterwards nothing of the old
 * client can change the image, for one of two reasons:
 * - The old client is fenced, and the new one has seen the cluster's newest map.
 * - The old client is not fenced, and everything that was sent through it is over. For this no write may be
 *   indeterminate (vdisk_info.indeterminate_writes). With VDISK_REOPEN_FENCE the first reason holds instead.
 *
 * If the old client is fenced and a write has completed since the last successful flush, that write may be lost.
 * Flushes then fail with -EIO until vdisk_acknowledge_loss. If the old client is not fenced, it is flushed. If that
 * flush fails, vdisk_reopen still succeeds, and later flushes fail until vdisk_acknowledge_loss.
 *
 * The size can be different afterwards (vdisk_get_size, VDISK_EVENT_RESIZED). During the call other calls and requests
 * may be refused with -ESHUTDOWN.
 *
 * After a failure a fenced disk stays fenced. A disk that is not fenced can be used as before if the failure came
 * early. If it came late, every call but vdisk_reopen and vdisk_close is refused, and the next vdisk_reopen tries
 * again.
 *
 * -EINVAL      `disk` is NULL, or a flag is unknown
 * -EBUSY       another client has the exclusive lock, writes are indeterminate, or a queue is plugged with requests to
 *              the disk: the message says which
 * -EALREADY    the disk is being reopened
 * -ENOENT      the image was removed or renamed, or another image has its name
 * -EACCES      the user may not fence clients
 * -EPERM       the same, or called in a forked child
 * -ESHUTDOWN   the disk is closing, or the new client was fenced immediately
 * -ENOMEM      out of memory
 * (any other)  the errors of vdisk_open, and whatever else librados or librbd report
 */
int vdisk_reopen(struct vdisk *disk, uint32_t flags, struct vdisk_error *err);

/*
 * Drops what this process has cached of the image, so that later reads come from the cluster. This is for when somebody
 * else has written to the image, for example before a migration that ends here. There is nothing to drop without a
 * cache: when `rbd_cache` is false, or where write-around would be in force. Blocks. Any thread may call it.
 *
 * Nothing written is lost by this call. It first flushes as vdisk_flush does, unless nothing was written since the last
 * successful flush. If the flush fails, nothing is dropped. (rbd_invalidate_cache by itself also writes back, but does
 * not report a failure.) Requests that are in flight may leave something in the cache, so there should be none.
 *
 * -EINVAL      `disk` is NULL
 * -ESHUTDOWN   the disk is closing or fenced
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 * (any other)  the error of the flush, either this one or an earlier one that is not acknowledged; and whatever else
 *              librbd reports
 */
int vdisk_invalidate(struct vdisk *disk, struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
