/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a stream share. */
#ifndef STREAM_PARTS_H
#define STREAM_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <vdisk/vdisk.h>

#include "history.h"

#define DISKS 2
#define QUEUES 2
#define MAX_REQUESTS 2048

/* With objects of 4 KiB, which is what plugged requests merge up to, and more than twice what librbd discards at once.
 */
#define OBJECT 4096
#define PIECE (1u << 17)
#define CELLS ((2 * PIECE + 12288u) / CELL)
/* Most requests go here: to the end of one such piece and the beginning of another, in two objects. */
#define HOT (PIECE / CELL - 12)
#define HOT_CELLS 24

/* Bytes of a sector, within which a compare-and-write is. */
#define SECTOR 512

/* Errors that are scripted, each with one cause. */
enum {
    ERROR_SUBMISSION = -EDQUOT,
    ERROR_COMPLETION = -ENOSPC,
    ERROR_FLUSH = -EREMOTEIO,
    ERROR_OTHER_FLUSH = -EUCLEAN,
    /* Of a write: what it writes is in sight no more. */
    ERROR_LOST = -ETIMEDOUT,
};

enum kind { READ, WRITE, DISCARD, ZEROES, COMPARE, FLUSH, SNAPSHOT, RESIZE, CLOSE, KINDS };

struct disk {
    const char *uri;
    const char *image;
    struct vdisk *disk;
    /* Another number each time it is opened. */
    int handle;
    bool has_timeout;
    /* An aio close is accepted: not to be used, unless that is cancelled. */
    bool closing;
    /* The flush error that sticks; 0: none that is known. And when one was acknowledged. */
    int sticky;
    uint64_t acknowledged;
    /* Its client, or one that it shares, may be fenced; and a flush may tell of it until acknowledged. */
    bool fenced;
    bool may_have_lost;
    /* A write has completed with ERROR_LOST. */
    bool lost;
    /* When it was last reopened. */
    uint64_t renewed;
    /* An earlier handle may still be closing. */
    bool lingers;
    /* In cells, what it can be. */
    uint64_t size;
    unsigned int sized_by;
    uint64_t least;
    uint64_t most;
    unsigned int resizing;
    /* Through another handle. */
    bool size_in_doubt;
    /* Of what a close has said that it did not work, or did not end. */
    bool may_be_unflushed;
    struct history history;
};

struct queue {
    struct vdisk_queue *queue;
    unsigned int in_flight;
    unsigned int plugged;
    unsigned int depth;
    /* As many at least can be reaped. */
    unsigned int ready;
};

struct request {
    enum kind kind;
    struct disk *disk;
    int handle;
    int queue;
    uint32_t flags;
    size_t first;
    size_t cells;
    uint64_t from;
    struct change *change;
    unsigned char *buffer;
    struct iovec *iov;
    int iovcnt;
    /* What a compare-and-write expects. */
    unsigned char *compare;
    unsigned int number;
    bool pending;
    bool given_up;
    bool has_timeout;
    /* It may meet a fence, or tell of one before. */
    bool fenced;
    /* It flushes, too. */
    bool flushes;
    /* Of a flush: an error stuck when it was accepted. */
    int stuck;
    /* Its range was in question while it was under way. */
    bool cut;
};

struct stream {
    const uint8_t *data;
    size_t left;
    struct disk disks[DISKS];
    struct queue queues[QUEUES];
    struct request requests[MAX_REQUESTS];
    unsigned int count;
    int handles;
    uint32_t values;
    size_t next_cell;
    unsigned int names;
    /* What was scripted, ever. */
    bool refusals;
    bool fences;
    bool failures[KINDS];
    bool may_lose;
    bool short_reads;
    /* Configuration of the whole stream. */
    bool quiet;
    bool copies;
    bool loses;
};

/* stream.c */
unsigned int take(struct stream *stream);
size_t below(struct stream *stream, size_t limit);

/* stream_submit.c: refused or accepted as it must be. */
void submit_something(struct stream *stream, enum kind kind);

/* stream_reap.c */
unsigned int reap(struct stream *stream, int queue, unsigned int max);
unsigned int wait_for(struct stream *stream, int queue, unsigned int min, int timeout_ms);
/* Until nothing is in flight. */
void reap_all(struct stream *stream);
void check_queue(const struct queue *queue);
void check_look(struct disk *disk, const unsigned char *bytes, size_t first, size_t cells, const struct look *look);
/* Nothing has been put there. */
bool is_untouched(const struct request *request);
void free_request(struct request *request);

/* stream_disk.c. Opening can be in vain when a client is fenced. */
bool open_disk(struct stream *stream, struct disk *disk);
void close_disk(struct stream *stream, struct disk *disk);
void close_within(struct stream *stream, struct disk *disk);
/* Fences all clients there are. */
void fence(struct stream *stream);
void reopen_disk(struct stream *stream, struct disk *disk);
/* Unplugs all queues. */
void unplug_all(struct stream *stream);
/* Whether a close can have this error. `in_time`: it had all the time. */
bool may_close_fail(const struct stream *stream, const struct disk *disk, int result, bool in_time);
/* A request to close has completed. */
void closed(struct stream *stream, struct disk *disk, int handle, int result, bool in_time);
/* Looks into the image itself. */
void peek(struct disk *disk, size_t first, size_t cells);
void check_snapshot(struct disk *disk, const struct request *request);

#endif
