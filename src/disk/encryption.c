/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/encryption.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/* How often the image's size is read at most. Other clients do not resize an image that many times in a row. */
#define ATTEMPTS 10

int vd_encryption_passphrase(struct vd_passphrase *passphrase, const void *bytes, size_t size, const char *file,
                             struct vdisk_error *err)
{
    struct vd_quoted quoted;
    int r;

    if (!file) {
        r = vd_passphrase_copy(passphrase, bytes, size);
        return r < 0 ? vd_error_set(err, r, "Out of memory for a passphrase.") : 0;
    }
    r = vd_passphrase_read(passphrase, file);
    if (r < 0)
        return vd_error_set(err, r, "The passphrase cannot be read from file %s: %s.", vd_quote(&quoted, file),
                            strerror(-r));
    return 0;
}

/* The options leave out the cipher: librbd reads it from the header. */
static int load(rbd_image_t image, uint32_t encryption, const struct vd_passphrase *passphrase)
{
    rbd_encryption_luks1_format_options_t luks1 = {.passphrase = passphrase->bytes,
                                                   .passphrase_size = passphrase->size};
    rbd_encryption_luks2_format_options_t luks2 = {.passphrase = passphrase->bytes,
                                                   .passphrase_size = passphrase->size};

    if (encryption == VDISK_ENCRYPTION_LUKS1)
        return rbd_encryption_load(image, RBD_ENCRYPTION_FORMAT_LUKS1, &luks1, sizeof luks1);
    return rbd_encryption_load(image, RBD_ENCRYPTION_FORMAT_LUKS2, &luks2, sizeof luks2);
}

/* librbd 16 must be told whether it is LUKS1 or LUKS2. It answers -EINVAL at once if that is wrong. */
static int load_either(rbd_image_t image, uint32_t encryption, const struct vd_passphrase *passphrase)
{
    int r;

    if (encryption != VDISK_ENCRYPTION_LUKS)
        return load(image, encryption, passphrase);
    r = load(image, VDISK_ENCRYPTION_LUKS2, passphrase);
    return r == -EINVAL ? load(image, VDISK_ENCRYPTION_LUKS1, passphrase) : r;
}

static const char *format_name(uint32_t encryption)
{
    switch (encryption) {
    case VDISK_ENCRYPTION_LUKS1:
        return "LUKS1";
    case VDISK_ENCRYPTION_LUKS2:
        return "LUKS2";
    default:
        return "LUKS1 or LUKS2";
    }
}

static int load_error(int code, uint32_t encryption, const char *name, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    vd_quote(&quoted, name);
    if (code == -EPERM)
        return vd_error_set(err, -EKEYREJECTED, "The passphrase does not open the encryption of image %s.",
                            quoted.text);
    if (code == -EINVAL)
        return vd_error_set(err, code, "Image %s is not encrypted with %s.", quoted.text, format_name(encryption));
    return vd_error_set(err, code, "Loading the encryption of image %s failed: %s.", quoted.text, strerror(-code));
}

int vd_encryption_load(struct vd_view *view, const struct vdisk_open_options *options, const char *name,
                       struct vdisk_error *err)
{
    struct vd_passphrase passphrase = {0};
    int r;

    if (options->encryption == VDISK_ENCRYPTION_NONE)
        return 0;
    r = vd_encryption_passphrase(&passphrase, options->passphrase, options->passphrase_size, options->passphrase_file,
                                 err);
    if (r < 0)
        return r;
    r = load_either(view->image, options->encryption, &passphrase);
    vd_passphrase_destroy(&passphrase);
    if (r == 0)
        r = vd_view_refresh_size(view);
    return r < 0 ? load_error(r, options->encryption, name, err) : 0;
}

int vd_encryption_format(rbd_image_t image, uint32_t encryption, const struct vd_passphrase *passphrase)
{
    rbd_encryption_luks1_format_options_t luks1 = {
        .alg = RBD_ENCRYPTION_ALGORITHM_AES256, .passphrase = passphrase->bytes, .passphrase_size = passphrase->size};
    rbd_encryption_luks2_format_options_t luks2 = {
        .alg = RBD_ENCRYPTION_ALGORITHM_AES256, .passphrase = passphrase->bytes, .passphrase_size = passphrase->size};

    if (encryption == VDISK_ENCRYPTION_LUKS1)
        return rbd_encryption_format(image, RBD_ENCRYPTION_FORMAT_LUKS1, &luks1, sizeof luks1);
    return rbd_encryption_format(image, RBD_ENCRYPTION_FORMAT_LUKS2, &luks2, sizeof luks2);
}

/*
 * Measures the difference between the image's size and that of its contents. The image's size comes from another
 * opening, without the encryption, as soon as possible after the size of the contents was read.
 */
static int measure(uint64_t *data_offset, struct vd_view *view, rados_ioctx_t pool, const char *name)
{
    struct vd_view *raw;
    int r = vd_view_refresh_size(view);

    if (r < 0)
        return r;
    r = vd_view_open(&raw, pool, name, NULL, true);
    if (r < 0)
        return r;
    *data_offset = vd_view_size(raw) - vd_view_size(view);
    vd_view_close_and_free(raw);
    return 0;
}

int vd_encryption_find_data(uint64_t *data_offset, struct vd_view *view, rados_ioctx_t pool, const char *name,
                            uint64_t raw_size)
{
    uint64_t last = raw_size - vd_view_size(view);

    /*
     * A resize between the two reads makes the difference wrong, but hardly twice by the same number. So a difference
     * that is measured twice in a row is right.
     */
    for (int i = 0; i < ATTEMPTS; i++) {
        int r = measure(data_offset, view, pool, name);

        if (r < 0 || *data_offset == last)
            return r;
        last = *data_offset;
    }
    return -EAGAIN;
}
