/* SPDX-License-Identifier: MIT */
/*
 * What a command-line tool needs whatever it does: options, complaints, exit codes, standard output.
 */
#ifndef TOOL_H
#define TOOL_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

/* Exit codes. */
enum {
    TOOL_OK = 0,
    /* The cluster, the image, the URI's content, the policy, or standard input or output refused. */
    TOOL_FAILED = 1,
    /* The command line makes no sense. */
    TOOL_USAGE = 2,
};

/* Each tool defines its own. */
extern const char tool_name[];

/*
 * To be called first: makes a write to a closed pipe an error instead of a signal, fills the standard descriptors that
 * are closed, lest a socket of Ceph's become standard output, and lets Ctrl-C end the program at any time.
 */
void tool_start(void);

/* As getopt_long, but complains itself, in our words and without repeating values; then returns '?'. */
int tool_getopt(int argc, char **argv, const char *short_options, const struct option *long_options);

/* Complains about the command line. Returns TOOL_USAGE. */
int tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads a SIZE, the value of `option`. Returns 0, or TOOL_USAGE after a complaint. */
int tool_size(uint64_t *size, const char *option, const char *value);

/* Fills *err, which may be NULL, with a sentence. Returns `code`, a negative errno. */
int tool_fail(struct vdisk_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Tells of a failure, unless `result` is not negative. Returns the exit code. */
int tool_finish(int result, const struct vdisk_error *err);

/*
 * Prints on standard output and closes it, since some file systems tell only then that they have no room. Returns 0 or
 * a negative errno. A reader that has gone away, as `head` does, has seen what it wanted: no error.
 */
int tool_print(const char *text, size_t length, struct vdisk_error *err);

/* What getopt returns for --help and --version. */
enum { TOOL_HELP = 1 << 16, TOOL_VERSION };

/* Prints `help` or the version. Returns 0 or a negative errno. */
int tool_answer(int question, const char *help, struct vdisk_error *err);

#endif
