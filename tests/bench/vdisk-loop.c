/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event loop on one thread that has one place to sleep, its poll, while disks are opened, flattened, snapshotted and
 * closed through its queue, and requests go on all the while. It tells for each phase what it did and how often and how
 * long it was elsewhere; trace-loop looks at its system calls.
 *
 * usage: vdisk-loop CONF IMAGE CLONE OTHER [--wait]
 * IMAGE bears the load, CLONE is flattened, OTHER opened and closed. --wait: says its thread's id, then waits for a
 * line.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <vdisk/vdisk.h>

#include "usage.h"

#define DEPTH 16
#define BLOCK 4096
#define ROUNDS 10
#define LOAD_NS INT64_C(1000000000)

/* A request of the load, over and over. */
struct slot {
    char data[BLOCK];
};

/* A control operation, one at a time. */
struct operation {
    bool done;
    unsigned int reports;
    struct vdisk *disk;
};

static const char *conf;
static struct vdisk_queue *queue;
static struct slot slots[DEPTH];
static struct operation operation;

/* The load: it goes on while there is a disk for it. */
static struct vdisk *load_disk;
static uint64_t load_blocks;
static unsigned int in_flight;
static uint64_t random_state = 1;

/* The phase that is on. */
static struct {
    const char *name;
    int64_t start;
    uint64_t turns;
    uint64_t requests;
    uint64_t reports;
    int64_t longest_away;
    int64_t longest_sleep;
    long sleeps;
} phase;

/* What a thread's time goes to, in nanoseconds. What is left of `now` it sleeps. */
struct times {
    int64_t now;
    int64_t running;
    /* It could run, but others did. */
    int64_t preempted;
    long sleeps;
};

/* When the loop came out of its poll the last time. */
static struct times out;
static int schedstat;

static void check(const char *what, int r, const struct vdisk_error *err)
{
    if (r >= 0)
        return;
    fprintf(stderr, "vdisk-loop: %s: %s\n", what, err && err->message[0] ? err->message : strerror(-r));
    exit(1);
}

/* Phases. The name of the thread tells who traces it which one is on. */

static void begin_phase(const char *name)
{
    prctl(PR_SET_NAME, name);
    memset(&phase, 0, sizeof phase);
    phase.name = name;
    phase.start = usage_now_ns();
}

static void end_phase(void)
{
    printf("{\"phase\": \"%s\", \"seconds\": %.3f, \"turns\": %" PRIu64 ", \"requests\": %" PRIu64
           ", \"reports\": %" PRIu64 ", \"longest_away_us\": %.0f, \"sleeps_elsewhere\": %ld, "
           "\"longest_sleep_us\": %.0f}\n",
           phase.name, (double)(usage_now_ns() - phase.start) / 1e9, phase.turns, phase.requests, phase.reports,
           (double)phase.longest_away / 1e3, phase.sleeps, (double)phase.longest_sleep / 1e3);
}

static struct times times_now(void)
{
    struct timespec running;
    struct rusage usage;
    char text[128] = "";
    uint64_t ran = 0, preempted = 0;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &running);
    if (pread(schedstat, text, sizeof text - 1, 0) < 0 || sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &preempted) != 2)
        check("/proc/thread-self/schedstat", -EIO, NULL);
    getrusage(RUSAGE_THREAD, &usage);
    return (struct times){
        .now = usage_now_ns(),
        .running = (int64_t)running.tv_sec * 1000000000 + running.tv_nsec,
        .preempted = (int64_t)preempted,
        .sleeps = usage.ru_nvcsw,
    };
}

static void note_longest(int64_t *longest, int64_t time)
{
    if (*longest < time)
        *longest = time;
}

static void note_in(void)
{
    struct times in = times_now();
    int64_t away = in.now - out.now;

    phase.turns++;
    phase.sleeps += in.sleeps - out.sleeps;
    note_longest(&phase.longest_away, away);
    note_longest(&phase.longest_sleep, away - (in.running - out.running) - (in.preempted - out.preempted));
}

/* The load. */

static uint64_t random_number(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 33;
}

static void submit_slot(struct slot *slot)
{
    struct iovec iov = {slot->data, BLOCK};
    uint64_t offset = random_number() % load_blocks * BLOCK;
    int r = random_number() % 2 ? vdisk_aio_readv(queue, load_disk, &iov, 1, offset, 0, slot)
                                : vdisk_aio_writev(queue, load_disk, &iov, 1, offset, 0, slot);

    check("submitting a request", r, NULL);
    in_flight++;
}

