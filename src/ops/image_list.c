/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/image.h>

#include "base/error.h"
#include "ops/image_op.h"
#include "ops/list_result.h"
#include "uri/place.h"

struct list_op {
    struct vd_image_op image;
    struct vd_list_result result;
};

/*
 * Lists the images of the pool; when there are more than fit, asks again with the room that librbd asks for. The caller
 * frees the strings by rbd_image_spec_list_cleanup, then the array.
 */
static int read_raw(rbd_image_spec_t **raw, size_t *count, rados_ioctx_t pool)
{
    int r;

    *count = 64;
    do {
        *raw = calloc(*count, sizeof **raw);
        if (!*raw)
            return -ENOMEM;
        r = rbd_list2(pool, *raw, count);
        if (r < 0)
            free(*raw);
    } while (r == -ERANGE);
    return r;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct vdisk_image *)a)->name, ((const struct vdisk_image *)b)->name);
}

static struct vdisk_image *build(const rbd_image_spec_t *raw, size_t count)
{
    size_t array = count * sizeof(struct vdisk_image), text = 0;
    struct vdisk_image *images;
    char *end;

    for (size_t i = 0; i < count; i++)
        text += strlen(raw[i].name) + strlen(raw[i].id) + 2;
    images = malloc(array + text);
    if (!images)
        return NULL;
    end = (char *)images + array;
    for (size_t i = 0; i < count; i++) {
        images[i] = (struct vdisk_image){.name = vd_list_copy_string(&end, raw[i].name)};
        images[i].id = vd_list_copy_string(&end, raw[i].id);
    }
    qsort(images, count, sizeof *images, compare_names);
    return images;
}

static int read_list(struct vd_list_result *result, rados_ioctx_t pool)
{
    rbd_image_spec_t *raw;
    size_t raw_count;
    int r = read_raw(&raw, &raw_count, pool);

    if (r < 0)
        return r;
    if (raw_count > 0)
        result->found = build(raw, raw_count);
    if (result->found)
        result->found_count = raw_count;
    else if (raw_count > 0)
        r = -ENOMEM;
    rbd_image_spec_list_cleanup(raw, raw_count);
    free(raw);
    return r;
}

static int list(struct vd_image_op *op, struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_error *err)
{
    struct list_op *this = (struct list_op *)op;
    struct vd_place place;
    int r = read_list(&this->result, pool);

    (void)connection;
    if (r < 0)
        return vd_error_set(err, r, "Listing the images of %s failed: %s.", vd_place_describe(&place, op->args.uri),
                            strerror(-r));
    return 0;
}

static void deliver(struct vd_op *op, struct vdisk_completion *completion)
{
    (void)completion;
    vd_list_result_deliver(&((struct list_op *)op)->result);
}

static void destroy(struct vd_op *op)
{
    vd_list_result_destroy(&((struct list_op *)op)->result);
    vd_image_op_destroy(op);
}

/* Makes the operation. It names the pool by a URI, as every operation on images does; the image in it is not used. */
static int new_pool_op(struct vd_image_op **op, const char *pool, const char *name_space,
                       const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = vd_image_op_run, .deliver = deliver, .destroy = destroy};
    struct vdisk_uri *uri;
    int r;

    if (!pool || !pool[0])
        return vd_error_set(err, -EINVAL, "The name of the pool is empty.");
    r = vdisk_uri_new(&uri, pool, name_space, "*", NULL, err);
    if (r < 0)
        return r;
    r = vd_image_op_new(op, sizeof(struct list_op), &kind, uri, connect, "list", err);
    vdisk_uri_free(uri);
    return r;
}

static int new_list(struct vd_op **op, struct vdisk_image **images, size_t *count, const char *pool,
                    const char *name_space, const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    struct vd_image_op *image = NULL;
    struct vd_list_result result;
    int r;

    vd_error_clear(err);
    r = vd_list_result_init(&result, images, count, err);
    if (r < 0)
        return r;
    r = new_pool_op(&image, pool, name_space, connect, err);
    if (!image)
        return r;
    image->work = list;
    ((struct list_op *)image)->result = result;
    *op = &image->op;
    return 0;
}

int vdisk_list(struct vdisk_image **images, size_t *count, const char *pool, const char *name_space,
               const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_list(&op, images, count, pool, name_space, connect, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_list(struct vdisk_queue *queue, struct vdisk_image **images, size_t *count, const char *pool,
                   const char *name_space, const struct vdisk_open_options *connect, uint32_t flags, void *user_data,
                   struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_list(&op, images, count, pool, name_space, connect, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}

void vdisk_image_list_free(struct vdisk_image *images)
{
    free(images);
}
