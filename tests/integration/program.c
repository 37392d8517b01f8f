/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "undo.h"

extern char **environ;

char *read_all(int fd, size_t *size)
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

void require_success(struct reply *reply, const char *const argv[])
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
