/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded pool of bounce buffers. They are page-aligned, their sizes are powers of two, and they are kept for reuse.
 * Buffers of one size form a class. Only one thread at a time may use a pool.
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
    /* A list of idle buffers for each class. The first bytes of each buffer hold the pointer to the next one. */
    void *idle_list[VD_BOUNCE_CLASSES];
};

/*
 * Initializes an empty pool. Its buffers in use and its idle buffers together never exceed `limit` bytes, which must be
 * at least the size of the longest request.
 */
void vd_bounce_init(struct vd_bounce *pool, uint64_t limit);

/* Frees every idle buffer; none may be in use. */
void vd_bounce_destroy(struct vd_bounce *pool);

/* Adds a buffer of `size` bytes to the idle buffers of its class. */
static inline void vd_bounce_push(struct vd_bounce *pool, unsigned int class, uint64_t size, void *buffer)
{
    memcpy(buffer, &pool->idle_list[class], sizeof(void *));
    pool->idle_list[class] = buffer;
    pool->idle += size;
}

/* Takes an idle buffer of a class that has one. `size` is the size of the class. */
static inline void *vd_bounce_pop(struct vd_bounce *pool, unsigned int class, uint64_t size)
{
    void *buffer = pool->idle_list[class];

    memcpy(&pool->idle_list[class], buffer, sizeof(void *));
    pool->idle -= size;
    return buffer;
}

/* The smallest size, which most requests need. vd_bounce_get and vd_bounce_put have a short path for it. */
#define VD_BOUNCE_MIN (UINT64_C(1) << VD_BOUNCE_MIN_SHIFT)

static inline bool vd_bounce_is_small(uint64_t length)
{
    return length > 0 && length <= VD_BOUNCE_MIN;
}

/*
 * Gets a buffer of at least `length` bytes; `length` is from 1 byte to 32 MiB.
 *
 * -EAGAIN  the limit does not allow another buffer until some are put back
 * -ENOMEM  out of memory
 *
 * vd_bounce_get_any is the general form, for all sizes.
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

/* Puts back a buffer that vd_bounce_get returned for the same length. vd_bounce_put_any is the general form. */
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

/*
 * Removes a buffer in use from the pool: the caller owns it and frees it with free(). `length` is the length that it
 * was requested with, or 0 when there is no buffer.
 */
void vd_bounce_give_away(struct vd_bounce *pool, uint64_t length);

/* Frees idle buffers, the largest first, until at most `keep` bytes of them are left. */
void vd_bounce_trim(struct vd_bounce *pool, uint64_t keep);

#endif
