/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

#include <vdisk/io.h>

#include "error.h"
#include "iov.h"
#include "passphrase.h"
#include "rare.h"

VD_RARE int vd_check_forked_error(struct vdisk_error *err)
{
    return vd_error_set(err, -EPERM, "This process was forked from one that uses disks; it can only exec or exit.");
}

VD_RARE static int no_disk_error(struct vdisk_error *err)
{
    return vd_error_set(err, -EINVAL, "The disk is NULL.");
}

VD_RARE static int flags_error(uint32_t unknown, struct vdisk_error *err)
{
    return vd_error_set(err, -EINVAL, "The flags 0x%x are not known to this call.", unknown);
}

int vd_check_disk(const struct vdisk *disk, struct vdisk_error *err)
{
    return disk ? vd_check_process(err) : no_disk_error(err);
}

VD_RARE static int read_only_error(const struct vdisk *disk, const char *doing, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    return vd_error_set(err, -EROFS, "%s image %s is not possible: it is open read-only.", doing,
                        vd_quote(&quoted, vdisk_uri_image(disk->uri)));
}

int vd_check_writable(const struct vdisk *disk, const char *doing, struct vdisk_error *err)
{
    int r = vd_check_disk(disk, err);

    if (r < 0)
        return r;
    return disk->read_only ? read_only_error(disk, doing, err) : 0;
}

int vd_check_enter(struct vd_view **view, struct vdisk *disk, struct vdisk_error *err)
{
    *view = vd_handle_enter(disk);
    return *view ? 0 : vd_handle_refusal(disk, err);
}

int vd_check_flags(uint32_t flags, uint32_t known, struct vdisk_error *err)
{
    return flags & ~known ? flags_error(flags & ~known, err) : 0;
}

int vd_check_size(uint64_t size, uint64_t header, struct vdisk_error *err)
{
    if (size > INT64_MAX - header)
        return vd_error_set(err, -EFBIG, "A size of %" PRIu64 " bytes is more than an image can have (%" PRIu64 ").",
                            size, INT64_MAX - header);
    return 0;
}

/* What callers see of the kinds of requests. */
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

/* Calls only what fails, and only last: every request comes by here. */
static inline int check_range(const struct vd_transfer *transfer, struct vdisk_error *err)
{
    const struct vdisk *disk = transfer->disk;

    if (!disk)
        return no_disk_error(err);
    if (vd_process_forked())
        return vd_check_forked_error(err);
    if (disk->read_only && vd_flight_changes(transfer->kind))
        return read_only_error(disk, doings[transfer->kind], err);
    if (transfer->flags & ~known_flags[transfer->kind])
        return flags_error(transfer->flags & ~known_flags[transfer->kind], err);
    return 0;
}

int vd_check_range(const struct vd_transfer *transfer, struct vdisk_error *err)
{
    return check_range(transfer, err);
}

/* What is wrong otherwise is told first. */
VD_RARE static int buffers_error(const struct vd_transfer *transfer, struct vdisk_error *err)
{
    int r = vd_check_range(transfer, err);

    if (r < 0)
        return r;
    return vd_error_set(err, -EINVAL,
                        "The buffers are not valid: there may be 0 to 1024 of them, none at NULL, of at most 2^64 "
                        "bytes together.");
}

VD_APART static int check_buffers(struct vd_transfer *transfer, struct vdisk_error *err)
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
    uint64_t boundary = transfer->disk->compare_and_write_boundary;
    uint64_t length = transfer->length;
    struct vd_quoted quoted;

    if (boundary == 0)
        return vd_error_set(err, -EOPNOTSUPP,
                            "Image %s is open with a cache that would go on showing what a compare-and-write has "
                            "replaced; open it with rbd_cache set to false.",
                            vd_quote(&quoted, vdisk_uri_image(transfer->disk->uri)));
    if (length > 0 && (length > boundary || transfer->offset % boundary > boundary - length))
        return vd_error_set(err, -EINVAL,
                            "The %" PRIu64 " bytes at offset %" PRIu64 " are not within one multiple of the %" PRIu64
                            " bytes that a compare-and-write is possible in.",
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

int vd_check_passphrase(uint32_t encryption, const void *passphrase, size_t size, const char *file,
                        struct vdisk_error *err)
{
    bool is_given = passphrase || size > 0;

    if (!encryption && (is_given || file))
        return vd_error_set(err, -EINVAL, "There is a passphrase, but \"encryption\" is not set.");
    if (encryption && is_given == !!file)
        return vd_error_set(err, -EINVAL, "Encryption needs either a passphrase or the name of a file that holds it.");
    if (is_given && !passphrase)
        return vd_error_set(err, -EINVAL, "The passphrase is NULL, but its size is not 0.");
    if (size > VD_PASSPHRASE_MAX)
        return vd_error_set(err, -EINVAL, "A passphrase can have at most %d bytes.", VD_PASSPHRASE_MAX);
    return 0;
}
