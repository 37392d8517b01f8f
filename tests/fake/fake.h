/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A librbd and librados in memory, for tests without a cluster.
 *
 * The library under test is linked with this in the place of the real ones and calls rbd_open, rbd_aio_read and so on
 * as ever. The test makes pools and images with the functions below, and scripts what goes wrong: failing calls, held,
 * delayed or reordered requests, short reads, resizing by somebody else, fencing. What is imitated was compared with
 * Ceph 16.2.15 (tests/integration/agree/ has checks that run on both).
 *
 * Misuse that would hang or crash with the real libraries, or only sometimes, always aborts here, with a sentence on
 * standard error that starts with "fake:". The traps:
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
 * rbd_aio_readv looks at the caller's iovec array only when the read completes, since the real one may, too.
 *
 * Any thread may call anything here. Names are NUL-terminated; the namespace "" is the default one; `snapshot` NULL is
 * the image itself. A pool, image or function that does not exist is a mistake of the test, and aborts.
 *
 * The usual shape of a test:
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
 * Back to an empty cluster: no pools, nothing scripted, counters at zero, I/O threads ended. Aborts, naming them, when
 * handles, ioctxs, images, completions, image options, names from rbd_snap_list or blocked calls are left over, or an
 * image was closed with a watch on it, which leaks.
 */
void fake_reset(void);

/* How many such leftovers there are now. `text` gets their names, cut to `size`; NULL if not wanted. */
size_t fake_leaks(char *text, size_t size);

void fake_create_pool(const char *pool);
void fake_create_namespace(const char *pool, const char *name_space);

/* With 4 MiB objects and the default features. Storage is sparse: a 1 TiB image costs what is written to it. */
void fake_create_image(const char *pool, const char *name_space, const char *image, uint64_t size);

/* A snapshot made by somebody else; watches fire. Snapshots of a type that is not USER cannot be named by callers. */
void fake_create_snapshot(const char *pool, const char *name_space, const char *image, const char *snapshot,
                          rbd_snap_namespace_type_t type);

/* Looks at what is on the cluster, or puts it there, behind everybody's back. Beyond the end there are zeroes. */
void fake_image_read(const char *pool, const char *name_space, const char *image, const char *snapshot, uint64_t offset,
                     void *data, size_t length);
void fake_image_write(const char *pool, const char *name_space, const char *image, uint64_t offset, const void *data,
                      size_t length);

bool fake_image_exists(const char *pool, const char *name_space, const char *image);
uint64_t fake_image_size(const char *pool, const char *name_space, const char *image);

/* Has the image striped; it must not be open. */
void fake_stripe_image(const char *pool, const char *name_space, const char *image, uint64_t stripe_unit,
                       uint64_t stripe_count);

/* `rbd config image set`: outranks what clients are configured with. Told by rbd_config_image_list, and obeyed. */
void fake_set_image_option(const char *pool, const char *name_space, const char *image, const char *option,
                           const char *value);

/* The size of the image's objects, as its creator chose it. */
uint64_t fake_image_object_size(const char *pool, const char *name_space, const char *image);

/* How the image is laid out. */
struct fake_layout {
    uint64_t features;
    uint64_t stripe_unit;
    uint64_t stripe_count;
    /* NULL: the image's own pool. */
    const char *data_pool;
};

struct fake_layout fake_image_layout(const char *pool, const char *name_space, const char *image);

/* A clone made by somebody else, in the same pool and namespace; of format 1 from a snapshot that this protects, or 2.
 */
void fake_create_clone(const char *pool, const char *name_space, const char *image, const char *snapshot, int format,
                       const char *clone);

/* Whether it is a clone, and not flattened. */
bool fake_image_is_clone(const char *pool, const char *name_space, const char *image);

/*
 * A client that has the image open and holds its exclusive lock does not answer any more. It stays among the image's
 * watchers. As with the real librbd, removing the image fences it and works all the same.
 */
void fake_freeze_client(const char *pool, const char *name_space, const char *image);

/*
 * Somebody else takes the exclusive lock, by this address; NULL: nobody has it. Whoever changes the image through the
 * fake takes it again.
 */
void fake_take_lock(const char *pool, const char *name_space, const char *image, const char *address);

/* Somebody has locked the image by hand, with `rbd lock add`; or has unlocked it again. */
void fake_lock_by_hand(const char *pool, const char *name_space, const char *image, bool locked);

