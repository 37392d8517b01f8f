/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps all handles that callers have, closed ones too, so that it notices their use after closing. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_internal.h"

#define MAGIC 0x0b7ec7edu

static const char *const type_names[FAKE_TYPE_COUNT] = {
    [FAKE_CLIENT] = "cluster handle",
    [FAKE_IOCTX] = "ioctx",
    [FAKE_HANDLE] = "image",
    [FAKE_IMAGE_OPTIONS] = "image options",
};

static SLIST_HEAD(, fake_object) objects = SLIST_HEAD_INITIALIZER(objects);

void *fake_object_new(enum fake_type type, size_t size, const char *name)
{
    struct fake_object *object = fake_alloc(size);

    *object = (struct fake_object){.magic = MAGIC, .type = type, .name = fake_strdup(name)};
    SLIST_INSERT_HEAD(&objects, object, next);
    return object;
}

void *fake_object_get(enum fake_type type, void *pointer)
{
    struct fake_object *object = pointer;

    if (!object || object->magic != MAGIC || object->type != type)
        fake_abort("%p is no %s", pointer, type_names[type]);
    if (object->closed)
        fake_abort("the %s \"%s\" is closed", type_names[type], object->name);
    return object;
}

void fake_object_close(struct fake_object *object)
{
    object->closed = true;
}

void fake_text_add(struct fake_text *text, const char *format, ...)
{
    va_list arguments;
    int written;

    if (!text || text->length >= text->size)
        return;
    va_start(arguments, format);
    written = vsnprintf(text->text + text->length, text->size - text->length, format, arguments);
    va_end(arguments);
    text->length += (size_t)written;
}

size_t fake_objects_open(struct fake_text *text)
{
    const struct fake_object *object;
    size_t count = 0;

    SLIST_FOREACH(object, &objects, next)
    {
        if (object->closed)
            continue;
        fake_text_add(text, "%s \"%s\"; ", type_names[object->type], object->name);
        count++;
    }
    return count;
}

static void free_parts(struct fake_object *object)
{
    if (object->type == FAKE_CLIENT)
        fake_client_free((struct fake_client *)object);
    if (object->type == FAKE_IOCTX)
        fake_ioctx_free((struct fake_ioctx *)object);
    if (object->type == FAKE_HANDLE)
        fake_handle_free((struct fake_handle *)object);
}

void fake_objects_free(void)
{
    struct fake_object *object;

    while ((object = SLIST_FIRST(&objects))) {
        SLIST_REMOVE_HEAD(&objects, next);
        free_parts(object);
        free(object->name);
        free(object);
    }
}
