/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fake's files share. One lock, fake_lock, guards all of it. Unless it says otherwise, a function here is
 * called with the lock held.
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

/* Memory (fake_memory.c). Running out aborts, and none of it is counted or failed by wrap.h. */

void *fake_alloc(size_t size);
void *fake_resize_array(void *array, size_t count, size_t size);
char *fake_strdup(const char *text);
pthread_t fake_start_thread(void *(*run)(void *));

/* The lock, and waiting (fake_lock.c). */

void fake_lock(void);
void fake_unlock(void);

/* Says that something changed which fake_wait or another waiter may wait for. */
void fake_changed(void);
void fake_wait(void);

/* Until `when` (fake_now) at the latest. false: it has come. */
bool fake_wait_until(uint64_t when);

/* Waits for half a minute at most until condition(argument) holds; returns whether it does. */
bool fake_wait_for(bool (*condition)(const void *argument), const void *argument);

/* Monotonic, in microseconds. */
uint64_t fake_now(void);

_Noreturn void fake_abort(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Calls into the fake librbd and librados (fake_script.c). */

/*
 * The first thing that every function of librbd and librados does: takes the lock, counts, springs traps, waits if it
 * is to block. Returns 0, or the negative errno that the call is scripted to fail with. Called without the lock.
 */
int fake_enter(enum fake_function function);

/* The same for rbd_aio_...; *at_completion is the error that is to come with the completion, or 0. */
int fake_enter_aio(enum fake_function function, int *at_completion);

/* The last thing it does: gives up the lock. Returns `result`. */
int fake_leave(int result);

/* The function that this thread is in, for messages. */
const char *fake_function_name(void);

/* Calls a caller's progress function, with the lock given up meanwhile. NULL aborts, since the real one crashes. */
void fake_progress(librbd_progress_fn_t progress, void *argument, uint64_t done, uint64_t total);

/* Called without the lock. */
void fake_callback_begins(void);
void fake_callback_ends(void);

/* For an operation on all objects of an image: at the first, and half way. */
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

/* The object that `pointer` is; aborts if it is none of that type, or closed. */
void *fake_object_get(enum fake_type type, void *pointer);

void fake_object_close(struct fake_object *object);

/* Text that several places write, each behind what is there already. */
struct fake_text {
    char *text;
    size_t size;
    size_t length;
};

void fake_text_add(struct fake_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Count what is open and add its names. */
size_t fake_objects_open(struct fake_text *text);
void fake_objects_free(void);

/* Bytes (fake_store.c). Sparse; pages are shared between clones until written. */

struct fake_store;

struct fake_store *fake_store_new(void);
struct fake_store *fake_store_clone(const struct fake_store *store);
struct fake_store *fake_store_keep(struct fake_store *store);
void fake_store_drop(struct fake_store *store);
void fake_store_read(const struct fake_store *store, uint64_t offset, void *data, size_t length);
void fake_store_write(struct fake_store *store, uint64_t offset, const void *data, size_t length);

/* Whole pages are given back. */
void fake_store_zero(struct fake_store *store, uint64_t offset, uint64_t length);

/* Forgets what is at `size` and beyond. */
void fake_store_truncate(struct fake_store *store, uint64_t size);
size_t fake_store_pages(const struct fake_store *store);

/* The page of 4 KiB with that index, which another store has too if neither was written to since; or NULL. */
const void *fake_store_page(const struct fake_store *store, uint64_t index);

/* The cluster (fake_cluster.c, fake_header.c). */

/* An option of Ceph's and its value. */
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

/* What changes about an image, and what a read-only handle has its own, ageing copy of. */
struct fake_header {
    uint64_t size;
    /* RBD_FLAG_... */
    uint64_t flags;
    struct fake_snapshot *snapshots;
    size_t count;
};

struct fake_ioctx;

struct fake_pool {
    SLIST_ENTRY(fake_pool) next;
    int64_t id;
    char *name;
    /* What writes to it fail with or, on ioctxs that do not want to be told, wait for the end of; else 0. */
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
    /* Handles that can write, which the real one counts as watchers. */
    unsigned int writers;
    /* Whose the exclusive lock is: an address, NULL for nobody; and the open handle, when it is one of ours. */
    char *lock_owner;
    const struct fake_handle *locker;
    /* It does not give it up when asked: it has acquired it itself. Somebody has a lock of the other kind. */
    bool lock_is_kept;
    bool locked_by_hand;
    /* Clients that have it open, hold its lock, and do not answer. */
    unsigned int frozen;
    /* NULL: that of the image itself. */
    const struct fake_pool *data_pool;

    /* Of a clone, until it is flattened; else NULL. The parent is kept in memory even when it is removed. */
    struct fake_image *parent;
    uint64_t parent_snapshot;
    uint64_t overlap;
    int clone_format;

    /* Of one that is encrypted; else NULL. */
    char *passphrase;
    rbd_encryption_format_t encryption;

    /* What the image itself sets of the configuration of those who open it. */
    SLIST_HEAD(, fake_setting) options;
};

const struct fake_pool *fake_pool_find(const char *name);
void fake_pool_add(const char *name);
void fake_pool_fill(const char *name, int error);
bool fake_namespace_exists(const struct fake_pool *pool, const char *name);
void fake_namespace_add(const struct fake_pool *pool, const char *name);
struct fake_image *fake_image_find(const struct fake_pool *pool, const char *name_space, const char *name);

/* Made with the default layout, which the caller may change. */
struct fake_image *fake_image_add(const struct fake_pool *pool, const char *name_space, const char *name,
                                  uint64_t size);
void fake_image_set_size(struct fake_image *image, uint64_t size);
void fake_image_remove(struct fake_image *image);

/* All of them, in no order: to go on with SLIST_NEXT. Removed ones too. */
struct fake_image *fake_image_first(void);

/* Of a protected snapshot (format 1) or any (2). */
struct fake_image *fake_image_clone(struct fake_image *parent, const struct fake_snapshot *snapshot, int format,
                                    const struct fake_ioctx *ioctx, const char *name);

/* How many clones a snapshot has: of that format, or with 0 of any. */
size_t fake_image_children(const struct fake_image *parent, uint64_t snapshot, int format);

/* Cuts the tie to the parent, if there is one. A snapshot in the trash goes with its last clone. */
void fake_image_detach(struct fake_image *child);

struct fake_header fake_header_copy(const struct fake_header *header);
void fake_header_free(struct fake_header *header);

/* Only snapshots of users have a name that can be asked for. NULL if there is none. */
struct fake_snapshot *fake_header_find(const struct fake_header *header, const char *name);
struct fake_snapshot *fake_header_find_id(const struct fake_header *header, uint64_t id);
void fake_snapshot_add(struct fake_image *image, const char *name, rbd_snap_namespace_type_t type);
void fake_snapshot_drop(struct fake_image *image, struct fake_snapshot *snapshot);

/* What is left of a removed one that clones need. */
void fake_snapshot_to_trash(struct fake_snapshot *snapshot);

void fake_cluster_reset(void);

/* Clients (fake_rados.c) and their options (fake_config.c, fake_options.c). */

enum fake_option_type { BOOL, INT, UINT, SIZE, SECONDS, FLOAT, TEXT, DEBUG };

struct fake_option {
    const char *name;
    enum fake_option_type type;
    const char *value;
};

/* NULL if Ceph has no such option. `name` is as Ceph normalizes it. */
const struct fake_option *fake_option_find(const char *name);

/* Writes the value in the form rados_conf_get tells it: 0, -EINVAL if it is not one of the type, -ERANGE. */
int fake_option_parse(const struct fake_option *option, const char *text, char *value, size_t size);

SLIST_HEAD(fake_settings, fake_setting);

struct fake_config {
    struct fake_settings settings;
    /* What these are without one. */
    struct fake_settings defaults;
    char *id;
    /* What $cluster stands for. */
    char *cluster;
};

void fake_config_init(struct fake_config *config, const char *id);
void fake_config_free(struct fake_config *config);
int fake_config_set(struct fake_config *config, const char *name, const char *value);
/* Of an option that Ceph does not know: 0. */
int fake_config_set_default(struct fake_config *config, const char *name, const char *value);
int fake_config_get(const struct fake_config *config, const char *name, char *value, size_t size);
int fake_config_read_file(struct fake_config *config, const char *path);

/* The value of an option that exists, as a number; true is 1. */
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

/* As a monitor or an OSD sees it. */
void fake_client_address(char *text, size_t size, const struct fake_client *client);

/* Frees what the object itself does not. */
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
    /* Of a handle opened at a snapshot, else NULL. Kept when the snapshot is removed. */
    struct fake_store *snapshot;
    uint64_t snapshot_size;
    uint64_t snapshot_id;
    uint64_t snapshot_flags;
    /* With the encryption loaded: where in the image its first byte is; else 0. */
    uint64_t data_offset;
    /* As its ioctx was at the opening. */
    bool full_try;
    /* Whether a write copies its data when submitted: rbd_disable_zero_copy_writes, as it was at the opening. */
    bool copies_writes;
    /* A read-only handle's copy. */
    struct fake_header stale;

    /* The engine's (fake_engine.c): submitted and not yet completed; those of them, and events, whose turn has come. */
    struct fake_ops flight;
    struct fake_ops ready;
    unsigned int running;
    TAILQ_ENTRY(fake_handle) next;

    LIST_HEAD(, fake_watch) watches;
    /* The last write that took effect, the last flush that covered it. */
    uint64_t landed;
    uint64_t flushed;
};

/* What this handle knows about its image. */
struct fake_header *fake_handle_header(struct fake_handle *handle);
uint64_t fake_handle_size(struct fake_handle *handle);
/* The same, with what encryption takes of it. */
uint64_t fake_handle_raw_size(struct fake_handle *handle);
uint64_t fake_handle_objects(struct fake_handle *handle);

/* Whether it cannot be written: opened read-only, or at a snapshot. */
bool fake_handle_is_fixed(const struct fake_handle *handle);
bool fake_handle_is_fenced(const struct fake_handle *handle);

/* -ENOENT for removed images, -ESHUTDOWN for fenced clients, -EROFS for read-only handles, or 0. */
int fake_handle_check_change(const struct fake_handle *handle);
void fake_handle_free(struct fake_handle *handle);

/* The exclusive lock (fake_rbd_lock.c). */

/* Before a change through the handle; and when it is closed. */
void fake_lock_take(const struct fake_handle *handle);
/* Whether somebody else keeps it, so that nothing can be changed. */
bool fake_lock_is_kept_from(const struct fake_handle *handle);
void fake_lock_close(const struct fake_handle *handle);
void fake_lock_give_to(struct fake_image *image, const char *address);

/* Watches (fake_rbd_watch.c). */

struct fake_watch {
    LIST_ENTRY(fake_watch) next;
    struct fake_handle *handle;
    rbd_update_callback_t callback;
    void *argument;
    uint64_t cookie;
    bool running;
    /* The caller has tried to be rid of it. */
    bool unwatched;
};

/* Fires the watches of all who have the image open. */
void fake_watch_fire(const struct fake_image *image);
void fake_watch_remove_all(struct fake_handle *handle);
size_t fake_watches_leaked(struct fake_text *text);

/* Requests and their completions (fake_rbd_aio.c, fake_completion.c). */

struct fake_completion {
    uint32_t magic;
    enum { FAKE_UNUSED, FAKE_SUBMITTED, FAKE_CALLING, FAKE_DONE } state;
    bool released;
    /* The caller's, and the request's while there is one. */
    unsigned int references;
    enum fake_function function;
    rbd_callback_t callback;
    void *argument;
    ssize_t result;
    TAILQ_ENTRY(fake_completion) next;
};

struct fake_op {
    TAILQ_ENTRY(fake_op) in_flight;
    /* In the handle's `ready`, or among those held. */
    TAILQ_ENTRY(fake_op) queue;
    enum fake_kind kind;
    struct fake_handle *handle;
    struct fake_completion *completion;
    struct fake_watch *watch;
    uint64_t sequence;
    uint64_t ready_at;
    uint64_t offset;
    size_t length;
    /* The caller's array, `one` for a flat buffer, or a copy of either that goes with the request. */
    const struct iovec *iov;
    int iovcnt;
    struct iovec one;
    struct iovec *copied_iov;
    /* What a write copied; NULL if it reads the caller's memory late. */
    char *copied_data;
    /* Of a compare-and-write. `mismatch` can be NULL. */
    char *copied_compare;
    uint64_t *mismatch;
    /* Of zeroes: they are stored. */
    bool thick;
    int error;
};

/* Requests in motion (fake_engine.c). */

/* All that are open, in no order. */
extern struct fake_handles fake_open_handles;

void fake_engine_open(struct fake_handle *handle);

/* Queues, holds or runs it. It must not be touched afterwards. */
void fake_engine_submit(struct fake_op *op);

/* Its turn has come. */
void fake_engine_enqueue(struct fake_op *op);

/* Before a handle goes: aborts when requests are in flight, waits for callbacks to return. */
void fake_engine_close(struct fake_handle *handle);

/* Waits for the writes submitted so far, then flushes. */
int fake_engine_flush(struct fake_handle *handle);

/* Takes back what has not been delivered of a watch, and waits for its callback to return. Gives up the lock for that.
 */
void fake_engine_cancel_events(const struct fake_watch *watch);
void fake_engine_cancel_in(struct fake_ops *ops, const struct fake_watch *watch);

/* For fake_wait_for. */
bool fake_engine_callbacks_over(const void *unused);

/* Ends the threads. Gives up the lock meanwhile. */
void fake_engine_reset(void);

/* The same sequence for the same seed. */
unsigned int fake_random(unsigned int *seed);

/* Held requests (fake_hold.c). */

/* Whether it is to be held, and so is. */
bool fake_hold_take(struct fake_op *op);
void fake_hold_cancel_events(const struct fake_watch *watch);
void fake_hold_reset(void);

/* Requests taking effect (fake_effect.c). */

/* Makes the request happen and returns its result. */
ssize_t fake_effect(struct fake_op *op);

/* Has the handle's discard of this range happen (fake_discard.c). */
void fake_discard(struct fake_handle *handle, uint64_t offset, uint64_t length);

/* The value of an option as it is for this handle (fake_rbd_config.c). */
const char *fake_handle_option(const struct fake_handle *handle, const char *name, char *value, size_t size);
void fake_image_free_options(struct fake_image *image);

/* A flush of the handle that covers writes up to this one. */
int fake_effect_flush(struct fake_handle *handle, uint64_t sequence);
void fake_effect_reset(void);

/* Completions (fake_completion.c). */

/* One that can be submitted now, or it aborts. */
struct fake_completion *fake_completion_get(rbd_completion_t completion);
void fake_completion_submitted(struct fake_completion *completion);

/* Calls back, without the lock in between. */
void fake_completion_finish(struct fake_completion *completion, ssize_t result);
size_t fake_completions_open(struct fake_text *text);
void fake_completions_free(void);

/* Names from rbd_snap_list that rbd_snap_list_end has not got back. */
size_t fake_snapshot_names_open(struct fake_text *text);

/* Strings that callers give back to a rbd_..._cleanup (fake_rbd_specs.c). */
char *fake_string_give(const char *text);
size_t fake_strings_open(struct fake_text *text);

#endif
