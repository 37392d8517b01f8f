/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exclusive use, with QEMU and rbd as those who want the image too. QEMU's is the usual way: it takes the lock when it
 * writes, and gives it up when asked.
 */
#include "fencing.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE MIB(8)
#define EXCLUSIVE VDISK_OPEN_EXCLUSIVE
#define BREAKING (VDISK_OPEN_EXCLUSIVE | VDISK_OPEN_BREAK_LOCK)

static const char *make_image(void)
{
    const char *image = new_image();

    RBD("create", "--size", text("%zuB", SIZE), "--image-feature", "exclusive-lock", image);
    return image;
}

/* Who has the lock, as rbd tells; "" for nobody. */
static const char *lock_owner(const char *image)
{
    char *list = RBD_OUTPUT("lock", "ls", "--format", "json", image);
    const char *address = strstr(list, "\"address\"") ? text("%s", json_string(list, "address")) : "";

    free(list);
    return address;
}

static int open_fails(const char *image, uint32_t flags, struct vdisk_error *err)
{
    struct vdisk_open_options options = default_options(flags);
    struct vdisk *disk;
    int r = vdisk_open_uri(&disk, text("rbd:%s", image), &options, err);

    assert_null(disk);
    return r;
}

/* QEMU, with the image open, doing what it is told. */
struct qemu {
    pid_t pid;
    int commands;
};

static void end_qemu(void *arg)
{
    struct qemu *qemu = arg;

    /* Killed first: at the end of its commands it would give the lock back. */
    kill(qemu->pid, SIGKILL);
    waitpid(qemu->pid, NULL, 0);
    close(qemu->commands);
}

