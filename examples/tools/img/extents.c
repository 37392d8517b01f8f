/* SPDX-License-Identifier: MIT */
#include "img/extents.h"

#include <inttypes.h>
#include <stdio.h>

static int print_json(FILE *out, struct extent_reader *reader, extents_add_kind *add_kind, struct vdisk_error *err)
{
    struct json_builder builder = {.err = err};
    const struct vdisk_extent *extent;
    json_t *root = json_array();
    int result;
    while ((result = extent_reader_next(&extent, reader, err)) == 0 && extent) {
        json_t *object = json_append_object(&builder, root);
        json_add_number(&builder, object, "offset", extent->offset);
        json_add_number(&builder, object, "length", extent->length);
        add_kind(&builder, object, extent);
    }
    if (builder.result == 0)
        builder.result = result;
    return json_print(out, &builder, root);
}

static const char *kind_name(const struct vdisk_extent *extent)
{
    if (extent->flags & VDISK_EXTENT_DATA)
        return "data";
    return extent->flags & VDISK_EXTENT_ZERO ? "zero" : "parent";
}

static int print_plain(FILE *out, struct extent_reader *reader, struct vdisk_error *err)
{
    const struct vdisk_extent *extent;
    int result;
    fprintf(out, "%20s %20s %s\n", "OFFSET", "LENGTH", "TYPE");
    while ((result = extent_reader_next(&extent, reader, err)) == 0 && extent)
        fprintf(out, "%20" PRIu64 " %20" PRIu64 " %s\n", extent->offset, extent->length, kind_name(extent));
    return result;
}

int extents_print(const struct img_args *args, struct extent_reader *reader, extents_add_kind *add_kind,
                  struct vdisk_error *err)
{
    reader->flags = args->leaves_out_parent ? 0 : VDISK_EXTENTS_PARENT;
    return args->wants_json ? print_json(args->out, reader, add_kind, err) : print_plain(args->out, reader, err);
}
