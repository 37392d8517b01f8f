/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests what opening does to the process: to its signals, threads and descriptors. */
#include "openings.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Calls visit(tid) for every thread but this one. */
static void for_other_threads(void (*visit)(const char *tid))
{
    DIR *tasks = opendir("/proc/self/task");
    const char *own = text("%ld", (long)gettid());
    struct dirent *entry;

    assert_non_null(tasks);
    while ((entry = readdir(tasks))) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0)
            visit(entry->d_name);
    }
    closedir(tasks);
}

static unsigned int thread_count;

static void count_thread(const char *tid)
{
    (void)tid;
    thread_count++;
}

/* 0 when the thread has ended in the meantime. */
static bool blocked_signals(unsigned long long *mask, const char *tid)
{
    FILE *file = fopen(text("/proc/self/task/%s/status", tid), "r");
    bool found = false;
    char line[256];

    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "SigBlk: %llx", mask) == 1;
    if (file)
        fclose(file);
    return found;
}

/* All but KILL and STOP, and the two that the C library keeps for itself: none of these can be blocked. */
static void assert_signals_blocked(const char *tid)
{
    const unsigned long long exceptions = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 1ull << 31 | 1ull << 32;
    unsigned long long mask;

    if (!blocked_signals(&mask, tid))
        return;
    if (~mask & ~exceptions)
        fail_msg("thread %s does not block the signals 0x%llx", tid, ~mask & ~exceptions);
    thread_count++;
}

static void use_disk(struct vdisk *disk)
{
    unsigned char *data = pattern(SIZE, 4);
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    assert_disk_holds(disk, data, SIZE);
    free(data);
}

static void all_threads_of_ceph_and_the_library_block_all_signals(void **state)
{
    const char *image = plain_image();
    struct vdisk *writable = open_disk(image, 0), *read_only = open_disk(image, VDISK_OPEN_READ_ONLY);

    (void)state;
    /* Some threads start only when there is something to do. */
    use_disk(writable);
    use_disk(writable);
    thread_count = 0;
    for_other_threads(assert_signals_blocked);
    assert_true(thread_count > 2);
    close_disk(read_only);
    close_disk(writable);
}

static volatile sig_atomic_t handled_by;

static void note_thread(int signal)
{
    (void)signal;
    handled_by = (sig_atomic_t)gettid();
}

/* With the test's own thread not taking it either, the signal waits. */
static void a_signal_to_the_process_runs_no_handler_on_ceph_s_threads(void **state)
{
    struct sigaction action = {.sa_handler = note_thread}, before;
    struct vdisk *disk = open_disk(plain_image(), 0);
    sigset_t signals, saved, pending;

    (void)state;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &signals, &saved), 0);
    handled_by = 0;
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    use_disk(disk);
    assert_int_equal(handled_by, 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_true(sigismember(&pending, SIGUSR1));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &saved, NULL), 0);
    assert_int_equal(handled_by, gettid());
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    close_disk(disk);
}

/* Not by memory: the kernel's part of a sigset_t is a fraction of it. */
static void assert_blocks_only(int expected)
{
    sigset_t now;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        assert_int_equal(sigismember(&now, signal), signal == expected);
}

static void opening_leaves_the_callers_own_signal_mask_as_it_was(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image();
    sigset_t signals, saved;

    (void)state;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &signals, &saved), 0);
    must_open_uri(text("rbd:%s", image), &options);
    assert_blocks_only(SIGUSR2);
    must_not_open("rbd:rbd/no such image", &options, -ENOENT, FRAGMENTS("image"));
    assert_blocks_only(SIGUSR2);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &saved, NULL), 0);
}

static unsigned int count_descriptors(void)
{
    DIR *descriptors = opendir("/proc/self/fd");
    unsigned int count = 0;

    assert_non_null(descriptors);
    while (readdir(descriptors))
        count++;
    closedir(descriptors);
    return count;
}

struct leftovers {
    unsigned int threads;
    unsigned int descriptors;
};

static struct leftovers count_leftovers(void)
{
    thread_count = 0;
    for_other_threads(count_thread);
    return (struct leftovers){thread_count, count_descriptors()};
}

static bool nothing_is_left_over(void *arg)
{
    const struct leftovers *before = arg;
    struct leftovers now = count_leftovers();

    return now.threads <= before->threads && now.descriptors <= before->descriptors;
}

static void open_and_fail_everywhere(const char *image)
{
    struct vdisk_open_options options = default_options(0);

    must_open_uri(text("rbd:%s", image), &options);
    must_not_open("rbd:nowhere/image", &options, -ENOENT, FRAGMENTS("nowhere"));
    must_not_open("rbd:rbd/nowhere/image", &options, -ENOENT, FRAGMENTS("nowhere"));
    must_not_open("rbd:rbd/no such image", &options, -ENOENT, FRAGMENTS("no such image"));
    options.flags = VDISK_OPEN_READ_ONLY;
    must_open_uri(text("rbd:%s", image), &options);
    must_not_open(text("rbd:%s@nothing", image), &options, -ENOENT, FRAGMENTS("nothing"));
    options.id = "nobody";
    must_not_open(text("rbd:%s", image), &options, -EACCES, FRAGMENTS("nobody"));
}

static void neither_success_nor_failure_leaves_threads_or_descriptors(void **state)
{
    const char *image = plain_image();
    struct leftovers before;

    (void)state;
    /* What Ceph sets up once and keeps. */
    open_and_fail_everywhere(image);
    before = count_leftovers();
    for (int i = 0; i < 5; i++)
        open_and_fail_everywhere(image);
    wait_until(nothing_is_left_over, &before, "threads and descriptors are as few as before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_threads_of_ceph_and_the_library_block_all_signals),
        TEST(a_signal_to_the_process_runs_no_handler_on_ceph_s_threads),
        TEST(opening_leaves_the_callers_own_signal_mask_as_it_was),
        TEST(neither_success_nor_failure_leaves_threads_or_descriptors),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
