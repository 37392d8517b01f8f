/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fake is a librbd and a librados in memory, for tests without a cluster. tests/fake/README.md is its guide.
 *
 * A test program links the library under test with the fake instead of with the real libraries. The library calls
 * rbd_open, rbd_aio_read and so on as usual. The test creates pools and images with the functions below, and scripts
 * what goes wrong: failing calls, held, delayed or reordered requests, short reads, a resize by another client,
 * fencing. The fake behaves as Ceph 16.2.15 does; the checks in tests/integration/agree/ run on both.
 *
 * Some misuse hangs or crashes the real libraries, always or only sometimes. Here it always aborts, with a sentence on
 * standard error that starts with "fake:". These are the traps:
 *   - a handle, image, pool or completion used after it was closed, or closed twice; the wrong order of closing
 *     (images, then ioctx, then the cluster handle)
 *   - rbd_close with requests in flight
 *   - a completion released before its callback, released twice, submitted twice, or asked for its result too early
 *   - a call that can block made from inside a callback
 *   - a read of length zero into NULL; a compare-and-write of length zero; a request of 2 GiB or more; a NULL progress
 *     function where one gets called
 *   - rados_connect tried again on a handle where it failed; rados_wait_for_latest_osdmap without a connection
 *   - rbd_update_unwatch with a handle it did not give out
 *   - rbd_diff_iterate2 on an empty image or range, or for whole objects with a map known to be invalid
 * rbd_aio_readv reads the caller's iovec array only when the request completes, because the real one may do so, too.
 *
 * Any thread may call anything here. Names are NUL-terminated. The namespace "" is the default one. A NULL `snapshot`
 * stands for the image itself. A test that names a pool, image or function that does not exist has a mistake, so the
 * fake aborts.
 *
 * A test usually has this shape:
 *
 *     fake_reset();                                     setup: an empty cluster, nothing scripted
 *     fake_create_pool("pool");
 *     fake_create_image("pool", "", "disk", 1 << 20);
 *     ...                                               vdisk_open and so on
 *     fake_reset();                                     teardown: aborts if something was left open
 */
#ifndef FAKE_H
#define FAKE_H

#include <rbd/librbd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The cluster. */

/*
 * Makes the cluster empty again: no pools, nothing scripted, counters at zero, I/O threads ended. Aborts when handles,
 * ioctxs, images, completions, image options, names from rbd_snap_list or blocked calls are left over, and names them.
 * It also aborts when an image was closed with a watch on it, because the real librbd leaks that watch.
 */
void fake_reset(void);

/*
 * Returns how many such leftovers there are now, and writes their names to `text`, cut to `size` bytes. `text` may be
 * NULL.
 */
size_t fake_leaks(char *text, size_t size);

void fake_create_pool(const char *pool);
void fake_create_namespace(const char *pool, const char *name_space);

/*
 * Creates an image with objects of 4 MiB and the default features. Storage is sparse: an image of 1 TiB takes only as
 * much memory as is written to it.
 */
void fake_create_image(const char *pool, const char *name_space, const char *image, uint64_t size);

/*
 * Another client creates a snapshot, and watches fire. Callers of librbd cannot name a snapshot whose type is not USER.
 */
void fake_create_snapshot(const char *pool, const char *name_space, const char *image, const char *snapshot,
                          rbd_snap_namespace_type_t type);

/* Read and write what is on the cluster, without any client noticing. Beyond the end of the image zeroes are read. */
void fake_image_read(const char *pool, const char *name_space, const char *image, const char *snapshot, uint64_t offset,
                     void *data, size_t length);
void fake_image_write(const char *pool, const char *name_space, const char *image, uint64_t offset, const void *data,
                      size_t length);

bool fake_image_exists(const char *pool, const char *name_space, const char *image);
uint64_t fake_image_size(const char *pool, const char *name_space, const char *image);

/* Sets the striping of the image, which must not be open. */
void fake_stripe_image(const char *pool, const char *name_space, const char *image, uint64_t stripe_unit,
                       uint64_t stripe_count);

/*
 * Does what `rbd config image set` does: the value outranks the configuration of every client. rbd_config_image_list
 * reports it, and the fake obeys it.
 */
void fake_set_image_option(const char *pool, const char *name_space, const char *image, const char *option,
                           const char *value);

/* Returns the size of the image's objects, as its creator chose it. */
uint64_t fake_image_object_size(const char *pool, const char *name_space, const char *image);

/* Tells how an image is laid out. */
struct fake_layout {
    uint64_t features;
    uint64_t stripe_unit;
    uint64_t stripe_count;
    /* NULL stands for the image's own pool. */
    const char *data_pool;
};

struct fake_layout fake_image_layout(const char *pool, const char *name_space, const char *image);

/*
 * Another client makes a clone in the same pool and namespace. With format 1 the call also protects the snapshot;
 * format 2 needs no protection.
 */
void fake_create_clone(const char *pool, const char *name_space, const char *image, const char *snapshot, int format,
                       const char *clone);

/* Returns whether the image is a clone that is not flattened. */
bool fake_image_is_clone(const char *pool, const char *name_space, const char *image);