static void start_load(struct vdisk *disk)
{
    load_disk = disk;
    load_blocks = vdisk_get_size(disk) / BLOCK;
    for (unsigned int i = 0; i < DEPTH; i++)
        submit_slot(&slots[i]);
}

/* The loop. */

static bool is_slot(const void *user_data)
{
    return (const char *)user_data >= (const char *)slots && (const char *)user_data < (const char *)(slots + DEPTH);
}

static void request_done(const struct vdisk_completion *done)
{
    check("a request", done->result, NULL);
    in_flight--;
    phase.requests++;
    if (load_disk)
        submit_slot(done->user_data);
}

static void operation_done(const struct vdisk_completion *done)
{
    struct vdisk_error err;

    vdisk_queue_error(queue, done, &err);
    check(phase.name, done->result, &err);
    if (done->flags & VDISK_COMPLETION_MORE) {
        phase.reports++;
        return;
    }
    operation.done = true;
    if (done->disk)
        operation.disk = done->disk;
}

static void turn(void)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};
    struct vdisk_completion done[64];
    int count;

    note_in();
    poll(&ready, 1, -1);
    out = times_now();
    count = vdisk_queue_reap(queue, done, 64);
    check("reaping", count, NULL);
    for (int i = 0; i < count; i++) {
        if (is_slot(done[i].user_data))
            request_done(&done[i]);
        else
            operation_done(&done[i]);
    }
}

static void go_on_until_done(int r, const struct vdisk_error *err)
{
    check(phase.name, r, err);
    operation.done = false;
    while (!operation.done)
        turn();
}

static struct vdisk *open_image(const char *image)
{
    struct vdisk_open_options options;
    struct vdisk_error err;
    struct vdisk_uri *uri;
    int r = vdisk_uri_new(&uri, "rbd", NULL, image, NULL, &err);

    check(image, r, &err);
    vdisk_open_options_init(&options, sizeof options);
    options.conf = conf;
    r = vdisk_aio_open(queue, &operation.disk, uri, &options, 0, &operation, &err);
    vdisk_uri_free(uri);
    go_on_until_done(r, &err);
    return operation.disk;
}

static void close_image(struct vdisk *disk)
{
    struct vdisk_error err;
    int r = vdisk_aio_close(queue, disk, -1, 0, &operation, &err);

    go_on_until_done(r, &err);
}

/* What it does. */

static void run_load(void)
{
    begin_phase("load alone");
    while (usage_now_ns() - phase.start < LOAD_NS)
        turn();
    end_phase();
}

static void run_flatten(const char *image)
{
    struct vdisk_error err;
    struct vdisk *clone;
    int r;

    begin_phase("flatten");
    clone = open_image(image);
    r = vdisk_aio_flatten(queue, clone, VDISK_AIO_PROGRESS, &operation, &err);
    go_on_until_done(r, &err);
    close_image(clone);
    end_phase();
}

static void run_snapshots(void)
{
    begin_phase("snapshots");
    for (int i = 0; i < ROUNDS; i++) {
        struct vdisk_error err;
        char name[32];

        snprintf(name, sizeof name, "loop-%d", i);
        go_on_until_done(vdisk_aio_snapshot_create(queue, load_disk, name, 0, &operation, &err), &err);
    }
    end_phase();
}

static void run_opening(const char *image)
{
    begin_phase("open and close");
    for (int i = 0; i < ROUNDS; i++)
        close_image(open_image(image));
    end_phase();
}

static void run(const char *image, const char *clone, const char *other)
{
    begin_phase("open");
    start_load(open_image(image));
    end_phase();
    run_load();
    run_flatten(clone);
    run_snapshots();
    run_opening(other);
    begin_phase("close");
    operation.disk = load_disk;
    load_disk = NULL;
    while (in_flight > 0)
        turn();
    close_image(operation.disk);
    end_phase();
}

int main(int argc, char **argv)
{
    struct vdisk_error err;

    if (argc < 5) {
        fprintf(stderr, "usage: vdisk-loop CONF IMAGE CLONE OTHER [--wait]\n");
        return 2;
    }
    conf = argv[1];
    check("the queue", vdisk_queue_create(&queue, NULL, &err), &err);
    if (argc > 5) {
        printf("%d\n", (int)gettid());
        fflush(stdout);
        while (getchar() != '\n')
            continue;
    }
    schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    out = times_now();
    run(argv[2], argv[3], argv[4]);
    check("destroying the queue", vdisk_queue_destroy(queue), NULL);
    return 0;
}
