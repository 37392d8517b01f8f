/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/image_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/disk.h>

/* librbd 16.2.15 has 77 options. With room for too few, the list has to be asked for twice. */
#define EXPECTED 128

struct list {
    rbd_config_option_t *options;
    int count;
};

static int get_list(struct list *list, rbd_image_t image)
{
    int r;

    *list = (struct list){.count = EXPECTED};
    do {
        rbd_config_option_t *longer = realloc(list->options, (size_t)list->count * sizeof *longer);

        if (!longer) {
            free(list->options);
            return -ENOMEM;
        }
        list->options = longer;
        /* With -ERANGE, `count` becomes the number of options. */
        r = rbd_config_image_list(image, list->options, &list->count);
    } while (r == -ERANGE);
    if (r < 0)
        free(list->options);
    return r;
}

static void free_list(struct list *list)
{
    rbd_config_image_list_cleanup(list->options, list->count);
    free(list->options);
}

/* Returns "" for an option that this librbd does not have. */
static const char *value_of(const struct list *list, const char *name)
{
    for (int i = 0; i < list->count; i++) {
        if (strcmp(list->options[i].name, name) == 0)
            return list->options[i].value;
    }
    return "";
}

static bool is_true(const struct list *list, const char *name)
{
    return strcmp(value_of(list, name), "true") == 0;
}

static uint64_t discard_granularity(const struct list *list)
{
    uint64_t bytes = strtoull(value_of(list, "rbd_discard_granularity_bytes"), NULL, 10);

    /* librbd takes a granularity of 0, too, as none. */
    return is_true(list, "rbd_skip_partial_discard") && bytes > 0 ? bytes : 1;
}

static uint32_t cache_mode(const struct list *list)
{
    const char *policy = value_of(list, "rbd_cache_policy");

    if (!is_true(list, "rbd_cache"))
        return VDISK_CACHE_NONE;
    if (strcmp(policy, "writearound") == 0)
        return VDISK_CACHE_WRITE_AROUND;
    /* If no data may be dirty, a write-back cache waits for every write, as write-through does. */
    if (strcmp(policy, "writethrough") == 0 || strcmp(value_of(list, "rbd_cache_max_dirty"), "0") == 0)
        return VDISK_CACHE_WRITE_THROUGH;
    return VDISK_CACHE_WRITE_BACK;
}

int vd_image_config_read(struct vd_image_config *config, rbd_image_t image)
{
    struct list list;
    int r = get_list(&list, image);

    if (r < 0)
        return r;
    *config = (struct vd_image_config){
        .cache_keeps_data =
            is_true(&list, "rbd_cache") && strcmp(value_of(&list, "rbd_cache_policy"), "writearound") != 0,
        .cache_mode = cache_mode(&list),
        .discard_granularity = discard_granularity(&list),
        /*
         * The image's own value can only switch copying on (ImageCtx::apply_metadata). So this may say
         * that librbd does not copy when it does, which is harmless. The opposite cannot happen.
         */
        .copies_writes = is_true(&list, "rbd_disable_zero_copy_writes"),
    };
    free_list(&list);
    return 0;
}
