/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Declares what the fake's files share. One lock, fake_lock, guards all of it. A function here is called with the lock
 * held, unless its comment says otherwise.
 */
#ifndef FAKE_INTERNAL_H
#define FAKE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fake.h"
#include "fake_functions.h"

/* Memory (fake_memory.c). Running out of it aborts. wrap.h neither counts these allocations nor makes them fail. */

void *fake_alloc(size_t size);
void *fake_resize_array(void *array, size_t count, size_t size);
char *fake_strdup(const char *text);
pthread_t fake_start_thread(void *(*run)(void *));

/* The lock, and waiting (fake_lock.c). */

void fake_lock(void);
void fake_unlock(void);

/* Wakes everybody who waits: something has changed that they may be waiting for. */
void fake_changed(void);
void fake_wait(void);

/* Waits until `when`, a time of fake_now, at the latest. Returns false when that time has come. */
bool fake_wait_until(uint64_t when);

/* Waits until condition(argument) holds, for 30 seconds at most. Returns whether it holds. */
bool fake_wait_for(bool (*condition)(const void *argument), const void *argument);

/* Returns a monotonic time in microseconds. */
uint64_t fake_now(void);

_Noreturn void fake_abort(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Calls into the fake librbd and librados (fake_script.c). */

/*
 * Every function of librbd and librados calls this first. It takes the lock, counts the call, springs traps, and waits
 * if the call is to block. It returns 0, or the negative errno that the call is scripted to fail with. It is called
 * without the lock.
 */
int fake_enter(enum fake_function function);

/* Does the same for rbd_aio_.... *at_completion is the error that the completion is to carry, or 0. */
int fake_enter_aio(enum fake_function function, int *at_completion);

/* Every function of librbd and librados calls this last. It releases the lock and returns `result`. */
int fake_leave(int result);

/* Returns the name of the function that this thread is in, or NULL. It is for messages. */
const char *fake_function_name(void);

/* Calls a caller's progress function; the lock is released meanwhile. NULL aborts, because the real librbd crashes. */
void fake_progress(librbd_progress_fn_t progress, void *argument, uint64_t done, uint64_t total);

/* Mark the beginning and the end of a callback on this thread. Both are called without the lock. */
void fake_callback_begins(void);
void fake_callback_ends(void);

/* Reports the progress of an operation on all objects of an image: at the first object, and half way. */
void fake_progress_over(librbd_progress_fn_t progress, void *argument, uint64_t objects);

size_t fake_blocked_calls(void);
void fake_script_reset(void);

/* Handles that callers have (fake_object.c). They are kept until fake_reset, so that late use of one is noticed. */

enum fake_type { FAKE_CLIENT, FAKE_IOCTX, FAKE_HANDLE, FAKE_IMAGE_OPTIONS, FAKE_TYPE_COUNT };

struct fake_object {
    uint32_t magic;
    enum fake_type type;
    bool closed;
    char *name;
    SLIST_ENTRY(fake_object) next;
};

void *fake_object_new(enum fake_type type, size_t size, const char *name);

/* Returns the object that `pointer` is. Aborts if that is no object of this type, or a closed one. */
void *fake_object_get(enum fake_type type, void *pointer);

void fake_object_close(struct fake_object *object);

/* Holds text to which several functions append. */
struct fake_text {
    char *text;
    size_t size;
    size_t length;
};

void fake_text_add(struct fake_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Counts the objects that are open, and adds their names to the text. */
size_t fake_objects_open(struct fake_text *text);
void fake_objects_free(void);

/* Bytes (fake_store.c). A store is sparse. It shares its pages with its clones, until one of them writes to a page. */

struct fake_store;

struct fake_store *fake_store_new(void);
struct fake_store *fake_store_clone(const struct fake_store *store);
struct fake_store *fake_store_keep(struct fake_store *store);
void fake_store_drop(struct fake_store *store);
void fake_store_read(const struct fake_store *store, uint64_t offset, void *data, size_t length);
void fake_store_write(struct fake_store *store, uint64_t offset, const void *data, size_t length);

/* Makes the range zero. Pages that lie wholly in it are freed. */
void fake_store_zero(struct fake_store *store, uint64_t offset, uint64_t length);

/* Forgets what is at `size` and beyond. */
void fake_store_truncate(struct fake_store *store, uint64_t size);
size_t fake_store_pages(const struct fake_store *store);

/*
 * Returns the page of 4 KiB with that index, or NULL. Two stores return the same pointer as long as they share the
 * page.
 */
const void *fake_store_page(const struct fake_store *store, uint64_t index);

/* The cluster (fake_cluster.c, fake_header.c). */

/* Holds an option of Ceph and its value. */
struct fake_setting {
    SLIST_ENTRY(fake_setting) next;
    char *name;
    char *value;
};

struct fake_snapshot {
    uint64_t id;
    uint64_t size;
    char *name;
    rbd_snap_namespace_type_t type;
    bool is_protected;
    uint64_t flags;
    struct fake_store *store;
};

/* Holds what can change about an image. A read-only handle has a copy of its own, which grows stale. */
struct fake_header {
    uint64_t size;
    /* Holds RBD_FLAG_... bits. */
    uint64_t flags;
    struct fake_snapshot *snapshots;
    size_t count;
};

struct fake_ioctx;

struct fake_pool {
    SLIST_ENTRY(fake_pool) next;
    int64_t id;
    char *name;
    /* When it is not 0, the pool is full: writes fail with this error, or wait if their ioctx has no full_try. */
    int full;
};

struct fake_image {
    SLIST_ENTRY(fake_image) next;
    const struct fake_pool *pool;
    char *name_space;
    char *name;
    char id[24];
    int order;
    uint64_t features;
    uint64_t stripe_unit;
    uint64_t stripe_count;
    struct fake_header header;
    struct fake_store *store;
    bool removed;
    bool closed_unflushed;
    /* Counts the handles that can write. The real librbd counts these as watchers. */
    unsigned int writers;
    /*
     * The exclusive lock belongs to the client at this address; with NULL it belongs to nobody. `locker` is the handle
     * that has the lock, if the client is one of the fake's.
     */
    char *lock_owner;
    const struct fake_handle *locker;
    /*
     * `lock_is_kept`: the owner has called rbd_lock_acquire, and does not release the lock when asked.
     * `locked_by_hand`: somebody has used `rbd lock add`.
     */
    bool lock_is_kept;
    bool locked_by_hand;
    /* Counts clients that have the image open, hold its lock, and do not answer. */
    unsigned int frozen;
    /* NULL stands for the pool of the image itself. */
    const struct fake_pool *data_pool;

    /*
     * A clone has a parent until it is flattened; otherwise this is NULL. The parent stays in memory even when it is
     * removed.
     */
    struct fake_image *parent;
    uint64_t parent_snapshot;
    uint64_t overlap;
    int clone_format;

    /* This is NULL unless the image is encrypted. */
    char *passphrase;
    rbd_encryption_format_t encryption;

    /* These options outrank the configuration of the clients that open the image. */
    SLIST_HEAD(, fake_setting) options;
};

const struct fake_pool *fake_pool_find(const char *name);
void fake_pool_add(const char *name);
void fake_pool_fill(const char *name, int error);
bool fake_namespace_exists(const struct fake_pool *pool, const char *name);
void fake_namespace_add(const struct fake_pool *pool, const char *name);
struct fake_image *fake_image_find(const struct fake_pool *pool, const char *name_space, const char *name);

/* Adds an image with the default layout, which the caller may change. */
struct fake_image *fake_image_add(const struct fake_pool *pool, const char *name_space, const char *name,
                                  uint64_t size);
void fake_image_set_size(struct fake_image *image, uint64_t size);
void fake_image_remove(struct fake_image *image);

/* Returns the first of all images, in no order, removed ones included. The caller goes on with SLIST_NEXT. */
struct fake_image *fake_image_first(void);

/* Clones a protected snapshot (format 1), or any snapshot (format 2). */
struct fake_image *fake_image_clone(struct fake_image *parent, const struct fake_snapshot *snapshot, int format,
                                    const struct fake_ioctx *ioctx, const char *name);

/* Returns how many clones of that format a snapshot has. Format 0 stands for any. */
size_t fake_image_children(const struct fake_image *parent, uint64_t snapshot, int format);

/* Cuts the tie to the parent, if there is one. A snapshot in the trash is dropped with its last clone. */
void fake_image_detach(struct fake_image *child);

struct fake_header fake_header_copy(const struct fake_header *header);
void fake_header_free(struct fake_header *header);

/* Finds a snapshot by its name, or returns NULL. Only snapshots of the type USER can be found so. */
struct fake_snapshot *fake_header_find(const struct fake_header *header, const char *name);
struct fake_snapshot *fake_header_find_id(const struct fake_header *header, uint64_t id);
void fake_snapshot_add(struct fake_image *image, const char *name, rbd_snap_namespace_type_t type);
void fake_snapshot_drop(struct fake_image *image, struct fake_snapshot *snapshot);

/* Moves a removed snapshot to the trash, where it stays because clones need it. */
void fake_snapshot_to_trash(struct fake_snapshot *snapshot);

void fake_cluster_reset(void);

/* Clients (fake_rados.c) and their options (fake_config.c, fake_options.c). */

enum fake_option_type { BOOL, INT, UINT, SIZE, SECONDS, FLOAT, TEXT, DEBUG };

struct fake_option {
    const char *name;
    enum fake_option_type type;
    const char *value;
};

/* Returns NULL if Ceph has no such option. `name` has the form to which Ceph normalizes names. */
const struct fake_option *fake_option_find(const char *name);

/*
 * Writes the value in the form in which rados_conf_get reports it. Returns 0, -EINVAL if it is not of the option's
 * type, or -ERANGE.
 */
int fake_option_parse(const struct fake_option *option, const char *text, char *value, size_t size);

SLIST_HEAD(fake_settings, fake_setting);

struct fake_config {
    struct fake_settings settings;
    /* These are the values of options that have no setting. */
    struct fake_settings defaults;
    char *id;
    /* $cluster stands for this name. */
    char *cluster;
};

void fake_config_init(struct fake_config *config, const char *id);
void fake_config_free(struct fake_config *config);
int fake_config_set(struct fake_config *config, const char *name, const char *value);
/* Returns 0 for an option that Ceph does not know. */
int fake_config_set_default(struct fake_config *config, const char *name, const char *value);
int fake_config_get(const struct fake_config *config, const char *name, char *value, size_t size);
int fake_config_read_file(struct fake_config *config, const char *path);

/* Returns the value of an option that exists, as a number; true is 1. */
uint64_t fake_config_number(const struct fake_config *config, const char *name);

/* Adds a line to fake_conf_log. */
void fake_config_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fake_config_reset(void);

struct fake_client {
    struct fake_object object;
    SLIST_ENTRY(fake_client) next;
    struct fake_config config;
    enum { FAKE_NEW, FAKE_CONNECTED, FAKE_FAILED } state;
    uint64_t instance_id;
    bool fenced;
    unsigned int ioctxs;
};

struct fake_ioctx {
    struct fake_object object;
    struct fake_client *client;
    const struct fake_pool *pool;
    char *name_space;
    unsigned int images;
    bool full_try;
};

/* Writes the client's address, as a monitor or an OSD sees it. */
void fake_client_address(char *text, size_t size, const struct fake_client *client);

/* Frees what the client or ioctx holds, but not the object itself. */
void fake_client_free(struct fake_client *client);
void fake_ioctx_free(struct fake_ioctx *ioctx);

/* Open images (fake_rbd_image.c). */

TAILQ_HEAD(fake_ops, fake_op);
TAILQ_HEAD(fake_handles, fake_handle);

struct fake_handle {
    struct fake_object object;
    struct fake_ioctx *ioctx;
    struct fake_image *image;
    bool read_only;
    /*
     * A handle that was opened at a snapshot has its data here, even after the snapshot is removed. Otherwise this is
     * NULL.
     */
    struct fake_store *snapshot;
    uint64_t snapshot_size;
    uint64_t snapshot_id;
    uint64_t snapshot_flags;
    /* With the encryption loaded, the contents begin here in the image. Otherwise this is 0. */
    uint64_t data_offset;
    /* This is the setting that the ioctx had at the time of the open. */
    bool full_try;
    /* A write copies its data at submission. This is rbd_disable_zero_copy_writes at the time of the open. */
    bool copies_writes;
    /* A read-only handle has this copy of the image's header. */
    struct fake_header stale;

    /*
     * These belong to fake_engine.c. `flight` has the requests that are submitted and not complete. `ready` has those
     * of them whose turn has come, and events.
     */
    struct fake_ops flight;
    struct fake_ops ready;
    unsigned int running;
    TAILQ_ENTRY(fake_handle) next;

    LIST_HEAD(, fake_watch) watches;
    /*
     * `landed` is the number of the last change that took effect, `flushed` that of the last change that a flush has
     * covered.
     */
    uint64_t landed;
    uint64_t flushed;
};

/* Returns what this handle knows about its image. */
struct fake_header *fake_handle_header(struct fake_handle *handle);
uint64_t fake_handle_size(struct fake_handle *handle);
/* Returns the same size plus what the header of the encryption takes. */
uint64_t fake_handle_raw_size(struct fake_handle *handle);
uint64_t fake_handle_objects(struct fake_handle *handle);

/* Returns whether the handle cannot be written, because it was opened read-only or at a snapshot. */
bool fake_handle_is_fixed(const struct fake_handle *handle);
bool fake_handle_is_fenced(const struct fake_handle *handle);

/*
 * Returns -EROFS for a read-only handle, -ESHUTDOWN for a fenced client, -ENOENT for a removed image. Otherwise it
 * takes the exclusive lock and returns 0.
 */
int fake_handle_check_change(const struct fake_handle *handle);
void fake_handle_free(struct fake_handle *handle);

/* The exclusive lock (fake_rbd_lock.c). */

/* Takes the lock for the handle, before a change through it. */
void fake_lock_take(const struct fake_handle *handle);
/* Returns whether another client keeps the lock, so that this handle can change nothing. */
bool fake_lock_is_kept_from(const struct fake_handle *handle);
/* Drops the lock of a handle that is closed. */
void fake_lock_close(const struct fake_handle *handle);
/* Gives the lock to a client that is none of the fake's, or with NULL to nobody. */
void fake_lock_give_to(struct fake_image *image, const char *address);

/* Watches (fake_rbd_watch.c). */

struct fake_watch {
    LIST_ENTRY(fake_watch) next;
    struct fake_handle *handle;
    rbd_update_callback_t callback;
    void *argument;
    uint64_t cookie;
    bool running;
    /* The caller has tried to remove the watch. */
    bool unwatched;
};

/* Fires the watches of all handles of the image, but those of read-only handles and fenced clients. */
void fake_watch_fire(const struct fake_image *image);
void fake_watch_remove_all(struct fake_handle *handle);
size_t fake_watches_leaked(struct fake_text *text);

/* Requests and their completions (fake_rbd_aio.c, fake_completion.c). */

struct fake_completion {
    uint32_t magic;
    enum { FAKE_UNUSED, FAKE_SUBMITTED, FAKE_CALLING, FAKE_DONE } state;
    bool released;
    /* The caller has one, and the request has one as long as it exists. */
    unsigned int references;
    enum fake_function function;
    rbd_callback_t callback;
    void *argument;
    ssize_t result;
    TAILQ_ENTRY(fake_completion) next;
};

struct fake_op {
    TAILQ_ENTRY(fake_op) in_flight;
    /* Links the request into the handle's `ready`, or into the list of held requests. */
    TAILQ_ENTRY(fake_op) queue;
    enum fake_kind kind;
    struct fake_handle *handle;
    struct fake_completion *completion;
    struct fake_watch *watch;
    uint64_t sequence;
    uint64_t ready_at;
    uint64_t offset;
    size_t length;
    /* Points to the caller's array, to `one` for a flat buffer, or to `copied_iov`, a copy of either. */
    const struct iovec *iov;
    int iovcnt;
    struct iovec one;
    struct iovec *copied_iov;
    /*
     * A write that copies its data at submission has it here. If this is NULL, the write reads the caller's memory
     * later.
     */
    char *copied_data;
    /* These two are for a compare-and-write. `mismatch` can be NULL. */
    char *copied_compare;
    uint64_t *mismatch;
    /* The request stores the zeroes that it writes. */
    bool thick;
    int error;
};

/* Requests in motion (fake_engine.c). */

/* Holds all open handles, in no order. */
extern struct fake_handles fake_open_handles;

void fake_engine_open(struct fake_handle *handle);

/* Queues, holds or runs the request, which the caller must not touch afterwards. */
void fake_engine_submit(struct fake_op *op);

/* Puts a request whose turn has come into its handle's `ready`. */
void fake_engine_enqueue(struct fake_op *op);

/* Removes a handle that is being closed. Aborts when requests are in flight, and waits for callbacks to return. */
void fake_engine_close(struct fake_handle *handle);

/* Waits for the writes submitted so far, then flushes. */
int fake_engine_flush(struct fake_handle *handle);

/*
 * Drops the events of a watch that are not delivered, and waits for its callback to return. The lock is released
 * meanwhile.
 */
void fake_engine_cancel_events(const struct fake_watch *watch);
void fake_engine_cancel_in(struct fake_ops *ops, const struct fake_watch *watch);

/* Is a condition for fake_wait_for: no callback runs. */
bool fake_engine_callbacks_over(const void *unused);

/* Ends the threads. The lock is released meanwhile. */
void fake_engine_reset(void);

/* Returns the same sequence of numbers for the same seed. */
unsigned int fake_random(unsigned int *seed);

/* Held requests (fake_hold.c). */

/* Holds the request if its kind is to be held, and returns whether it does. */
bool fake_hold_take(struct fake_op *op);
void fake_hold_cancel_events(const struct fake_watch *watch);
void fake_hold_reset(void);

/* Requests taking effect (fake_effect.c). */

/* Makes the request happen and returns its result. */
ssize_t fake_effect(struct fake_op *op);

/* Discards this range through the handle (fake_discard.c). */
void fake_discard(struct fake_handle *handle, uint64_t offset, uint64_t length);

/* Writes the value that an option has for this handle to `value`, and returns `value` (fake_rbd_config.c). */
const char *fake_handle_option(const struct fake_handle *handle, const char *name, char *value, size_t size);
void fake_image_free_options(struct fake_image *image);

/* Flushes the handle. The flush covers changes up to this number. */
int fake_effect_flush(struct fake_handle *handle, uint64_t sequence);
void fake_effect_reset(void);

/* Completions (fake_completion.c). */

/* Returns the completion. Aborts if it cannot be submitted now. */
struct fake_completion *fake_completion_get(rbd_completion_t completion);
void fake_completion_submitted(struct fake_completion *completion);

/* Calls the callback. The lock is released meanwhile. */
void fake_completion_finish(struct fake_completion *completion, ssize_t result);
size_t fake_completions_open(struct fake_text *text);
void fake_completions_free(void);

/* Counts the names from rbd_snap_list that rbd_snap_list_end has not freed. */
size_t fake_snapshot_names_open(struct fake_text *text);

/* Copies a string for the caller, who frees it with an rbd_..._cleanup function (fake_rbd_specs.c). */
char *fake_string_give(const char *text);
size_t fake_strings_open(struct fake_text *text);

#endif
