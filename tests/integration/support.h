/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests on a real cluster share: names for what they make, the tools of Ceph and QEMU as independent
 * witnesses, and the removal of what was made.
 *
 * Functions that can fail fail the test, so they belong on the test's main thread.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <vdisk/vdisk.h>

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

/* How long a test waits for what has to happen before it gives up, in milliseconds. */
#define PATIENCE_MS 120000

/* Of the group: takes, and lets go of, the cluster of VDISK_TEST_CLUSTER. */
int set_up(void **state);
int tear_down(void **state);
/* Of each test: undoes what it has made, the last first. */
int clean_up(void **state);
#define TEST(function) cmocka_unit_test_teardown(function, clean_up)

/* The directory of the cluster in use and its ceph.conf. */
const char *cluster_dir(void);
const char *conf_path(void);
void use_cluster(const char *dir);

/* Has undo(thing) called by clean_up. forget: it is not needed any more. */
void undo_later(void (*undo)(void *thing), void *thing);
void forget(const void *thing);

/* Text as by printf, freed by clean_up. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Names in the pool "rbd" that nobody else has; what clean_up finds by them it removes. */
const char *new_image(void);            /* rbd/IMAGE */
const char *new_image_in(const char *); /* POOL/NAMESPACE/IMAGE, in a namespace from below */
const char *new_namespace(void);        /* rbd/NAMESPACE, which is made */
/* "client." and a name, with these capabilities. */
const char *new_user(const char *mon, const char *osd);
/* The last part of such a name. */
const char *base_name(const char *spec);

/* A path in the test's own folder, which clean_up removes. */
const char *temp_path(const char *name);
const char *write_file(const char *name, const void *data, size_t size);
unsigned char *read_file(const char *path, size_t *size);

/* Runs a program to its end. What it printed is NUL-terminated; free_reply frees it. */
struct reply {
    int status;
    size_t size;
    char *out;
    char *err;
};
void run(struct reply *reply, const char *const argv[]);
void free_reply(struct reply *reply);
/* As run, but the program must succeed. output returns what it printed, to be freed. */
void succeed(const char *const argv[]);
char *output(const char *const argv[]);

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define RBD(...) succeed(ARGV("rbd", "-c", conf_path(), __VA_ARGS__))
#define RBD_OUTPUT(...) output(ARGV("rbd", "-c", conf_path(), __VA_ARGS__))
#define RBD_STATUS(...) status_of(ARGV("rbd", "-c", conf_path(), __VA_ARGS__))
#define CEPH(...) succeed(ARGV("ceph", "-c", conf_path(), __VA_ARGS__))
#define CEPH_OUTPUT(...) output(ARGV("ceph", "-c", conf_path(), __VA_ARGS__))
int status_of(const char *const argv[]);

/* The image for QEMU's tools: its own URI syntax, which differs from libvdisk's in corners. */
const char *qemu_name(const char *spec);

/* The first number, string or true/false that `key` has in a JSON text of Ceph's. */
uint64_t json_number(const char *json, const char *key);
const char *json_string(const char *json, const char *key);

/* Opens rbd/IMAGE[@SNAPSHOT] with the cluster's conf; clean_up closes it unless close_disk has. */
struct vdisk *open_disk(const char *spec, uint32_t flags);
struct vdisk *open_disk_with(const char *spec, const struct vdisk_open_options *options);
/* With a cache that keeps writes back until it is flushed. */
struct vdisk *open_write_back(const char *spec);
void close_disk(struct vdisk *disk);
struct vdisk_open_options default_options(uint32_t flags);
/* vdisk_create with the cluster's conf; object_size 0: the default. */
void create_image(const char *spec, uint64_t size, uint64_t object_size);
/* Of calls that must succeed, or must fail with `code` and a sentence that holds all of the following texts. */
void assert_done(int result, const struct vdisk_error *err);
void assert_failed(int result, int code, const struct vdisk_error *err, const char *const fragments[]);
#define FRAGMENTS(...) ARGV(__VA_ARGS__)

/* Bytes that no two offsets, or seeds, have in common for long. To be freed. */
unsigned char *pattern(size_t size, uint64_t seed);
void fill(unsigned char *data, size_t size, uint64_t seed);
uint64_t next_random(uint64_t *state);
void assert_bytes(const unsigned char *actual, const unsigned char *expected, size_t size, const char *what);

/* What `rbd export`, and `qemu-img convert`, read is `data`; and the image has this size. */
void assert_rbd_exports(const char *spec, const unsigned char *data, size_t size);
void assert_qemu_converts(const char *spec, const unsigned char *data, size_t size);
/* What vdisk_pread reads of the whole disk is `data`. */
void assert_disk_holds(struct vdisk *disk, const unsigned char *data, size_t size);
/* Has `rbd import` make the image. `options` may be NULL. */
void import_image(const char *spec, const unsigned char *data, size_t size, const char *const options[]);

/* Asks every few milliseconds until it is so. */
void wait_until(bool (*is_so)(void *arg), void *arg, const char *what);
void wait_for_size(struct vdisk *disk, uint64_t size);

struct vdisk_queue *new_queue(unsigned int depth);
/* Waits for one completion. */
struct vdisk_completion wait_one(struct vdisk_queue *queue);

#endif
