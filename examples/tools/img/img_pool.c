/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img remove, rename, list, clone and flatten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/tool.h"
#include "img/img.h"
#include "img/json.h"

/* Removing and renaming. */

static int start_remove(struct vdisk_queue *queue, const struct img *img, struct vdisk *disk, struct vdisk_error *err)
{
    (void)disk;
    return vdisk_aio_remove(queue, img->uri, &img->target.open, VDISK_AIO_PROGRESS, NULL, err);
}

int img_remove(struct img *img, struct vdisk_error *err)
{
    int result = img_refuse_snapshot(img, "remove", err);
    return result < 0 ? result : img_wait(img, NULL, start_remove, err);
}

int img_rename(struct img *img, struct vdisk_error *err)
{
    int result = img_refuse_snapshot(img, "rename", err);
    return result < 0 ? result : vdisk_rename(img->uri, img->argument, &img->target.open, err);
}

/* Cloning and flattening. */

int img_clone(struct img *img, struct vdisk_error *err)
{
    struct vdisk_uri *clone;
    int result = vdisk_uri_parse(&clone, img->argument, err);
    if (result < 0)
        return result;
    result = vdisk_clone(img->uri, clone, &img->create, &img->target.open, err);
    vdisk_uri_free(clone);
    return result;
}

static int start_flatten(struct vdisk_queue *queue, const struct img *img, struct vdisk *disk, struct vdisk_error *err)
{
    (void)img;
    return vdisk_aio_flatten(queue, disk, VDISK_AIO_PROGRESS, NULL, err);
}

int img_flatten(struct img *img, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = img_refuse_snapshot(img, "flatten", err);
    img->target.open.flags = img->target.change_flags;
    if (result == 0)
        result = vdisk_open(&disk, img->uri, &img->target.open, err);
    if (result < 0)
        return result;
    result = img_wait(img, disk, start_flatten, err);
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}

/* Listing. */

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

/* The name comes last: it can hold blanks. */
static void print_plain(FILE *out, const struct vdisk_image *images, size_t count)
{
    fprintf(out, "%-20s %s\n", "ID", "NAME");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%-20s ", images[i].id);
        text_print(out, images[i].name);
        fputc('\n', out);
    }
}

static int list(struct img *img, const char *pool, const char *name_space, struct vdisk_error *err)
{
    struct vdisk_image *images;
    size_t count;
    int result = vdisk_list(&images, &count, pool, name_space, &img->target.open, err);
    if (result < 0)
        return result;
    if (img->wants_json)
        result = print_json(img->out, images, count, err);
    else
        print_plain(img->out, images, count);
    vdisk_image_list_free(images);
    return result;
}

/* A backslash makes the byte after it plain, as in a URI. Ends the string at `to`, and returns what is left. */
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

int img_list(struct img *img, struct vdisk_error *err)
{
    char *pool = calloc(2, strlen(img->argument) + 1);
    if (!pool)
        return tool_fail(err, -ENOMEM, "Out of memory.");
    char *name_space = pool + strlen(img->argument) + 1;
    const char *rest = copy_until_slash(pool, img->argument);
    if (*rest == '/')
        rest = copy_until_slash(name_space, rest + 1);
    int result = *rest ? tool_fail(err, -EINVAL, "A pool is to be named, as POOL or POOL/NAMESPACE.")
                       : list(img, pool, name_space, err);
    free(pool);
    return result;
}