/*
 * Adds a client that has the image open, holds its exclusive lock and answers nobody. It stays among the image's
 * watchers. As with the real librbd, which fences such a client, removing the image succeeds all the same.
 */
void fake_freeze_client(const char *pool, const char *name_space, const char *image);

/*
 * Another client at this address takes the exclusive lock; with NULL, nobody has it. The next client that changes the
 * image through the fake takes the lock again.
 */
void fake_take_lock(const char *pool, const char *name_space, const char *image, const char *address);

/* Another client locks the image with `rbd lock add`, or unlocks it again. */
void fake_lock_by_hand(const char *pool, const char *name_space, const char *image, bool locked);

/*
 * Marks the image as encrypted, so that its contents begin after a header. Nothing is really encrypted. Loading the
 * encryption fails with another format or another passphrase.
 */
void fake_encrypt_image(const char *pool, const char *name_space, const char *image, rbd_encryption_format_t format,
                        const char *passphrase);

/*
 * Returns the passphrase of an encrypted image, or NULL. The string is valid until the image is encrypted again or
 * fake_reset is called.
 */
const char *fake_image_passphrase(const char *pool, const char *name_space, const char *image);

/* Sets the features of an image, as RBD_FEATURE_... bits. */
void fake_set_features(const char *pool, const char *name_space, const char *image, uint64_t features);

/*
 * Leaves no room in the pool. Writes fail with this error, ENOSPC or EDQUOT, if rados_set_pool_full_try was called on
 * their ioctx before the image was opened; otherwise they wait. Error 0 makes room again.
 */
void fake_fill_pool(const char *pool, int error);

/* Returns how many snapshots of any type the image has. */
size_t fake_image_snapshots(const char *pool, const char *name_space, const char *image);

/* Returns how many pages of 4 KiB of the image hold data. */
size_t fake_image_pages(const char *pool, const char *name_space, const char *image);

/*
 * Returns whether the image was closed while a completed write was not covered by a later, successful rbd_aio_flush or
 * rbd_flush. rbd_close flushes, too, but does not tell whether that worked.
 */
bool fake_image_closed_unflushed(const char *pool, const char *name_space, const char *image);

/* Sets how an empty image is cut into objects, whose size is a power of two, and how it is striped over them. */
void fake_set_layout(const char *pool, const char *name_space, const char *image, uint64_t object_size,
                     uint64_t stripe_unit, uint64_t stripe_count);

/* Makes the object maps of the image and its snapshots invalid. Read-only handles do not notice. */
void fake_invalidate_maps(const char *pool, const char *name_space, const char *image);

/*
 * Another client resizes the image. With `notify` watches fire; without it, clients learn of the new size only by
 * asking.
 */
void fake_resize_image(const char *pool, const char *name_space, const char *image, uint64_t size, bool notify);

/* Fires the image's watches, though nothing has changed. */
void fake_notify(const char *pool, const char *name_space, const char *image);

/*
 * Another client removes the image by force. Clients that have it open read zeroes; their writes succeed and have no
 * effect.
 */
void fake_remove_image(const char *pool, const char *name_space, const char *image);

/*
 * Fences every client that is connected now, as a blocklist does: its calls fail with -ESHUTDOWN for ever. Clients that
 * connect later are not affected.
 */
void fake_blocklist(void);

/* Failing calls. Errors are given as positive errno values. */

/*
 * Says where a scripted failure strikes an rbd_aio_... call. At submission, the call returns the error and no callback
 * follows. At completion, the call returns 0 and the completion carries the error; a failed read leaves garbage in its
 * buffer. The mode holds for failures that are scripted afterwards. The default is FAKE_AT_SUBMISSION.
 */
enum fake_when { FAKE_AT_SUBMISSION, FAKE_AT_COMPLETION };
void fake_fail_mode(enum fake_when when);

/* The n-th next call of that function (1 is the next one) fails. A test may script more than one such failure. */
void fake_fail_call(const char *function, unsigned int n, int error);

/* Every call of that function fails, until the error is set to 0. */
void fake_fail_always(const char *function, int error);

/*
 * The n-th next call of any function that can fail, fails. A sweep raises n until fake_failed() stays false. Only one
 * such failure is scripted at a time, and 0 takes it back. Functions that return no error (rados_shutdown,
 * rbd_aio_release) do not count.
 */
void fake_fail_nth(unsigned int n, int error);

/* Return whether the failure of fake_fail_nth has struck, and the function that it struck, or NULL. */
bool fake_failed(void);
const char *fake_failed_name(void);

/* Returns how often the function was called. With NULL it returns how many calls fake_fail_nth counts. */
unsigned int fake_calls(const char *function);

/* Returns whether every call of that function so far was made with signals blocked in its thread. */
bool fake_signals_blocked(const char *function);

/* Calls that take their time. */

/* From now on, calls of that function wait at their start. */
void fake_block_call(const char *function);

/* Lets the calls that wait go on, and later calls pass. */
void fake_unblock_call(const char *function);

/* Waits until a call of that function waits. Returns false when none did within 30 seconds. */
bool fake_wait_blocked(const char *function);

