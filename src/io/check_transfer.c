/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/check_transfer.h"

#include <errno.h>
#include <inttypes.h>

#include <vdisk/io.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/iov.h"
#include "disk/check.h"

/* By the kind of request, how a sentence about it begins. */
static const char *const doings[] = {
    [VD_REQUEST_READ] = "Reading from",
    [VD_REQUEST_WRITE] = "Writing to",
    [VD_REQUEST_FLUSH] = "Flushing",
    [VD_REQUEST_DISCARD] = "Discarding from",
    [VD_REQUEST_WRITE_ZEROES] = "Writing zeroes to",
    [VD_REQUEST_COMPARE_AND_WRITE] = "Comparing with and writing to",
};

static const uint32_t known_flags[] = {
    [VD_REQUEST_READ] = VDISK_IO_ZERO_COPY,
    [VD_REQUEST_WRITE] = VDISK_IO_ZERO_COPY | VDISK_IO_FUA,
    [VD_REQUEST_FLUSH] = 0,
    [VD_REQUEST_DISCARD] = 0,
    [VD_REQUEST_WRITE_ZEROES] = VDISK_IO_FUA | VDISK_WRITE_ZEROES_THICK,
    [VD_REQUEST_COMPARE_AND_WRITE] = VDISK_IO_FUA,
};

const char *vd_check_doing(enum vd_request_kind kind)
{
    return doings[kind];
}

/*
 * Every request passes this function. So it calls others only when a check fails, and only as its last act, which costs
 * no stack frame.
 */
static inline int check_range(const struct vd_transfer *transfer, struct vdisk_error *err)
{
    const struct vdisk *disk = transfer->disk;

    if (!disk)
        return vd_check_no_disk_error(err);
    if (vd_process_forked())
        return vd_check_forked_error(err);
    if (disk->limits.read_only && vd_rbd_io_changes(transfer->kind))
        return vd_check_read_only_error(disk, doings[transfer->kind], err);
    if (transfer->flags & ~known_flags[transfer->kind])
        return vd_check_flags_error(transfer->flags & ~known_flags[transfer->kind], err);
    return 0;
}

int vd_check_range(const struct vd_transfer *transfer, struct vdisk_error *err)
{
    return check_range(transfer, err);
}

/* The buffers are not valid. Reports other argument errors before this one. */
VD_COLD static int buffers_error(const struct vd_transfer *transfer, struct vdisk_error *err)
{
    int r = vd_check_range(transfer, err);

    if (r < 0)
        return r;
    return vd_error_set(
        err, -EINVAL,
        "The buffers are not valid: there may be 0 to 1024 of them, with fewer than 2^64 bytes together, "
        "and none with bytes may be at NULL.");
}

VD_NOINLINE static int check_buffers(struct vd_transfer *transfer, struct vdisk_error *err)
{
    int r = vd_iov_length(&transfer->length, transfer->iov, transfer->iovcnt);

    return r < 0 ? buffers_error(transfer, err) : vd_check_range(transfer, err);
}

int vd_check_transfer(struct vd_transfer *transfer, struct vdisk_error *err)
{
    if (!vd_iov_is_one(transfer->iov, transfer->iovcnt))
        return check_buffers(transfer, err);
    transfer->length = transfer->iov->iov_len;
    return check_range(transfer, err);
}

static int check_boundary(const struct vd_transfer *transfer, struct vdisk_error *err)
{
    uint64_t boundary = transfer->disk->limits.compare_and_write_boundary;
    uint64_t length = transfer->length;
    struct vd_quoted quoted;

    if (transfer->disk->limits.layout.stripe_unit < VD_COMPARE_STRIPE_UNIT_MIN)
        return vd_error_set(err, -EOPNOTSUPP,
                            "Image %s has stripe units of %" PRIu64 " bytes; librbd can compare and write only with "
                            "stripe units of at least %d bytes.",
                            vd_quote(&quoted, vdisk_uri_image(transfer->disk->identity.uri)),
                            transfer->disk->limits.layout.stripe_unit, VD_COMPARE_STRIPE_UNIT_MIN);
    if (boundary == 0)
        return vd_error_set(err, -EOPNOTSUPP,
                            "Image %s is open with a cache that would still return the data that a compare-and-write "
                            "has replaced; open it with rbd_cache set to false.",
                            vd_quote(&quoted, vdisk_uri_image(transfer->disk->identity.uri)));
    if (length > 0 && (length > boundary || transfer->offset % boundary > boundary - length))
        return vd_error_set(err, -EINVAL,
                            "The %" PRIu64 " bytes at offset %" PRIu64 " cross a boundary of %" PRIu64
                            " bytes, which a compare-and-write must not cross.",
                            length, transfer->offset, boundary);
    return 0;
}

int vd_check_compare_and_write(struct vd_transfer *transfer, struct iovec *iov, const void *write,
                               struct vdisk_error *err)
{
    int r = vd_check_range(transfer, err);

    if (r == 0)
        r = check_boundary(transfer, err);
    if (r < 0)
        return r;
    if (transfer->length > 0 && (!transfer->compare || !write))
        return vd_error_set(err, -EINVAL, "The buffer to %s is NULL.", transfer->compare ? "write" : "compare with");
    /* struct iovec has no const; a write only reads. */
    *iov = (struct iovec){.iov_base = (void *)(uintptr_t)write, .iov_len = transfer->length};
    transfer->iov = iov;
    transfer->iovcnt = 1;
    return 0;
}
