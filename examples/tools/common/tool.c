/* SPDX-License-Identifier: MIT */
#include "common/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/descriptor.h"

static const char *tool_name = "";

/* Opens /dev/null in the wrong direction, so that using the descriptor still fails as it did while it was closed. */
static void fill_descriptor(int fd)
{
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
        return;
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
        exit(tool_finish(-1, &(struct vdisk_error){
                                 -1, "A standard stream is closed, and /dev/null cannot be opened in its place."}));
}

/*
 * vdisk_open blocks all signals in the thread that calls it, and can wait half a minute for a monitor. The kernel then
 * delivers a signal for the process to this thread, where it has its default effect, such as ending the process.
 */
static void *receive_signals(void *unused)
{
    for (;;)
        pause();
    return unused;
}

void tool_start(const char *name)
{
    pthread_t thread;
    tool_name = name;
    fill_descriptor(STDIN_FILENO);
    fill_descriptor(STDOUT_FILENO);
    fill_descriptor(STDERR_FILENO);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_create(&thread, NULL, receive_signals, NULL) == 0)
        pthread_detach(thread);
}

int tool_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", tool_name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see %s --help.\n", tool_name);
    va_end(arguments);
    return TOOL_USAGE;
}

int tool_fail(struct vdisk_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    err->code = code;
    return code;
}

int tool_finish(int result, const struct vdisk_error *err)
{
    if (result >= 0)
        return TOOL_OK;
    fprintf(stderr, "%s: %s\n", tool_name, err->message);
    return TOOL_FAILED;
}

int tool_close_disk(struct vdisk *disk, int result, struct vdisk_error *err)
{
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}

int tool_print(const char *text, size_t length, struct vdisk_error *err)
{
    int result = descriptor_write(STDOUT_FILENO, text, length);
    if (close(STDOUT_FILENO) < 0 && result == 0)
        result = -errno;
    if (result == 0 || result == -EPIPE)
        return 0;
    return tool_fail(err, result, "Standard output cannot be written: %s.", strerror(-result));
}

int tool_print_version(struct vdisk_error *err)
{
    char version[64];
    int length = snprintf(version, sizeof version, "%s %s\n", tool_name, vdisk_version());
    return tool_print(version, (size_t)length, err);
}
