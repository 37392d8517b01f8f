/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "program.h"
#include "undo.h"

const char *base_name(const char *spec)
{
    return strrchr(spec, '/') + 1;
}

static const char *unique(const char *prefix)
{
    static unsigned int count;

    return text("%s-%ld-%u", prefix, (long)getpid(), count++);
}

/* Protected snapshots keep an image from being removed. */
static void remove_snapshots(const char *spec)
{
    struct reply list;

    run(&list, ARGV("rbd", "-c", conf_path(), "snap", "ls", spec, "--format", "json"));
    for (const char *at = list.out; (at = strstr(at, "\"name\":")); at++) {
        const char *name = json_string(at, "name");

        if (strstr(json_string(at, "protected"), "true"))
            RBD_STATUS("snap", "unprotect", text("%s@%s", spec, name));
    }
    free_reply(&list);
    RBD_STATUS("snap", "purge", spec);
}

static bool image_exists(const char *spec)
{
    struct reply list;
    const char *pool = text("%.*s", (int)(strrchr(spec, '/') - spec), spec);
    bool found;

    run(&list, ARGV("rbd", "-c", conf_path(), "ls", pool, "--format", "json"));
    found = strstr(list.out, text("\"%s\"", base_name(spec)));
    free_reply(&list);
    return found;
}

static void remove_image(void *thing)
{
    const char *spec = thing;

    if (!image_exists(spec))
        return;
    remove_snapshots(spec);
    RBD("rm", spec);
}

const char *new_image_in(const char *pool)
{
    const char *spec = text("%s/%s", pool, unique("image"));

    undo_later(remove_image, (void *)(uintptr_t)spec);
    return spec;
}

const char *new_image(void)
{
    return new_image_in("rbd");
}

static void remove_namespace(void *spec)
{
    RBD("namespace", "remove", spec);
}

const char *new_namespace(void)
{
    const char *spec = text("rbd/%s", unique("namespace"));

    RBD("namespace", "create", spec);
    undo_later(remove_namespace, (void *)(uintptr_t)spec);
    return spec;
}

static void remove_user(void *name)
{
    CEPH("auth", "del", name);
}

const char *new_user(const char *mon, const char *osd)
{
    const char *name = text("client.%s", unique("user"));

    CEPH("auth", "get-or-create", name, "mon", mon, "osd", osd);
    undo_later(remove_user, (void *)(uintptr_t)name);
    return name;
}

const char *qemu_name(const char *spec)
{
    char *escaped = calloc(2, strlen(conf_path()) + 1);
    char *to = escaped;

    assert_non_null(escaped);
    undo_later(free, escaped);
    for (const char *from = conf_path(); *from; from++) {
        if (strchr(":=@\\", *from))
            *to++ = '\\';
        *to++ = *from;
    }
    return text("rbd:%s:conf=%s", spec, escaped);
}
