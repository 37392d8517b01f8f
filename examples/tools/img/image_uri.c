/* SPDX-License-Identifier: MIT */
#include "img/image_uri.h"

#include <errno.h>

#include "common/text.h"
#include "common/tool.h"

int image_uri_refuse_snapshot(const struct vdisk_uri *uri, const char *command, struct vdisk_error *err)
{
    struct text_quoted quoted;
    const char *snapshot = vdisk_uri_snapshot(uri);
    if (!snapshot)
        return 0;
    return tool_fail(err, -EINVAL, "The URI names snapshot %s, but the command %s needs an image.",
                     text_quote(&quoted, snapshot), command);
}

int image_uri_require_snapshot(const struct vdisk_uri *uri, struct vdisk_error *err)
{
    if (vdisk_uri_snapshot(uri))
        return 0;
    return tool_fail(err, -EINVAL, "The URI names no snapshot; write it as rbd:POOL/IMAGE@SNAPSHOT.");
}

static int copy_options(struct vdisk_uri *to, const struct vdisk_uri *from, struct vdisk_error *err)
{
    const char *key;
    const char *value;
    int result = 0;
    for (size_t i = 0; result == 0 && vdisk_uri_option(&key, &value, from, i) == 0; i++)
        result = vdisk_uri_add_option(to, key, value, err);
    return result;
}

int image_uri_without_snapshot(struct vdisk_uri **image, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    int result = vdisk_uri_new(image, vdisk_uri_pool(uri), vdisk_uri_namespace(uri), vdisk_uri_image(uri), NULL, err);
    if (result == 0)
        result = copy_options(*image, uri, err);
    if (result == 0)
        return 0;
    vdisk_uri_free(*image);
    *image = NULL;
    return result;
}