/*
 * The image is encrypted, and with that its contents begin behind a header; nothing is really encrypted. An image of
 * another format or with another passphrase does not load.
 */
void fake_encrypt_image(const char *pool, const char *name_space, const char *image, rbd_encryption_format_t format,
                        const char *passphrase);

/* The passphrase of an encrypted image; else NULL. Valid until the image is removed. */
const char *fake_image_passphrase(const char *pool, const char *name_space, const char *image);

/* Features, RBD_FEATURE_..., that an image is to have. */
void fake_set_features(const char *pool, const char *name_space, const char *image, uint64_t features);

/*
 * The pool has no room: writes to it fail with this error, ENOSPC or EDQUOT; but those whose ioctx was not asked for
 * that wait until there is room, error 0.
 */
void fake_fill_pool(const char *pool, int error);

/* How many snapshots of any type there are. */
size_t fake_image_snapshots(const char *pool, const char *name_space, const char *image);

/* How many pages of 4 KiB hold data. */
size_t fake_image_pages(const char *pool, const char *name_space, const char *image);

/*
 * Whether an image has been closed while writes that had completed were not covered by a later, successful
 * rbd_aio_flush or rbd_flush: rbd_close flushes, but does not tell whether that worked.
 */
bool fake_image_closed_unflushed(const char *pool, const char *name_space, const char *image);

/* How an empty image is cut into objects, powers of two, and their stripes. */
void fake_set_layout(const char *pool, const char *name_space, const char *image, uint64_t object_size,
                     uint64_t stripe_unit, uint64_t stripe_count);

/* The maps of objects of the image and its snapshots become invalid. Those who have it open read-only do not notice. */
void fake_invalidate_maps(const char *pool, const char *name_space, const char *image);

/* Somebody else resizes the image. With `notify` watches fire; without, only asking tells. */
void fake_resize_image(const char *pool, const char *name_space, const char *image, uint64_t size, bool notify);

/* Fires the image's watches though nothing has changed. */
void fake_notify(const char *pool, const char *name_space, const char *image);

/* Somebody forces the image away. Those who have it open read zeroes, and writes go nowhere, with success. */
void fake_remove_image(const char *pool, const char *name_space, const char *image);

/* Fences every client that is connected now, as a blocklist does: -ESHUTDOWN for ever. Later ones are fine. */
void fake_blocklist(void);

/* Failing calls. Errors are given as positive errno values. */

/*
 * Where a scripted failure strikes an rbd_aio_... call: it returns the error, and there will be no callback; or it
 * returns 0 and its completion carries the error. Holds for what is scripted afterwards; the first is the default.
 * A read that fails at completion leaves garbage in its buffer.
 */
enum fake_when { FAKE_AT_SUBMISSION, FAKE_AT_COMPLETION };
void fake_fail_mode(enum fake_when when);

/* The n-th next call of that function (1: the next one) fails. More than one may be scripted. */
void fake_fail_call(const char *function, unsigned int n, int error);

/* Every call of that function fails, until given 0. */
void fake_fail_always(const char *function, int error);

/*
 * The n-th next call of any function that can fail, fails: for sweeps that raise n until fake_failed() stays false.
 * One at a time; 0 takes it back. Functions without a result (rados_shutdown, rbd_aio_release) do not count.
 */
void fake_fail_nth(unsigned int n, int error);

/* Whether fake_fail_nth has struck, and which function: NULL if none. */
bool fake_failed(void);
const char *fake_failed_name(void);

/* How often a function was called; with NULL, calls of all that fake_fail_nth counts. */
unsigned int fake_calls(const char *function);

/* Whether every call of that function so far was made with signals blocked in its thread. */
bool fake_signals_blocked(const char *function);

/* Calls that take their time. */

/* From now on calls of that function wait at their start. */
void fake_block_call(const char *function);

/* Lets those that wait go on, and later ones pass. */
void fake_unblock_call(const char *function);

/* Waits until a call of that function waits. false: none did in half a minute. */
bool fake_wait_blocked(const char *function);

/* The same for all functions there are but rbd_aio_..., which librbd promises not to block. */
void fake_block_calls(void);
void fake_unblock_calls(void);

/* Lets those calls go on that wait now, but not the next ones. */
void fake_step_calls(void);

/* How many calls wait now. */
size_t fake_waiting_calls(void);

/* Requests. `kinds` is any of these, or-ed. */

