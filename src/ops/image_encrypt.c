/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/image_encrypt.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <stdbool.h>

#include "disk/encryption.h"

/*
 * Room for the header. librbd 16 needs 2 to 16 MiB for it, and at least one object, of up to 32 MiB. resize_to_fit
 * gives back what is left.
 */
#define ROOM (UINT64_C(64) << 20)

uint64_t vd_image_encrypt_room(const struct vdisk_create_options *options)
{
    return options->encryption ? ROOM : 0;
}

static int ignore_progress(uint64_t done, uint64_t total, void *arg)
{
    (void)done, (void)total, (void)arg;
    return 0;
}

/* Makes the image so long that `size` bytes are left behind the header, whose length is not known before. */
static int resize_to_fit(rbd_image_t image, uint64_t size)
{
    uint64_t usable;
    int r = rbd_get_size(image, &usable);

    return r < 0 ? r : rbd_resize2(image, size + ROOM - (usable - size), true, ignore_progress, NULL);
}

static int format_and_resize(rbd_image_t image, uint64_t size, uint32_t encryption,
                             const struct vd_passphrase *passphrase)
{
    int r = vd_encryption_format(image, encryption, passphrase);

    return r < 0 ? r : resize_to_fit(image, size);
}

static int encrypt(const char *name, rados_ioctx_t pool, uint64_t size, uint32_t encryption,
                   const struct vd_passphrase *passphrase)
{
    rbd_image_t image;
    int closed, r = rbd_open(pool, name, &image, NULL);

    if (r < 0)
        return r;
    r = format_and_resize(image, size, encryption, passphrase);
    closed = rbd_close(image);
    return r < 0 ? r : closed;
}

int vd_image_encrypt(struct vd_image_op *op, rados_ioctx_t pool, uint64_t size,
                     const struct vdisk_create_options *options, struct vdisk_error *err)
{
    const char *name = vdisk_uri_image(op->args.uri);
    struct vd_passphrase passphrase = {0};
    int r;

    if (options->encryption == VDISK_ENCRYPTION_NONE)
        return 0;
    r = vd_encryption_passphrase(&passphrase, options->passphrase, options->passphrase_size, options->passphrase_file,
                                 err);
    if (r == 0) {
        r = encrypt(name, pool, size, options->encryption, &passphrase);
        vd_passphrase_destroy(&passphrase);
        if (r < 0)
            vd_image_op_error(op, "Encrypting", r, err);
    }
    if (r < 0)
        rbd_remove(pool, name);
    return r;
}
