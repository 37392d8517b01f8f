/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests run programs, above all those of Ceph and QEMU, as witnesses that are not of this project. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>

#include "used_cluster.h"

/* A program that has ended. What it printed ends with a NUL; free_reply frees it. */
struct reply {
    int status;
    size_t size;
    char *out;
    char *err;
};

void run(struct reply *reply, const char *const argv[]);
/* As run, but the program must succeed. */
void require_success(struct reply *reply, const char *const argv[]);
void free_reply(struct reply *reply);

/* The program must succeed. output returns what it printed, to be freed. */
void succeed(const char *const argv[]);
char *output(const char *const argv[]);
int status_of(const char *const argv[]);

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define RBD(...) succeed(ARGV("rbd", "-c", conf_path(), __VA_ARGS__))
#define RBD_OUTPUT(...) output(ARGV("rbd", "-c", conf_path(), __VA_ARGS__))
#define RBD_STATUS(...) status_of(ARGV("rbd", "-c", conf_path(), __VA_ARGS__))
#define CEPH(...) succeed(ARGV("ceph", "-c", conf_path(), __VA_ARGS__))
#define CEPH_OUTPUT(...) output(ARGV("ceph", "-c", conf_path(), __VA_ARGS__))

/* Returns all that the file holds, and a NUL. To be freed. */
char *read_all(int fd, size_t *size);

#endif
