/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include <errno.h>
#include <inttypes.h>

#include <vdisk/io.h>

#include "error.h"
#include "iov.h"
#include "process.h"

int vd_check_process(struct vdisk_error *err)
{
    if (vd_process_forked())
        return vd_error_set(err, -EPERM, "This process was forked from one that uses disks; it can only exec or exit.");
    return 0;
}

int vd_check_disk(const struct vdisk *disk, struct vdisk_error *err)
{
    if (!disk)
        return vd_error_set(err, -EINVAL, "The disk is NULL.");
    return vd_check_process(err);
}

int vd_check_writable(const struct vdisk *disk, const char *doing, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    int r = vd_check_disk(disk, err);

    if (r < 0)
        return r;
    if (disk->read_only)
        return vd_error_set(err, -EROFS, "%s image %s is not possible: it is open read-only.", doing,
                            vd_quote(&quoted, vdisk_uri_image(disk->uri)));
    return 0;
}

int vd_check_enter(struct vd_view **view, struct vdisk *disk, struct vdisk_error *err)
{
    *view = vd_handle_enter(disk);
    return *view ? 0 : vd_handle_refusal(disk, err);
}

int vd_check_flags(uint32_t flags, uint32_t known, struct vdisk_error *err)
{
    if (flags & ~known)
        return vd_error_set(err, -EINVAL, "The flags 0x%x are not known to this call.", flags & ~known);
    return 0;
}

int vd_check_size(uint64_t size, struct vdisk_error *err)
{
    if (size > INT64_MAX)
        return vd_error_set(err, -EFBIG, "A size of %" PRIu64 " bytes is more than an image can have (2^63 - 1).",
                            size);
    return 0;
}

int vd_check_transfer(struct vd_transfer *transfer, struct vdisk *disk, enum vd_request_kind kind,
                      const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags, struct vdisk_error *err)
{
    uint64_t length = 0;
    int r = kind == VD_REQUEST_WRITE ? vd_check_writable(disk, "Writing to", err) : vd_check_disk(disk, err);

    if (r == 0)
        r = vd_check_flags(flags, VDISK_IO_ZERO_COPY, err);
    if (r < 0)
        return r;
    if (vd_iov_length(&length, iov, iovcnt) < 0)
        return vd_error_set(err, -EINVAL,
                            "The buffers are not valid: there may be 0 to 1024 of them, none at NULL, of at most 2^64 "
                            "bytes together.");
    *transfer = (struct vd_transfer){
        .disk = disk, .kind = kind, .iov = iov, .iovcnt = iovcnt, .length = length, .offset = offset};
    return 0;
}
