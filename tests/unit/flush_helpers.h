/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tests of flushing share these helpers: they write a byte, count how often closing flushes, and expect a close to
 * fail.
 */
#ifndef FLUSH_HELPERS_H
#define FLUSH_HELPERS_H

#include "disk_fixture.h"

#include "fake.h"

static inline void write_byte(const struct fixture *fixture)
{
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
}

/* Closes the fixture's disk. Returns how often that flushed. */
static inline unsigned int flushes_at_close(struct fixture *fixture)
{
    unsigned int before = fake_calls("rbd_flush");

    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_false(fake_image_closed_unflushed("p", "", "i"));
    return fake_calls("rbd_flush") - before;
}

/* Closes the fixture's disk, which fails, but closes. */
static inline void assert_close_fails(struct fixture *fixture, int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(vdisk_close(fixture->disk, &err), code);
    fixture->disk = NULL;
    assert_says(&err, code, part);
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

#endif
