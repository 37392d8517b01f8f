/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded pool of buffers for bounced data: page-aligned, in sizes that are powers of two, kept for reuse. It belongs
 * to one thread at a time.
 */
#ifndef VD_BOUNCE_H
#define VD_BOUNCE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/* Idle buffers. A class has buffers of one size. */

static inline void vd_bounce_push(struct vd_bounce *pool, unsigned int class, uint64_t size, void *buffer)
{
    memcpy(buffer, &pool->idle_list[class], sizeof(void *));
    pool->idle_list[class] = buffer;
    pool->idle += size;
}

static inline void *vd_bounce_pop(struct vd_bounce *pool, unsigned int class, uint64_t size)
{
    void *buffer = pool->idle_list[class];

    memcpy(&pool->idle_list[class], buffer, sizeof(void *));
    pool->idle -= size;
    return buffer;
}

/* Most requests need the smallest size, which is found without reckoning. */
#define VD_BOUNCE_MIN (UINT64_C(1) << VD_BOUNCE_MIN_SHIFT)

static inline bool vd_bounce_is_small(uint64_t length)
{
    return length > 0 && length <= VD_BOUNCE_MIN;
}

/*
 * Gets a buffer of at least `length` bytes, 1 to 32 MiB. -EAGAIN: the limit is reached until some are put back.
 * -ENOMEM: out of memory.
 */
int vd_bounce_get_any(void **buffer, struct vd_bounce *pool, uint64_t length);
static inline int vd_bounce_get(void **buffer, struct vd_bounce *pool, uint64_t length)
{
    if (!vd_bounce_is_small(length) || !pool->idle_list[0] || pool->in_use + VD_BOUNCE_MIN > pool->limit)
        return vd_bounce_get_any(buffer, pool, length);
    *buffer = vd_bounce_pop(pool, 0, VD_BOUNCE_MIN);
    pool->in_use += VD_BOUNCE_MIN;
    return 0;
}

/* Puts back a buffer that was got with the same length. */
void vd_bounce_put_any(struct vd_bounce *pool, void *buffer, uint64_t length);
static inline void vd_bounce_put(struct vd_bounce *pool, void *buffer, uint64_t length)
{
    if (!vd_bounce_is_small(length)) {
        vd_bounce_put_any(pool, buffer, length);
        return;
    }
    assert(pool->in_use >= VD_BOUNCE_MIN);
    pool->in_use -= VD_BOUNCE_MIN;
    vd_bounce_push(pool, 0, VD_BOUNCE_MIN, buffer);
}

/* A buffer that was got with this length is the caller's from now on, to be freed with free(). 0: there is none. */
void vd_bounce_give_away(struct vd_bounce *pool, uint64_t length);

/* Frees idle buffers, largest first, until at most `keep` bytes of them are left. */
void vd_bounce_trim(struct vd_bounce *pool, uint64_t keep);

#endif
