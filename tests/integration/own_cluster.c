/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "own_cluster.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define CLUSTER(...) succeed(ARGV(VDISK_CLUSTER_SCRIPT, __VA_ARGS__))

/* Stops the cluster when this process is gone, however it went. */
struct warden {
    pid_t pid;
    /* Closed at our end; then the warden does its duty. */
    int pipe;
};

static void __attribute__((noreturn)) keep_watch(int pipe, const char *dir)
{
    char byte;

    setsid();
    while (read(pipe, &byte, 1) > 0)
        ;
    execlp("sh", "sh", "-c", "\"$0\" stop \"$1\" >&2 && rm -rf \"$1\"", VDISK_CLUSTER_SCRIPT, dir, (char *)NULL);
    _exit(127);
}

static bool post_warden(struct warden *warden, const char *dir)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    warden->pid = fork();
    if (warden->pid == 0) {
        close(ends[1]);
        keep_watch(ends[0], dir);
    }
    close(ends[0]);
    warden->pipe = ends[1];
    return warden->pid > 0;
}

static struct warden warden;

/* bluestore, because a memstore does not survive a kill. */
static int start(const char *option)
{
    char dir[4096];
    struct reply reply;

    snprintf(dir, sizeof dir, "%s/vdisk-cluster-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir) || !post_warden(&warden, dir))
        return -1;
    use_cluster(dir);
    run(&reply, ARGV(VDISK_CLUSTER_SCRIPT, "start", dir, "--store", "bluestore", option));
    if (reply.status != 0)
        print_error("%s", reply.err);
    free_reply(&reply);
    return reply.status == 0 ? 0 : -1;
}

int start_own_cluster(void **state)
{
    (void)state;
    return start(NULL);
}

int start_own_cluster_with_manager(void **state)
{
    (void)state;
    return start("--mgr");
}

int stop_own_cluster(void **state)
{
    int status;

    close(warden.pipe);
    if (waitpid(warden.pid, &status, 0) != warden.pid || status != 0)
        return -1;
    return tear_down(state);
}

static void thaw(void *daemon)
{
    CLUSTER("thaw", cluster_dir(), daemon);
}

void freeze(const char *daemon)
{
    CLUSTER("freeze", cluster_dir(), daemon);
    undo_later(thaw, (void *)(uintptr_t)daemon);
}

void thaw_now(const char *daemon)
{
    forget(daemon);
    thaw((void *)(uintptr_t)daemon);
}
