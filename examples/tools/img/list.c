/* SPDX-License-Identifier: MIT */
#include "img/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/tool.h"
#include "img/json.h"

static int print_json(FILE *out, const struct vdisk_image *images, size_t count, struct vdisk_error *err)
{
    struct json_builder builder = {.err = err};
    json_t *root = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *image = json_append_object(&builder, root);
        json_add_text(&builder, image, "name", images[i].name);
        json_add_text(&builder, image, "image_id", images[i].id);
    }
    return json_print(out, &builder, root);
}

/* The name is the last column, because it can contain blanks. */
static void print_plain(FILE *out, const struct vdisk_image *images, size_t count)
{
    fprintf(out, "%-20s %s\n", "ID", "NAME");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%-20s ", images[i].id);
        text_print(out, images[i].name);
        fputc('\n', out);
    }
}

static int list(const struct img_args *args, const char *pool, const char *name_space, struct vdisk_error *err)
{
    struct vdisk_image *images;
    size_t count;
    int result = vdisk_list(&images, &count, pool, name_space, &args->open.options, err);
    if (result < 0)
        return result;
    if (args->wants_json)
        result = print_json(args->out, images, count, err);
    else
        print_plain(args->out, images, count);
    vdisk_image_list_free(images);
    return result;
}

/*
 * Copies the text up to a slash, and ends the copy with a NUL. As in a URI, a backslash makes the byte after it plain.
 * Returns the rest of the text, which starts with the slash if there is one.
 */
static const char *copy_until_slash(char *to, const char *text)
{
    for (; *text && *text != '/'; text++) {
        if (*text == '\\' && text[1])
            text++;
        *to++ = *text;
    }
    *to = '\0';
    return text;
}

int img_list(const struct img_args *args, struct vdisk_error *err)
{
    char *pool = calloc(2, strlen(args->argument) + 1);
    if (!pool)
        return tool_fail(err, -ENOMEM, "There is no memory for the name of the pool.");
    char *name_space = pool + strlen(args->argument) + 1;
    const char *rest = copy_until_slash(pool, args->argument);
    if (*rest == '/')
        rest = copy_until_slash(name_space, rest + 1);
    int result = *rest ? tool_fail(err, -EINVAL, "The pool must be given as POOL or POOL/NAMESPACE.")
                       : list(args, pool, name_space, err);
    free(pool);
    return result;
}
