/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps the headers of images: the size, the flags and the snapshots. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

/* In Ceph the pool gives out the ids, and no id twice. */
static uint64_t last_id;

struct fake_header fake_header_copy(const struct fake_header *header)
{
    struct fake_header copy = *header;

    copy.snapshots = fake_alloc(header->count * sizeof *copy.snapshots);
    for (size_t i = 0; i < header->count; i++) {
        copy.snapshots[i] = header->snapshots[i];
        copy.snapshots[i].name = fake_strdup(header->snapshots[i].name);
        fake_store_keep(header->snapshots[i].store);
    }
    return copy;
}

static void free_snapshot(struct fake_snapshot *snapshot)
{
    free(snapshot->name);
    fake_store_drop(snapshot->store);
}

void fake_header_free(struct fake_header *header)
{
    for (size_t i = 0; i < header->count; i++)
        free_snapshot(&header->snapshots[i]);
    free(header->snapshots);
    *header = (struct fake_header){.size = header->size};
}

struct fake_snapshot *fake_header_find(const struct fake_header *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++) {
        struct fake_snapshot *snapshot = &header->snapshots[i];

        if (snapshot->type == RBD_SNAP_NAMESPACE_TYPE_USER && strcmp(snapshot->name, name) == 0)
            return snapshot;
    }
    return NULL;
}

struct fake_snapshot *fake_header_find_id(const struct fake_header *header, uint64_t id)
{
    for (size_t i = 0; i < header->count; i++) {
        if (header->snapshots[i].id == id)
            return &header->snapshots[i];
    }
    return NULL;
}

void fake_snapshot_add(struct fake_image *image, const char *name, rbd_snap_namespace_type_t type)
{
    struct fake_header *header = &image->header;

    header->snapshots = fake_resize_array(header->snapshots, header->count + 1, sizeof *header->snapshots);
    header->snapshots[header->count++] = (struct fake_snapshot){.id = ++last_id,
                                                                .size = header->size,
                                                                .flags = header->flags,
                                                                .name = fake_strdup(name),
                                                                .type = type,
                                                                .store = fake_store_clone(image->store)};
}

void fake_snapshot_drop(struct fake_image *image, struct fake_snapshot *snapshot)
{
    struct fake_header *header = &image->header;
    size_t index = (size_t)(snapshot - header->snapshots);

    free_snapshot(snapshot);
    header->count--;
    memmove(snapshot, snapshot + 1, (header->count - index) * sizeof *snapshot);
}

void fake_snapshot_to_trash(struct fake_snapshot *snapshot)
{
    char name[64];

    snprintf(name, sizeof name, "93d6ebab-e981-49c8-a620-%012" PRIx64, snapshot->id);
    free(snapshot->name);
    snapshot->name = fake_strdup(name);
    snapshot->type = RBD_SNAP_NAMESPACE_TYPE_TRASH;
}
