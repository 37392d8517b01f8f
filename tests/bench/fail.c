/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_fail(const char *what, const char *reason)
{
    fprintf(stderr, "vdisk-bench: %s: %s\n", what, reason);
    exit(1);
}

void bench_check(const char *what, int r)
{
    if (r < 0)
        bench_fail(what, strerror(-r));
}

void *bench_alloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);

    if (!memory)
        bench_fail("calloc", "out of memory");
    return memory;
}

void *bench_pages(size_t size)
{
    void *memory;

    if (posix_memalign(&memory, 4096, size) != 0)
        bench_fail("posix_memalign", "out of memory");
    return memset(memory, 0, size);
}