enum fake_kind {
    FAKE_READ = 1 << 0,
    FAKE_WRITE = 1 << 1,
    FAKE_FLUSH = 1 << 2,
    /* The callback of rbd_update_watch. */
    FAKE_EVENT = 1 << 3,
    FAKE_DISCARD = 1 << 4,
    FAKE_ZEROES = 1 << 5,
    FAKE_COMPARE = 1 << 6,
    /* What a flush waits for. */
    FAKE_CHANGE = FAKE_WRITE | FAKE_DISCARD | FAKE_ZEROES | FAKE_COMPARE,
    FAKE_IO = FAKE_READ | FAKE_CHANGE | FAKE_FLUSH,
    FAKE_ALL = FAKE_IO | FAKE_EVENT
};

/*
 * From now on requests of these kinds, and no others, are held: nothing happens to them until they are released. Those
 * already held stay so. What is never released never completes.
 */
void fake_hold(unsigned int kinds);

enum fake_order { FAKE_FIFO, FAKE_LIFO, FAKE_RANDOM };

/*
 * Releases up to `count` held requests of these kinds (SIZE_MAX: all) and returns how many. They take effect and
 * complete in the given order (`seed` is for FAKE_RANDOM); a flush still waits for the changes submitted before it.
 */
size_t fake_release(unsigned int kinds, size_t count, enum fake_order order, unsigned int seed);

/* fake_hold(0) and releases everything in its order. */
void fake_release_all(void);

size_t fake_held(unsigned int kinds);

/* Waits until at least `count` are held. false: that did not happen in half a minute. */
bool fake_wait_held(unsigned int kinds, size_t count);

/* Requests that are submitted and whose callback has not been called. */
size_t fake_in_flight(void);

/* Waits until no callback runs and no request but the held ones is in flight. false: not in half a minute. */
bool fake_wait_idle(void);

/* Requests of these kinds take effect and complete so much later. 0 ends it. */
void fake_delay(unsigned int kinds, unsigned int microseconds);

/* Completes requests of an image in random order, as far as several are in flight. 0 ends it. */
void fake_shuffle(unsigned int seed);

/*
 * Requests of these kinds complete inside rbd_aio_...: the callback is called, on the caller's thread, before it
 * returns. 0 ends it. The real librbd does not do this; code that survives it does not depend on luck. A held request
 * completes when it is released, and a flush that must wait for writes after those, on the usual threads.
 */
void fake_inline(unsigned int kinds);

/* The number of threads that callbacks run on (2). Only before the first request after fake_reset. */
void fake_set_threads(unsigned int count);

/* Whether callbacks of one image run one at a time (true, as they do). */
void fake_set_serialized(bool serialized);

/* Whether this thread is inside a callback from librbd. */
bool fake_in_callback(void);

/*
 * The next request of that kind (one bit) to complete has this result, a negative errno or for reads a count, of which
 * the data is delivered. When it fails, nothing is written, and a read leaves garbage in its buffer. Results queue up.
 * For FAKE_FLUSH, rbd_flush takes the result too, and so does rbd_close, which drops it: a flush error is told once.
 */
void fake_next_result(enum fake_kind kind, ssize_t result);

/* The next read to complete returns so many bytes less than it could. */
void fake_short_read(size_t bytes);

/* With true, writes and other changes that are scripted to fail at completion reach the image all the same. */
void fake_land_failed_writes(bool land);

/* Configuration. */

/*
 * What rados_conf_read_file returns for this path: 0 or a negative errno; NULL is Ceph's search path. At first every
 * path is -ENOENT, and the search path leads to a file that sets `key`, so that clients can authenticate.
 */
void fake_conf_file(const char *path, int result);

/* The same with 0, and what is in the file: lines of `option = value`; sections and comments are skipped. */
void fake_conf_file_text(const char *path, const char *text);

/*
 * The options that Ceph has are those of a client in 16.2.15, with their types and defaults (fake_options.c). This adds
 * one, of type text.
 */
void fake_conf_add_option(const char *name, const char *value);

/* The option's value in the cluster handle that was created last. Valid until the next call of this function. */
const char *fake_conf_get(const char *option);

/*
 * What happened to the configuration of all handles since fake_reset, a line each, failures included: "create id=admin"
 * ("create" without an id), "file /path" ("file" for the search path), "set key=value", "connect", "shutdown".
 * Valid until the next call into librados.
 */
const char *fake_conf_log(void);

#endif
