/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* What is to be undone. */

struct made {
    void (*undo)(void *thing);
    void *thing;
};

static struct made *made;
static size_t made_count, made_room;

void undo_later(void (*undo)(void *thing), void *thing)
{
    if (made_count == made_room) {
        made_room = made_room ? 2 * made_room : 64;
        made = realloc(made, made_room * sizeof *made);
        assert_non_null(made);
    }
    made[made_count++] = (struct made){undo, thing};
}

void forget(const void *thing)
{
    size_t i = made_count;

    while (i > 0 && made[i - 1].thing != thing)
        i--;
    assert_true(i > 0);
    memmove(&made[i - 1], &made[i], (made_count - i) * sizeof *made);
    made_count--;
}

int clean_up(void **state)
{
    (void)state;
    while (made_count > 0) {
        struct made last = made[--made_count];

        last.undo(last.thing);
    }
    free(made);
    made = NULL;
    made_room = 0;
    return 0;
}

const char *text(const char *format, ...)
{
    va_list arguments;
    char *result;
    int r;

    va_start(arguments, format);
    r = vasprintf(&result, format, arguments);
    va_end(arguments);
    assert_true(r >= 0);
    undo_later(free, result);
    return result;
}

/* The cluster. */

static char *used_cluster;

const char *cluster_dir(void)
{
    return used_cluster;
}

void use_cluster(const char *dir)
{
    free(used_cluster);
    used_cluster = strdup(dir);
    assert_non_null(used_cluster);
}

const char *conf_path(void)
{
    static char path[4096];

    assert_true((size_t)snprintf(path, sizeof path, "%s/ceph.conf", used_cluster) < sizeof path);
    return path;
}

int set_up(void **state)
{
    const char *dir = getenv("VDISK_TEST_CLUSTER");

    (void)state;
    /* They would point the tools, or the library, at another cluster. */
    unsetenv("CEPH_ARGS");
    unsetenv("CEPH_CONF");
    unsetenv("CEPH_KEYRING");
    if (!dir) {
        print_error("VDISK_TEST_CLUSTER does not name a cluster's directory.\n");
        return -1;
    }
    use_cluster(dir);
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    free(used_cluster);
    used_cluster = NULL;
    return 0;
}

/* Programs. */

/* Everything the file holds, and a NUL. */
static char *read_all(int fd, size_t *size)
{
    struct stat status;
    char *data;
    ssize_t got = 0;

    assert_int_equal(fstat(fd, &status), 0);
    data = malloc((size_t)status.st_size + 1);
    assert_non_null(data);
    for (*size = 0; *size < (size_t)status.st_size; *size += (size_t)got) {
        got = pread(fd, data + *size, (size_t)status.st_size - *size, (off_t)*size);
        assert_true(got > 0);
    }
    data[*size] = '\0';
    return data;
}

