/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bounce.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/attributes.h"

/* Page alignment lets librbd and the kernel move whole pages. */
#define ALIGNMENT 4096

void vd_bounce_init(struct vd_bounce *pool, uint64_t limit)
{
    *pool = (struct vd_bounce){.limit = limit};
}

void vd_bounce_destroy(struct vd_bounce *pool)
{
    assert(pool->in_use == 0);
    vd_bounce_trim(pool, 0);
}

static unsigned int class_of(uint64_t length)
{
    unsigned int class = 0;

    assert(length > 0 && length <= UINT64_C(1) << VD_BOUNCE_MAX_SHIFT);
    if (length > UINT64_C(1) << VD_BOUNCE_MIN_SHIFT)
        class = 64 - VD_BOUNCE_MIN_SHIFT - (unsigned int)__builtin_clzll(length - 1);
    return class;
}

static uint64_t size_of(unsigned int class)
{
    return UINT64_C(1) << (class + VD_BOUNCE_MIN_SHIFT);
}

void vd_bounce_trim(struct vd_bounce *pool, uint64_t keep)
{
    for (unsigned int class = VD_BOUNCE_CLASSES; class -- > 0;) {
        while (pool->idle > keep && pool->idle_list[class])
            free(vd_bounce_pop(pool, class, size_of(class)));
    }
}

VD_NOINLINE static int get_new(void **buffer, struct vd_bounce *pool, uint64_t size)
{
    vd_bounce_trim(pool, pool->limit - pool->in_use - size);
    if (posix_memalign(buffer, ALIGNMENT, size) != 0) {
        *buffer = NULL;
        return -ENOMEM;
    }
    pool->in_use += size;
    return 0;
}

int vd_bounce_get_any(void **buffer, struct vd_bounce *pool, uint64_t length)
{
    unsigned int class = class_of(length);
    uint64_t size = size_of(class);

    if (pool->in_use + size > pool->limit) {
        *buffer = NULL;
        return -EAGAIN;
    }
    if (!pool->idle_list[class])
        return get_new(buffer, pool, size);
    *buffer = vd_bounce_pop(pool, class, size);
    pool->in_use += size;
    return 0;
}

void vd_bounce_put_any(struct vd_bounce *pool, void *buffer, uint64_t length)
{
    unsigned int class = class_of(length);
    uint64_t size = size_of(class);

    assert(pool->in_use >= size);
    pool->in_use -= size;
    vd_bounce_push(pool, class, size, buffer);
}

void vd_bounce_give_away(struct vd_bounce *pool, uint64_t length)
{
    if (length == 0)
        return;
    assert(pool->in_use >= size_of(class_of(length)));
    pool->in_use -= size_of(class_of(length));
}