static void start_qemu(struct qemu *qemu, const char *image)
{
    const char *name = qemu_name(image);
    int ends[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    qemu->pid = fork();
    assert_true(qemu->pid >= 0);
    if (qemu->pid == 0) {
        dup2(ends[0], STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        execlp("qemu-io", "qemu-io", "-f", "raw", "-t", "none", name, (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    close(null);
    qemu->commands = ends[1];
    undo_later(end_qemu, qemu);
}

static void tell(struct qemu *qemu, const char *command)
{
    assert_int_equal(write(qemu->commands, command, strlen(command)), strlen(command));
}

static bool somebody_has_the_lock(void *image)
{
    return lock_owner(image)[0];
}

/* QEMU has written, and has the lock by that. Returns its address. */
static const char *let_qemu_write(struct qemu *qemu, const char *image)
{
    start_qemu(qemu, image);
    tell(qemu, "write -P 1 0 4k\n");
    wait_until(somebody_has_the_lock, (void *)(uintptr_t)image, "QEMU has the lock");
    return lock_owner(image);
}

static void rbd_sees_the_lock_until_the_disk_is_closed(void **state)
{
    const char *image = make_image();
    struct vdisk *disk = open_disk(image, EXCLUSIVE);
    char *watchers = RBD_OUTPUT("status", "--format", "json", image);

    (void)state;
    assert_string_equal(lock_owner(image), json_string(watchers, "address"));
    free(watchers);
    close_disk(disk);
    assert_string_equal(lock_owner(image), "");
}

static void another_disk_is_told_whose_it_is(void **state)
{
    const char *image = make_image();
    struct vdisk *disk = open_disk(image, EXCLUSIVE);
    const char *const *fragments = FRAGMENTS(base_name(image), lock_owner(image));
    struct vdisk_error err;
    unsigned char byte = 7;

    (void)state;
    assert_failed(open_fails(image, EXCLUSIVE, &err), -EBUSY, &err, fragments);
    assert_failed(open_fails(image, BREAKING, &err), -EBUSY, &err, fragments);
    assert_done(vdisk_pwrite(disk, &byte, 1, 0, 0, &err), &err);
    close_disk(disk);
    close_disk(open_disk(image, EXCLUSIVE));
}

static void others_read_and_cannot_write(void **state)
{
    const char *image = make_image(), *name = qemu_name(image);
    struct vdisk *disk = open_disk(image, EXCLUSIVE);
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk_error err;
    struct reply reply;

    (void)state;
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    assert_qemu_converts(image, data, SIZE);
    run(&reply, ARGV("qemu-io", "-f", "raw", "-c", "write -P 99 0 4k", name));
    assert_non_null(strstr(text("%s%s", reply.out, reply.err), "Read-only file system"));
    free_reply(&reply);
    assert_rbd_exports(image, data, SIZE);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    succeed(ARGV("qemu-io", "-f", "raw", "-c", "write -P 99 0 4k", name));
    free(data);
}

static void a_lock_that_qemu_has_is_left_to_it(void **state)
{
    const char *image = make_image(), *owner;
    struct vdisk_error err;
    struct qemu qemu;

    (void)state;
    owner = let_qemu_write(&qemu, image);
    assert_failed(open_fails(image, EXCLUSIVE, &err), -EBUSY, &err, FRAGMENTS(base_name(image), owner));
    assert_failed(open_fails(image, BREAKING, &err), -EBUSY, &err, FRAGMENTS(base_name(image), owner));
    assert_string_equal(lock_owner(image), owner);
    /* Without the flag it is passed to and fro. */
    close_disk(open_disk(image, 0));
    tell(&qemu, "quit\n");
    forget(&qemu);
    assert_int_equal(waitpid(qemu.pid, NULL, 0), qemu.pid);
    close(qemu.commands);
    close_disk(open_disk(image, EXCLUSIVE));
}

static bool is_watched(void *image)
{
    char *watchers = RBD_OUTPUT("status", "--format", "json", image);
    bool watched = strstr(watchers, "\"address\"");

    free(watchers);
    return watched;
}

static bool is_not_watched(void *image)
{
    return !is_watched(image);
}

static void the_lock_of_a_killed_owner_is_broken_on_request_only(void **state)
{
    const char *image = make_image(), *owner;
    struct vdisk_error err;
    struct vdisk *disk;
    struct qemu qemu;
    unsigned char byte = 7;

    (void)state;
    owner = let_qemu_write(&qemu, image);
    forget(&qemu);
    end_qemu(&qemu);
    /* It seems alive for half a minute still, unless it is fenced. */
    assert_failed(open_fails(image, BREAKING, &err), -EBUSY, &err, FRAGMENTS(base_name(image), owner));
    fence_client(owner);
    wait_until(is_not_watched, (void *)(uintptr_t)image, "the owner watches no more");

    assert_failed(open_fails(image, EXCLUSIVE, &err), -EBUSY, &err,
                  FRAGMENTS(base_name(image), owner, "VDISK_OPEN_BREAK_LOCK"));
    assert_string_equal(lock_owner(image), owner);
    disk = open_disk(image, BREAKING);
    assert_string_not_equal(lock_owner(image), owner);
    assert_done(vdisk_pwrite(disk, &byte, 1, 0, 0, &err), &err);
    close_disk(disk);
}

static void a_lock_made_by_hand_is_respected(void **state)
{
    const char *image = make_image();
    struct vdisk_error err;
    char *list;

    (void)state;
    RBD("lock", "add", image, "mine");
    assert_failed(open_fails(image, BREAKING, &err), -EBUSY, &err, FRAGMENTS(base_name(image), "by hand"));
    list = RBD_OUTPUT("lock", "ls", "--format", "json", image);
    RBD("lock", "rm", image, "mine", json_string(list, "locker"));
    free(list);
    close_disk(open_disk(image, EXCLUSIVE));
}

static void an_image_without_the_feature_is_an_error(void **state)
{
    const char *image = new_image();
    struct vdisk_error err;

    (void)state;
    RBD("create", "--size", "8M", "--image-feature", "layering", image);
    assert_failed(open_fails(image, EXCLUSIVE, &err), -ENOTSUP, &err, FRAGMENTS(base_name(image), "exclusive-lock"));
    RBD("feature", "enable", image, "exclusive-lock");
    close_disk(open_disk(image, EXCLUSIVE));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(rbd_sees_the_lock_until_the_disk_is_closed),
        TEST(another_disk_is_told_whose_it_is),
        TEST(others_read_and_cannot_write),
        TEST(a_lock_that_qemu_has_is_left_to_it),
        TEST(the_lock_of_a_killed_owner_is_broken_on_request_only),
        TEST(a_lock_made_by_hand_is_respected),
        TEST(an_image_without_the_feature_is_an_error),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
