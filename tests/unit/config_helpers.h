/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of configuration share these helpers: they open a disk, and see that no message tells a secret. */
#ifndef CONFIG_HELPERS_H
#define CONFIG_HELPERS_H

#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"
#include "option_helpers.h"

/* No message may contain this value. It is base64, so that the policy accepts it as a key. */
#define SECRET "cGFzc3dvcmQ"

#define ANY_OPTIONS(...) OPTIONS(.uri_policy = VDISK_URI_ANY, __VA_ARGS__)

/* Opens the disk and, if that succeeds, closes it. */
static inline int try_open(const char *uri, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    struct vdisk *disk = (void *)1;
    int r = vdisk_open_uri(&disk, uri, options, err);

    assert_int_equal(err->code, r);
    assert_null(strstr(err->message, SECRET));
    if (r == 0)
        close_disk(disk);
    else
        assert_null(disk);
    return r;
}

static inline void must_open(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;

    if (try_open(uri, options, &err) < 0)
        fail_msg("%s", err.message);
}

/* Checks that no function of Ceph was called. */
static inline void assert_untouched(void)
{
    assert_int_equal(fake_calls(NULL), 0);
}

/*
 * Opens the disk while the n-th call into Ceph fails, and returns whether there was such a call. Some failures do not
 * matter; *failures counts those that do.
 */
static inline bool open_with_failing_call(unsigned int n, const char *uri, const struct vdisk_open_options *options,
                                          unsigned int *failures)
{
    struct vdisk *disk = (void *)1;
    struct vdisk_error err;
    bool failed;
    int r;

    fake_fail_nth(n, EIO);
    r = vdisk_open_uri(&disk, uri, options, &err);
    failed = fake_failed();
    fake_fail_nth(0, 0);
    assert_int_equal(err.code, r);
    assert_null(strstr(err.message, SECRET));
    if (r == 0) {
        close_disk(disk);
        return failed;
    }
    assert_null(disk);
    assert_int_equal(fake_leaks(NULL, 0), 0);
    ++*failures;
    return failed;
}

#endif
