/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stores bytes sparsely, in pages that clones share until they are written to. */
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define PAGE 4096u
#define FIRST_BUCKETS 64u

struct page {
    unsigned int references;
    unsigned char data[PAGE];
};

struct entry {
    struct entry *next;
    uint64_t index;
    struct page *page;
};

struct fake_store {
    unsigned int references;
    size_t count;
    /* This is a power of two. */
    size_t bucket_count;
    struct entry **buckets;
};

struct fake_store *fake_store_new(void)
{
    struct fake_store *store = fake_alloc(sizeof *store);

    store->references = 1;
    store->bucket_count = FIRST_BUCKETS;
    store->buckets = fake_alloc(store->bucket_count * sizeof *store->buckets);
    return store;
}

struct fake_store *fake_store_keep(struct fake_store *store)
{
    store->references++;
    return store;
}

static struct entry **bucket_of(const struct fake_store *store, uint64_t index)
{
    /* Fibonacci hashing spreads neighbours, and most indices are neighbours. */
    uint64_t hash = index * UINT64_C(0x9e3779b97f4a7c15);

    return &store->buckets[(hash >> 32) & (store->bucket_count - 1)];
}

static struct entry *find(const struct fake_store *store, uint64_t index)
{
    struct entry *entry = *bucket_of(store, index);

    while (entry && entry->index != index)
        entry = entry->next;
    return entry;
}

static void grow(struct fake_store *store)
{
    struct fake_store old = *store;

    store->bucket_count *= 2;
    store->buckets = fake_alloc(store->bucket_count * sizeof *store->buckets);
    for (size_t i = 0; i < old.bucket_count; i++) {
        while (old.buckets[i]) {
            struct entry *entry = old.buckets[i];
            struct entry **bucket = bucket_of(store, entry->index);

            old.buckets[i] = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    free(old.buckets);
}

/* The store takes over `page`. */
static struct entry *add(struct fake_store *store, uint64_t index, struct page *page)
{
    struct entry *entry = fake_alloc(sizeof *entry);
    struct entry **bucket;

    if (store->count == store->bucket_count)
        grow(store);
    bucket = bucket_of(store, index);
    *entry = (struct entry){.next = *bucket, .index = index, .page = page};
    *bucket = entry;
    store->count++;
    return entry;
}

static void drop_page(struct page *page)
{
    if (--page->references == 0)
        free(page);
}

static struct page *new_page(const struct page *content)
{
    struct page *page = fake_alloc(sizeof *page);

    if (content)
        *page = *content;
    page->references = 1;
    return page;
}

/* Returns the page to write to, which no clone shares. */
static unsigned char *own_page(struct fake_store *store, uint64_t index)
{
    struct entry *entry = find(store, index);

    if (!entry)
        entry = add(store, index, new_page(NULL));
    if (entry->page->references > 1) {
        struct page *copy = new_page(entry->page);

        drop_page(entry->page);
        entry->page = copy;
    }
    return entry->page->data;
}

struct fake_store *fake_store_clone(const struct fake_store *store)
{
    struct fake_store *clone = fake_store_new();

    for (size_t i = 0; i < store->bucket_count; i++) {
        for (const struct entry *entry = store->buckets[i]; entry; entry = entry->next) {
            entry->page->references++;
            add(clone, entry->index, entry->page);
        }
    }
    return clone;
}

static void remove_from(struct fake_store *store, uint64_t first_index)
{
    for (size_t i = 0; i < store->bucket_count; i++) {
        struct entry **link = &store->buckets[i];

        while (*link) {
            struct entry *entry = *link;

            if (entry->index < first_index) {
                link = &entry->next;
                continue;
            }
            *link = entry->next;
            drop_page(entry->page);
            free(entry);
            store->count--;
        }
    }
}

void fake_store_drop(struct fake_store *store)
{
    if (!store || --store->references > 0)
        return;
    remove_from(store, 0);
    free(store->buckets);
    free(store);
}

/* Returns how many of `length` bytes at `offset` lie in the first page. */
static size_t in_page(uint64_t offset, size_t length)
{
    size_t left = PAGE - (size_t)(offset % PAGE);

    return length < left ? length : left;
}

void fake_store_read(const struct fake_store *store, uint64_t offset, void *data, size_t length)
{
    unsigned char *to = data;

    while (length > 0) {
        size_t part = in_page(offset, length);
        const struct entry *entry = find(store, offset / PAGE);

        if (entry)
            memcpy(to, entry->page->data + offset % PAGE, part);
        else
            memset(to, 0, part);
        to += part;
        offset += part;
        length -= part;
    }
}

void fake_store_write(struct fake_store *store, uint64_t offset, const void *data, size_t length)
{
    const unsigned char *from = data;

    while (length > 0) {
        size_t part = in_page(offset, length);

        memcpy(own_page(store, offset / PAGE) + offset % PAGE, from, part);
        from += part;
        offset += part;
        length -= part;
    }
}

static void drop_entry(struct fake_store *store, uint64_t index)
{
    struct entry **link = bucket_of(store, index);

    while (*link && (*link)->index != index)
        link = &(*link)->next;
    if (*link) {
        struct entry *entry = *link;

        *link = entry->next;
        drop_page(entry->page);
        free(entry);
        store->count--;
    }
}

void fake_store_zero(struct fake_store *store, uint64_t offset, uint64_t length)
{
    while (length > 0) {
        uint64_t left = PAGE - offset % PAGE;
        uint64_t part = length < left ? length : left;

        if (part == PAGE)
            drop_entry(store, offset / PAGE);
        else if (find(store, offset / PAGE))
            memset(own_page(store, offset / PAGE) + offset % PAGE, 0, part);
        offset += part;
        length -= part;
    }
}

void fake_store_truncate(struct fake_store *store, uint64_t size)
{
    size_t kept = (size_t)(size % PAGE);

    remove_from(store, size / PAGE + (kept > 0));
    if (kept > 0 && find(store, size / PAGE))
        memset(own_page(store, size / PAGE) + kept, 0, PAGE - kept);
}

const void *fake_store_page(const struct fake_store *store, uint64_t index)
{
    const struct entry *entry = find(store, index);

    return entry ? entry->page : NULL;
}

size_t fake_store_pages(const struct fake_store *store)
{
    return store->count;
}
