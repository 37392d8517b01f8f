/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of blocking transfers share these helpers. */
#ifndef SYNC_HELPERS_H
#define SYNC_HELPERS_H

#include "disk_fixture.h"

#include <stdlib.h>

#include "fake.h"

/* The library cuts a long transfer at multiples of PIECE, and has AT_ONCE pieces in I/O. */
#define PIECE (4 * MIB)
#define AT_ONCE 4

static inline unsigned char *allocate(size_t length)
{
    unsigned char *memory = malloc(length);

    assert_non_null(memory);
    return memory;
}

/* Counts the calls of all functions of librbd that move data. */
static inline unsigned int transfers(void)
{
    return fake_calls("rbd_aio_read") + fake_calls("rbd_aio_readv") + fake_calls("rbd_aio_write") +
           fake_calls("rbd_aio_writev");
}

#endif
