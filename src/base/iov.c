/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/iov.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/attributes.h"

int vd_iov_length(uint64_t *length, const struct iovec *iov, int iovcnt)
{
    uint64_t sum = 0;

    *length = 0;
    if (iovcnt < 0 || iovcnt > IOV_MAX || (iovcnt > 0 && !iov))
        return -EINVAL;
    for (int i = 0; i < iovcnt; i++) {
        if (iov[i].iov_len > 0 && !iov[i].iov_base)
            return -EINVAL;
        if (__builtin_add_overflow(sum, iov[i].iov_len, &sum))
            return -EINVAL;
    }
    *length = sum;
    return 0;
}

/* Walks over the parts of an array that contain the next `left` bytes after the first `skip` bytes. */
struct walk {
    const struct iovec *iov;
    const struct iovec *end;
    uint64_t skip;
    uint64_t left;
};

static struct walk walk_start(const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length)
{
    return (struct walk){.iov = iov, .end = iovcnt > 0 ? iov + iovcnt : iov, .skip = skip, .left = length};
}

static bool walk_next(struct walk *walk, struct iovec *piece)
{
    for (; walk->iov < walk->end && walk->left > 0; walk->iov++) {
        size_t here = walk->iov->iov_len;

        if (walk->skip >= here) {
            walk->skip -= here;
            continue;
        }
        piece->iov_base = (char *)walk->iov->iov_base + walk->skip;
        piece->iov_len = here - walk->skip < walk->left ? here - walk->skip : walk->left;
        walk->skip = 0;
        walk->left -= piece->iov_len;
        walk->iov++;
        return true;
    }
    return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int vd_iov_slice_count(const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length)
{
    struct walk walk = walk_start(iov, iovcnt, skip, length);
    struct iovec piece;
    int count = 0;

    while (walk_next(&walk, &piece))
        count++;
    return count;
}

void vd_iov_slice(struct iovec *slice, const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length)
{
    struct walk walk = walk_start(iov, iovcnt, skip, length);

    while (walk_next(&walk, slice))
        slice++;
}

VD_NOINLINE static void gather_any(char *to, const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length)
{
    struct walk walk = walk_start(iov, iovcnt, skip, length);
    struct iovec piece;

    while (walk_next(&walk, &piece)) {
        memcpy(to, piece.iov_base, piece.iov_len);
        to += piece.iov_len;
    }
}

void vd_iov_gather(void *to, const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length)
{
    uint64_t here = iovcnt == 1 && skip <= iov->iov_len ? least(length, iov->iov_len - skip) : 0;

    /* An empty buffer may be at NULL, and memcpy must not be given NULL even for 0 bytes. */
    if (here > 0)
        memcpy(to, (const char *)iov->iov_base + skip, here);
    else
        gather_any(to, iov, iovcnt, skip, length);
}

VD_NOINLINE static void scatter_any(const struct iovec *iov, int iovcnt, const char *from, uint64_t length)
{
    struct walk walk = walk_start(iov, iovcnt, 0, length);
    struct iovec piece;

    while (walk_next(&walk, &piece)) {
        memcpy(piece.iov_base, from, piece.iov_len);
        from += piece.iov_len;
    }
}

void vd_iov_scatter(const struct iovec *iov, int iovcnt, const void *from, uint64_t length)
{
    uint64_t here = iovcnt == 1 ? least(length, iov->iov_len) : 0;

    if (here > 0)
        memcpy(iov->iov_base, from, here);
    else
        scatter_any(iov, iovcnt, from, length);
}

void vd_iov_zero(const struct iovec *iov, int iovcnt, uint64_t skip)
{
    struct walk walk = walk_start(iov, iovcnt, skip, UINT64_MAX);
    struct iovec piece;

    while (walk_next(&walk, &piece))
        memset(piece.iov_base, 0, piece.iov_len);
}
