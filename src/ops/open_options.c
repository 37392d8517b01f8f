/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/open_options.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"
#include "base/structs.h"
#include "disk/check.h"
#include "uri/policy.h"
#include "uri/uri.h"

/* The size that the structure had in the first release. */
#define OPEN_OPTIONS_FIRST (offsetof(struct vdisk_open_options, passphrase_file) + sizeof(const char *))

void vdisk_open_options_init(struct vdisk_open_options *options, size_t struct_size)
{
    vd_struct_init(options, struct_size);
}

static int check_own_options(const struct vdisk_open_options *options, struct vdisk_error *err)
{
    if (options->option_count > 0 && !options->options)
        return vd_error_set(err, -EINVAL, "vdisk_open_options.options is NULL, but option_count is not 0.");
    for (size_t i = 0; i < options->option_count; i++) {
        const char *key = options->options[i].key;

        if (!key || !options->options[i].value)
            return vd_error_set(err, -EINVAL, "The key or the value of vdisk_open_options.options[%zu] is NULL.", i);
        if (vd_uri_is_own_key(key))
            return vd_error_set(err, -EINVAL, "\"%s\" is not a Ceph option; set vdisk_open_options.%s instead.", key,
                                key);
    }
    return 0;
}

static int check_opening(const struct vdisk_open_options *options, struct vdisk_error *err)
{
    if (options->flags & VDISK_OPEN_EXCLUSIVE && options->flags & VDISK_OPEN_READ_ONLY)
        return vd_error_set(err, -EINVAL,
                            "VDISK_OPEN_EXCLUSIVE does not go with VDISK_OPEN_READ_ONLY: a disk opened read-only takes "
                            "no lock.");
    if (options->flags & VDISK_OPEN_BREAK_LOCK && !(options->flags & VDISK_OPEN_EXCLUSIVE))
        return vd_error_set(err, -EINVAL, "VDISK_OPEN_BREAK_LOCK goes with VDISK_OPEN_EXCLUSIVE only.");
    if (options->encryption > VDISK_ENCRYPTION_LUKS)
        return vd_error_set(err, -EINVAL, "vdisk_open_options.encryption is not a known format.");
    return vd_check_passphrase(options->encryption, options->passphrase, options->passphrase_size,
                               options->passphrase_file, err);
}

static int check_fields(const struct vdisk_open_options *options, uint32_t known_flags, struct vdisk_error *err)
{
    int r = vd_check_flags(options->flags, known_flags, err);

    if (r == 0)
        r = check_opening(options, err);
    if (r < 0)
        return r;
    if (known_flags == 0 && options->encryption)
        return vd_error_set(err, -EINVAL, "vdisk_open_options.encryption is for opening a disk only.");
    if (options->cache_mode > VDISK_CACHE_WRITE_BACK)
        return vd_error_set(err, -EINVAL, "vdisk_open_options.cache_mode is not one that can be chosen.");
    if (options->tuning > VDISK_TUNE_FOOTPRINT)
        return vd_error_set(err, -EINVAL, "vdisk_open_options.tuning is not a known value.");
    if (options->id && !options->id[0])
        return vd_error_set(err, -EINVAL, "vdisk_open_options.id is empty; leave it NULL for the default.");
    if (options->conf && !options->conf[0])
        return vd_error_set(err, -EINVAL, "vdisk_open_options.conf is empty; leave it NULL for the default.");
    return check_own_options(options, err);
}

int vd_open_options_read(struct vdisk_open_options *to, const struct vdisk_open_options *from, uint32_t known_flags,
                         const struct vdisk_uri *uri, struct vdisk_error *err)
{
    int r = vd_check_process(err);

    if (r < 0)
        return r;
    if (!uri)
        return vd_error_set(err, -EINVAL, "The URI is NULL.");
    r = vd_struct_read(to, sizeof *to, from, OPEN_OPTIONS_FIRST, "vdisk_open_options", err);
    if (r == 0)
        r = check_fields(to, known_flags, err);
    if (r == 0)
        r = vd_policy_check(to->uri_policy, uri, err);
    return r;
}
