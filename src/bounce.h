/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded pool of buffers for bounced data: page-aligned, in sizes that are powers of two, kept for reuse. It belongs
 * to one thread at a time.
 */
#ifndef VD_BOUNCE_H
#define VD_BOUNCE_H

#include <stdint.h>

#define VD_BOUNCE_MIN_SHIFT 12
#define VD_BOUNCE_MAX_SHIFT 25
#define VD_BOUNCE_CLASSES (VD_BOUNCE_MAX_SHIFT - VD_BOUNCE_MIN_SHIFT + 1)

struct vd_bounce {
    uint64_t limit;
    uint64_t in_use;
    uint64_t idle;
    /* Idle buffers of each size, each holding the pointer to the next. */
    void *idle_list[VD_BOUNCE_CLASSES];
};

/* `limit` bytes at most, in use and idle together; at least the longest request to be served. */
void vd_bounce_init(struct vd_bounce *pool, uint64_t limit);

/* Frees every idle buffer; none may be in use. */
void vd_bounce_destroy(struct vd_bounce *pool);

/*
 * Gets a buffer of at least `length` bytes, 1 to 32 MiB. -EAGAIN: the limit is reached until some are put back.
 * -ENOMEM: out of memory.
 */
int vd_bounce_get(void **buffer, struct vd_bounce *pool, uint64_t length);

/* Puts back a buffer that was got with the same length. */
void vd_bounce_put(struct vd_bounce *pool, void *buffer, uint64_t length);

/* A buffer that was got with this length is the caller's from now on, to be freed with free(). 0: there is none. */
void vd_bounce_give_away(struct vd_bounce *pool, uint64_t length);

/* Frees idle buffers, largest first, until at most `keep` bytes of them are left. */
void vd_bounce_trim(struct vd_bounce *pool, uint64_t keep);

#endif