/* A program that hangs is killed, so that the test fails instead of hanging too. */
static pid_t spawn(const char *const argv[], int out, int err)
{
    const char *words[64] = {"timeout", "-k", "5", "300"};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int r;

    for (size_t i = 0; argv[i]; i++) {
        assert_true(i + 5 < sizeof words / sizeof *words);
        words[i + 4] = argv[i];
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    r = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(r, 0);
    return pid;
}

void run(struct reply *reply, const char *const argv[])
{
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    size_t ignored;
    pid_t pid;

    assert_true(out >= 0 && err >= 0);
    pid = spawn(argv, out, err);
    while (waitpid(pid, &reply->status, 0) < 0)
        assert_int_equal(errno, EINTR);
    reply->status = WIFEXITED(reply->status) ? WEXITSTATUS(reply->status) : 128 + WTERMSIG(reply->status);
    reply->out = read_all(out, &reply->size);
    reply->err = read_all(err, &ignored);
    close(out);
    close(err);
}

void free_reply(struct reply *reply)
{
    free(reply->out);
    free(reply->err);
}

int status_of(const char *const argv[])
{
    struct reply reply;

    run(&reply, argv);
    free_reply(&reply);
    return reply.status;
}

static void print_command(const char *const argv[])
{
    for (size_t i = 0; argv[i]; i++)
        print_error("%s ", argv[i]);
    print_error("\n");
}

static void require_success(struct reply *reply, const char *const argv[])
{
    run(reply, argv);
    if (reply->status == 0)
        return;
    print_command(argv);
    fail_msg("it exits with %d and says: %s", reply->status, reply->err);
}

void succeed(const char *const argv[])
{
    struct reply reply;

    require_success(&reply, argv);
    free_reply(&reply);
}

char *output(const char *const argv[])
{
    struct reply reply;

    require_success(&reply, argv);
    free(reply.err);
    return reply.out;
}

/* Names. */

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

/* Files. */

static char *temp_dir;

static void remove_temp_dir(void *dir)
{
    temp_dir = NULL;
    succeed(ARGV("rm", "-rf", dir));
    free(dir);
}

const char *temp_path(const char *name)
{
    if (!temp_dir) {
        char *dir;

        assert_true(asprintf(&dir, "%s/vdisk-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") >= 0);
        assert_non_null(mkdtemp(dir));
        temp_dir = dir;
        undo_later(remove_temp_dir, dir);
    }
    return text("%s/%s", temp_dir, name);
}

const char *write_file(const char *name, const void *data, size_t size)
{
    const char *path = temp_path(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

unsigned char *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data;

    assert_true(fd >= 0);
    data = read_all(fd, size);
    close(fd);
    return (unsigned char *)data;
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

/* JSON. */

static const char *json_value(const char *json, const char *key)
{
    const char *quoted = text("\"%s\":", key);
    const char *found = strstr(json, quoted);

    if (!found)
        fail_msg("there is no %s in %s", quoted, json);
    return found + strlen(quoted);
}

uint64_t json_number(const char *json, const char *key)
{
    return strtoull(json_value(json, key), NULL, 10);
}

const char *json_string(const char *json, const char *key)
{
    const char *value = json_value(json, key);
    const char *start = value + (*value == '"');

    return text("%.*s", (int)strcspn(start, *value == '"' ? "\"" : ",}"), start);
}

/* Disks. */

void assert_done(int result, const struct vdisk_error *err)
{
    if (result != 0)
        fail_msg("it fails with %d: %s", result, err->message);
    assert_int_equal(err->code, 0);
    assert_string_equal(err->message, "");
}

void assert_failed(int result, int code, const struct vdisk_error *err, const char *const fragments[])
{
    if (result != code)
        fail_msg("the result is %d instead of %d: %s", result, code, err->message);
    assert_int_equal(err->code, code);
    for (size_t i = 0; fragments[i]; i++) {
        if (!strstr(err->message, fragments[i]))
            fail_msg("'%s' does not stand in: %s", fragments[i], err->message);
    }
}

static void close_leftover(void *disk)
{
    vdisk_close(disk, NULL);
}

struct vdisk_open_options default_options(uint32_t flags)
{
    struct vdisk_open_options options;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    options.conf = conf_path();
    return options;
}

struct vdisk *open_disk_with(const char *spec, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    assert_done(vdisk_open_uri(&disk, text("rbd:%s", spec), options, &err), &err);
    assert_non_null(disk);
    undo_later(close_leftover, disk);
    return disk;
}

struct vdisk *open_disk(const char *spec, uint32_t flags)
{
    struct vdisk_open_options options = default_options(flags);

    return open_disk_with(spec, &options);
}

struct vdisk *open_write_back(const char *spec)
{
    static const struct vdisk_option write_back[] = {
        {"rbd_cache", "true"},
        {"rbd_cache_policy", "writeback"},
        {"rbd_cache_writethrough_until_flush", "false"},
        {"rbd_cache_max_dirty_age", "3600"},
    };
    struct vdisk_open_options options = default_options(0);

    options.options = write_back;
    options.option_count = sizeof write_back / sizeof *write_back;
    return open_disk_with(spec, &options);
}

void close_disk(struct vdisk *disk)
{
    struct vdisk_error err;

    forget(disk);
    assert_done(vdisk_close(disk, &err), &err);
}

void create_image(const char *spec, uint64_t size, uint64_t object_size)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_create_options create;
    struct vdisk_error err;
    struct vdisk_uri *uri;

    vdisk_create_options_init(&create, sizeof create);
    create.object_size = object_size;
    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", spec), &err), &err);
    assert_done(vdisk_create(uri, size, &create, &connect, &err), &err);
    vdisk_uri_free(uri);
}

/* Bytes. */

/* xorshift64*: small, and the same everywhere, so that a seed tells the whole story. */
uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void fill(unsigned char *data, size_t size, uint64_t seed)
{
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t random = next_random(&state);

        memcpy(data + i, &random, size - i < sizeof random ? size - i : sizeof random);
    }
}

unsigned char *pattern(size_t size, uint64_t seed)
{
    unsigned char *data = malloc(size);

    assert_non_null(data);
    fill(data, size, seed);
    return data;
}

void assert_bytes(const unsigned char *actual, const unsigned char *expected, size_t size, const char *what)
{
    size_t at = 0;

    if (memcmp(actual, expected, size) == 0)
        return;
    while (actual[at] == expected[at])
        at++;
    fail_msg("%s: byte %zu of %zu is 0x%02x instead of 0x%02x", what, at, size, actual[at], expected[at]);
}

void assert_rbd_exports(const char *spec, const unsigned char *data, size_t size)
{
    struct reply reply;

    require_success(&reply, ARGV("rbd", "-c", conf_path(), "export", spec, "-"));
    assert_int_equal(reply.size, size);
    assert_bytes((unsigned char *)reply.out, data, size, "rbd export");
    free_reply(&reply);
}

void assert_qemu_converts(const char *spec, const unsigned char *data, size_t size)
{
    const char *path = temp_path("converted");
    unsigned char *converted;
    size_t converted_size;

    succeed(ARGV("qemu-img", "convert", "-f", "raw", "-O", "raw", qemu_name(spec), path));
    converted = read_file(path, &converted_size);
    assert_int_equal(converted_size, size);
    assert_bytes(converted, data, size, "qemu-img convert");
    free(converted);
}

void assert_disk_holds(struct vdisk *disk, const unsigned char *data, size_t size)
{
    unsigned char *read = pattern(size, UINT64_MAX - 1);
    struct vdisk_error err;

    assert_int_equal(vdisk_get_size(disk), size);
    assert_done(vdisk_pread(disk, read, size, 0, 0, &err), &err);
    assert_bytes(read, data, size, "vdisk_pread");
    free(read);
}

void import_image(const char *spec, const unsigned char *data, size_t size, const char *const options[])
{
    const char *words[24] = {"rbd", "-c", conf_path(), "import"};
    size_t count = 4;

    words[count++] = write_file("imported", data, size);
    words[count++] = spec;
    for (size_t i = 0; options && options[i]; i++) {
        assert_true(count + 1 < sizeof words / sizeof *words);
        words[count++] = options[i];
    }
    succeed(words);
}

/* Waiting. */

void wait_until(bool (*is_so)(void *arg), void *arg, const char *what)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    for (int waited = 0; !is_so(arg); waited += 5) {
        if (waited > PATIENCE_MS)
            fail_msg("it never comes to pass that %s", what);
        nanosleep(&pause, NULL);
    }
}

struct sized {
    const struct vdisk *disk;
    uint64_t size;
};

static bool has_size(void *arg)
{
    const struct sized *sized = arg;

    return vdisk_get_size(sized->disk) == sized->size;
}

void wait_for_size(struct vdisk *disk, uint64_t size)
{
    struct sized sized = {disk, size};

    wait_until(has_size, &sized, text("vdisk_get_size says %" PRIu64, size));
}

struct vdisk_queue *new_queue(unsigned int depth)
{
    struct vdisk_queue_options options;
    struct vdisk_queue *queue;
    struct vdisk_error err;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = depth;
    assert_done(vdisk_queue_create(&queue, &options, &err), &err);
    return queue;
}

struct vdisk_completion wait_one(struct vdisk_queue *queue)
{
    struct vdisk_completion completion;

    assert_int_equal(vdisk_queue_wait(queue, &completion, 1, 1, PATIENCE_MS), 1);
    return completion;
}