/* Do the same for all functions except rbd_aio_..., which librbd promises not to block. */
void fake_block_calls(void);
void fake_unblock_calls(void);

/* Lets the calls that wait now go on. Later calls wait again. */
void fake_step_calls(void);

/* Returns how many calls wait now. */
size_t fake_waiting_calls(void);

/* Requests. `kinds` is any combination of these bits. */

enum fake_kind {
    FAKE_READ = 1 << 0,
    FAKE_WRITE = 1 << 1,
    FAKE_FLUSH = 1 << 2,
    /* This is no request, but a callback of rbd_update_watch. */
    FAKE_EVENT = 1 << 3,
    FAKE_DISCARD = 1 << 4,
    FAKE_ZEROES = 1 << 5,
    FAKE_COMPARE = 1 << 6,
    /* A flush waits for these. */
    FAKE_CHANGE = FAKE_WRITE | FAKE_DISCARD | FAKE_ZEROES | FAKE_COMPARE,
    FAKE_IO = FAKE_READ | FAKE_CHANGE | FAKE_FLUSH,
    FAKE_ALL = FAKE_IO | FAKE_EVENT
};

/*
 * From now on the fake holds requests of these kinds, and no others: nothing happens to them until they are released.
 * Requests that are held already stay held. A request that is never released never completes.
 */
void fake_hold(unsigned int kinds);

enum fake_order { FAKE_FIFO, FAKE_LIFO, FAKE_RANDOM };

/*
 * Releases up to `count` held requests of these kinds (SIZE_MAX: all) and returns how many. They take effect and
 * complete in the given order (`seed` is for FAKE_RANDOM); a flush still waits for the changes submitted before it.
 */
size_t fake_release(unsigned int kinds, size_t count, enum fake_order order, unsigned int seed);

/* Calls fake_hold(0) and releases everything in the order of submission. */
void fake_release_all(void);

size_t fake_held(unsigned int kinds);

/* Waits until at least `count` are held. Returns false when that did not happen within 30 seconds. */
bool fake_wait_held(unsigned int kinds, size_t count);

/* Returns how many requests are submitted and have not been called back. */
size_t fake_in_flight(void);

/*
 * Waits until no callback runs and no request is in flight, except the held ones. Returns false when that did not
 * happen within 30 seconds.
 */
bool fake_wait_idle(void);

/* Requests of these kinds take effect and complete this much later. 0 ends it. */
void fake_delay(unsigned int kinds, unsigned int microseconds);

/* Completes requests of an image in random order, where several are in flight. A seed of 0 ends it. */
void fake_shuffle(unsigned int seed);

/*
 * Requests of these kinds complete inside rbd_aio_...: the callback runs on the caller's thread before the call
 * returns. 0 ends it. The real librbd does not do this, but code that survives it does not depend on luck. Two kinds of
 * requests still complete on the usual threads: a held one after its release, and a flush that must wait for writes
 * after those.
 */
void fake_inline(unsigned int kinds);

/*
 * Sets how many threads callbacks run on; the default is 2. A test may call this only before the first request after
 * fake_reset.
 */
void fake_set_threads(unsigned int count);

/* Sets whether callbacks of one image run one at a time. The default is true, as with the real librbd. */
void fake_set_serialized(bool serialized);

/* Returns whether this thread is inside a callback from librbd. */
bool fake_in_callback(void);

/*
 * Sets the result of the next request of that kind (one bit) that completes: a negative errno, or for a read the count
 * of bytes, which are delivered. A write that fails has no effect, and a read that fails leaves garbage in its buffer.
 * Results queue up. A result for FAKE_FLUSH also goes to rbd_flush, or to rbd_close, which drops it: librbd reports a
 * flush error only once.
 */
void fake_next_result(enum fake_kind kind, ssize_t result);

/* The next read that completes returns this many bytes less than it could. */
void fake_short_read(size_t bytes);

/* With true, writes and other changes that are scripted to fail at completion reach the image all the same. */
void fake_land_failed_writes(bool land);

/* Configuration. */

/*
 * Sets what rados_conf_read_file returns for this path: 0 or a negative errno. NULL stands for Ceph's search path. At
 * first every path gives -ENOENT, and the search path leads to a file that sets `key`, so that clients can
 * authenticate.
 */
void fake_conf_file(const char *path, int result);

/* Does the same with 0, and sets what is in the file: lines of `option = value`. Sections and comments are skipped. */
void fake_conf_file_text(const char *path, const char *text);

/*
 * The options that Ceph has are those of a client in 16.2.15, with their types and defaults (fake_options.c). This adds
 * one, of type text.
 */
void fake_conf_add_option(const char *name, const char *value);

/*
 * Returns the option's value in the cluster handle that was created last. It is valid until the next call of this
 * function.
 */
const char *fake_conf_get(const char *option);

/*
 * Returns what happened to the configuration of all handles since fake_reset, a line for each call, failed calls
 * included: "create id=admin" ("create" without an id), "default key=value", "file /path" ("file" for the search path),
 * "env VARIABLE", "set key=value", "connect", "shutdown". The text is valid until the next call into librados.
 */
const char *fake_conf_log(void);

#endif
