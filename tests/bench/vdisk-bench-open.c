/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens many disks: through a queue, sharing connections, and one after the other with a connection each; and tells how
 * long that takes, and what it costs in threads and memory. Each way has a process of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vdisk/vdisk.h>

#define IMAGE_SIZE (UINT64_C(16) << 20)
#define MAX_COUNT 4096

struct job {
    const char *conf;
    const char *pool;
    unsigned int count;
};

struct way {
    const char *name;
    unsigned int disks_per_connection;
    bool in_a_row;
};

struct cost {
    double seconds;
    double closing_seconds;
    long threads;
    long resident_kib;
};

static _Noreturn void fail(const char *what, const char *reason)
{
    fprintf(stderr, "vdisk-bench-open: %s: %s\n", what, reason);
    exit(1);
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A number of /proc/self/status. */
static long own_status(const char *key)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long value = -1;

    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, 10);
    }
    if (file)
        fclose(file);
    return value;
}

/* A connection has a dozen of them. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        fail("getrlimit", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        fail("setrlimit", strerror(errno));
}

static struct vdisk_uri *image_uri(const struct job *job, unsigned int number)
{
    struct vdisk_uri *uri;
    struct vdisk_error err;
    char name[32];

    snprintf(name, sizeof name, "bench-open-%u", number);
    if (vdisk_uri_new(&uri, job->pool, NULL, name, NULL, &err) < 0)
        fail("vdisk_uri_new", err.message);
    return uri;
}

static struct vdisk_open_options options_of(const struct job *job, unsigned int disks_per_connection)
{
    struct vdisk_open_options options;

    vdisk_open_options_init(&options, sizeof options);
    options.conf = job->conf;
    options.disks_per_connection = disks_per_connection;
    return options;
}

static struct vdisk_queue *new_queue(void)
{
    struct vdisk_queue_options options;
    struct vdisk_queue *queue;
    struct vdisk_error err;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = MAX_COUNT;
    if (vdisk_queue_create(&queue, &options, &err) < 0)
        fail("vdisk_queue_create", err.message);
    return queue;
}

/* Waits for `count` completions; `tolerated` is no failure. */
static void reap(struct vdisk_queue *queue, unsigned int count, int tolerated)
{
    struct vdisk_completion completion;
    struct vdisk_error err;

    for (unsigned int i = 0; i < count; i++) {
        vdisk_queue_wait(queue, &completion, 1, 1, -1);
        if (completion.result < 0 && completion.result != tolerated) {
            vdisk_queue_error(queue, &completion, &err);
            fail("an image", err.message);
        }
    }
}

/* Images. */

static void change_images(const struct job *job, bool make)
{
    struct vdisk_open_options options = options_of(job, 0);
    struct vdisk_queue *queue = new_queue();
    struct vdisk_error err;

    for (unsigned int i = 0; i < job->count; i++) {
        struct vdisk_uri *uri = image_uri(job, i);
        int r = make ? vdisk_aio_create(queue, uri, IMAGE_SIZE, NULL, &options, 0, NULL, &err)
                     : vdisk_aio_remove(queue, uri, &options, 0, NULL, &err);

        if (r < 0)
            fail("an image", err.message);
        vdisk_uri_free(uri);
    }
    reap(queue, job->count, make ? -EEXIST : -ENOENT);
    vdisk_queue_destroy(queue);
}

/* Disks. */

static void open_in_a_row(const struct job *job, const struct vdisk_open_options *options, struct vdisk **disks)
{
    struct vdisk_error err;

    for (unsigned int i = 0; i < job->count; i++) {
        struct vdisk_uri *uri = image_uri(job, i);

        if (vdisk_open(&disks[i], uri, options, &err) < 0)
            fail("vdisk_open", err.message);
        vdisk_uri_free(uri);
    }
}

