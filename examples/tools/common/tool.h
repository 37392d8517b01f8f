/* SPDX-License-Identifier: MIT */
/*
 * Provides what every command-line program needs: its start, messages, exit code and standard output.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stddef.h>

#include <vdisk/vdisk.h>

/* Exit codes. */
enum {
    TOOL_OK = 0,
    /* The URI, the policy, the cluster, the image, or standard input or output made the operation fail. */
    TOOL_FAILED = 1,
    /* Usage error. */
    TOOL_USAGE = 2,
};

/*
 * Prepares the process; main calls it first. `name` is the program's name in messages and must stay valid.
 *
 * A write to a closed pipe then fails with EPIPE instead of raising SIGPIPE. Standard descriptors that are closed are
 * opened, so that no socket of Ceph's becomes standard output. Ctrl-C ends the program at any time.
 */
void tool_start(const char *name);

/* Prints a message about a usage error, which points to --help. Returns TOOL_USAGE. */
int tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fills *err, which may be NULL, with a sentence. Returns `code`, a negative errno. */
int tool_fail(struct vdisk_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prints the message of *err if `result` is negative. Returns the exit code. */
int tool_finish(int result, const struct vdisk_error *err);

/* Closes the disk after work that ended with `result`. Returns the first failure, which *err describes, or 0. */
int tool_close_disk(struct vdisk *disk, int result, struct vdisk_error *err);

/*
 * Writes the text to standard output and closes it, because some file systems report only at the close that they have
 * no room. Returns 0 or a negative errno. It is not an error if the reader of a pipe has closed it, as `head` does.
 */
int tool_print(const char *text, size_t length, struct vdisk_error *err);

/* Prints the program's name and the library's version as tool_print does. */
int tool_print_version(struct vdisk_error *err);

#endif
