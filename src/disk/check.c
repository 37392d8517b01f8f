/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/passphrase.h"

VD_COLD int vd_check_forked_error(struct vdisk_error *err)
{
    return vd_error_set(err, -EPERM, "This process was forked from one that uses disks; it can only exec or exit.");
}

VD_COLD int vd_check_no_disk_error(struct vdisk_error *err)
{
    return vd_error_set(err, -EINVAL, "The disk is NULL.");
}

VD_COLD int vd_check_flags_error(uint32_t unknown, struct vdisk_error *err)
{
    return vd_error_set(err, -EINVAL, "The flags 0x%x are not known to this call.", unknown);
}

int vd_check_disk(const struct vdisk *disk, struct vdisk_error *err)
{
    return disk ? vd_check_process(err) : vd_check_no_disk_error(err);
}

VD_COLD int vd_check_read_only_error(const struct vdisk *disk, const char *doing, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    return vd_error_set(err, -EROFS, "%s image %s is not possible: it is open read-only.", doing,
                        vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)));
}

int vd_check_writable(const struct vdisk *disk, const char *doing, struct vdisk_error *err)
{
    int r = vd_check_disk(disk, err);

    if (r < 0)
        return r;
    return disk->limits.read_only ? vd_check_read_only_error(disk, doing, err) : 0;
}

int vd_check_enter(struct vd_view **view, struct vdisk *disk, struct vdisk_error *err)
{
    *view = vd_disk_enter(disk);
    return *view ? 0 : vd_disk_refusal(disk, err);
}

int vd_check_flags(uint32_t flags, uint32_t known, struct vdisk_error *err)
{
    return flags & ~known ? vd_check_flags_error(flags & ~known, err) : 0;
}

int vd_check_size(uint64_t size, uint64_t header, struct vdisk_error *err)
{
    if (size > INT64_MAX - header)
        return vd_error_set(err, -EFBIG, "A size of %" PRIu64 " bytes is more than an image can have (%" PRIu64 ").",
                            size, INT64_MAX - header);
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