static void open_by_queue(const struct job *job, const struct vdisk_open_options *options, struct vdisk **disks)
{
    struct vdisk_queue *queue = new_queue();
    struct vdisk_error err;

    for (unsigned int i = 0; i < job->count; i++) {
        struct vdisk_uri *uri = image_uri(job, i);

        if (vdisk_aio_open(queue, &disks[i], uri, options, 0, NULL, &err) < 0)
            fail("vdisk_aio_open", err.message);
        vdisk_uri_free(uri);
    }
    reap(queue, job->count, 0);
    vdisk_queue_destroy(queue);
}

static void close_by_queue(const struct job *job, struct vdisk **disks)
{
    struct vdisk_queue *queue = new_queue();
    struct vdisk_error err;

    for (unsigned int i = 0; i < job->count; i++) {
        if (vdisk_aio_close(queue, disks[i], -1, 0, NULL, &err) < 0)
            fail("vdisk_aio_close", err.message);
    }
    reap(queue, job->count, 0);
    vdisk_queue_destroy(queue);
}

static struct cost measure(const struct job *job, const struct way *way)
{
    struct vdisk_open_options options = options_of(job, way->disks_per_connection);
    static struct vdisk *disks[MAX_COUNT];
    struct cost cost;
    double start = now();

    if (way->in_a_row)
        open_in_a_row(job, &options, disks);
    else
        open_by_queue(job, &options, disks);
    cost.seconds = now() - start;
    cost.threads = own_status("Threads:");
    cost.resident_kib = own_status("VmRSS:");
    start = now();
    close_by_queue(job, disks);
    cost.closing_seconds = now() - start;
    return cost;
}

/* Forked before anything of Ceph's is there. */
static struct cost measure_apart(const struct job *job, const struct way *way)
{
    struct cost cost;
    int ends[2], status;
    pid_t child;

    if (pipe(ends) < 0)
        fail("pipe", strerror(errno));
    child = fork();
    if (child < 0)
        fail("fork", strerror(errno));
    if (child == 0) {
        cost = measure(job, way);
        _exit(write(ends[1], &cost, sizeof cost) == sizeof cost ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &cost, sizeof cost) != sizeof cost || waitpid(child, &status, 0) < 0 || status != 0)
        fail(way->name, "failed");
    close(ends[0]);
    return cost;
}

static void in_child(const struct job *job, bool make)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        change_images(job, make);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
        fail(make ? "making the images" : "removing the images", "failed");
}

static void compare(const struct job *job)
{
    static const struct way ways[] = {{"in a row, one connection each", 1, true},
                                      {"queue, one connection each", 1, false},
                                      {"queue, 8 disks per connection", 8, false},
                                      {"queue, 16 disks per connection", 16, false},
                                      {"queue, 64 disks per connection", 64, false}};
    double first = 0;

    printf("%u disks\n%-32s %9s %9s %8s %9s %9s\n", job->count, "", "open s", "of first", "threads", "RSS MiB",
           "close s");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct cost cost = measure_apart(job, &ways[i]);

        if (i == 0)
            first = cost.seconds;
        printf("%-32s %9.2f %9.3f %8ld %9.1f %9.2f\n", ways[i].name, cost.seconds, cost.seconds / first, cost.threads,
               (double)cost.resident_kib / 1024, cost.closing_seconds);
        fflush(stdout);
    }
}

static _Noreturn void usage(int status)
{
    fprintf(status ? stderr : stdout, "Usage: vdisk-bench-open [options] CONF\n"
                                      "Opens many disks of pool \"rbd\", and tells what that costs.\n"
                                      "  -n COUNT    how many (256)\n");
    exit(status);
}

int main(int argc, char **argv)
{
    struct job job = {.pool = "rbd", .count = 256};
    int c;

    while ((c = getopt(argc, argv, "n:h")) != -1) {
        if (c == 'h')
            usage(0);
        if (c != 'n')
            usage(2);
        job.count = (unsigned int)strtoul(optarg, NULL, 10);
    }
    if (argc - optind != 1 || job.count == 0 || job.count > MAX_COUNT)
        usage(2);
    job.conf = argv[optind];
    raise_descriptor_limit();
    in_child(&job, true);
    compare(&job);
    in_child(&job, false);
    return 0;
}
