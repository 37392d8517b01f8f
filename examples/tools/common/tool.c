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
#include "common/size.h"
#include "common/text.h"

/* Opened the wrong way round, so that a use of it still fails as it would have on the closed descriptor. */
static void fill_descriptor(int fd)
{
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
        return;
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
        exit(tool_finish(-1, &(struct vdisk_error){-1, "A closed standard stream cannot be replaced by /dev/null."}));
}

/*
 * vdisk_open blocks all signals in the thread that calls it, and can wait half a minute for a monitor. A signal to the
 * process then goes to this thread, and does what it would have done: by default, end the process.
 */
static void *receive_signals(void *unused)
{
    for (;;)
        pause();
    return unused;
}

void tool_start(void)
{
    pthread_t thread;
    fill_descriptor(STDIN_FILENO);
    fill_descriptor(STDOUT_FILENO);
    fill_descriptor(STDERR_FILENO);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_create(&thread, NULL, receive_signals, NULL) == 0)
        pthread_detach(thread);
}

static const char *find_name(const struct option *options, int value)
{
    while (options->name && options->val != value)
        options++;
    return options->name;
}

/* `length` bytes of what the user wrote. */
static void complain(const char *option, size_t length)
{
    struct text_quoted quoted;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, option);
    tool_usage("Option %s is unknown or ambiguous", text_quote(&quoted, name));
}

int tool_getopt(int argc, char **argv, const char *short_options, const struct option *long_options)
{
    opterr = 0;
    int option = getopt_long(argc, argv, short_options, long_options, NULL);
    if (option != '?' && option != ':')
        return option;

    const char *name = find_name(long_options, optopt);
    if (name)
        tool_usage("Option --%s %s", name, option == ':' ? "needs a value" : "takes no value");
    else if (optopt == 0)
        /* What follows a `=` may be a secret. */
        complain(argv[optind - 1], strcspn(argv[optind - 1], "="));
    else
        complain((char[]){'-', (char)optopt}, 2);
    return '?';
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

int tool_size(uint64_t *size, const char *option, const char *value)
{
    struct text_quoted quoted;
    if (size_parse(size, value))
        return 0;
    return tool_usage("%s must be a number of bytes below 2^64, or of units of K, M, G or T, and not %s", option,
                      text_quote(&quoted, value));
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

int tool_print(const char *text, size_t length, struct vdisk_error *err)
{
    int result = descriptor_write(STDOUT_FILENO, text, length);
    if (close(STDOUT_FILENO) < 0 && result == 0)
        result = -errno;
    if (result == 0 || result == -EPIPE)
        return 0;
    return tool_fail(err, result, "Standard output cannot be written: %s.", strerror(-result));
}

int tool_answer(int question, const char *help, struct vdisk_error *err)
{
    char version[64];
    if (question == TOOL_HELP)
        return tool_print(help, strlen(help), err);
    int length = snprintf(version, sizeof version, "%s %s\n", tool_name, vdisk_version());
    return tool_print(version, (size_t)length, err);
}
