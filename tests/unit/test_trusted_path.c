/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real files, folders and links below /tmp. All of them belong to `owner`, somebody who is not root: as root they are
 * given away, as anybody else they are ours. Whom to trust is an argument, so both see the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uri/trusted_path.h"

/* Root's, and so is every folder above it and above what it links to. */
#define ROOTS_FILE "/etc/os-release"

static uid_t owner;
static uid_t stranger;
static char folder[PATH_MAX];

/* The path of something in the test's folder. */
static const char *in(const char *name)
{
    static char paths[4][2 * PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void give(const char *path)
{
    if (geteuid() == 0)
        assert_int_equal(lchown(path, owner, owner), 0);
}

static const char *make_file(const char *path, mode_t mode)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
    give(path);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static const char *make_folder(const char *path, mode_t mode)
{
    assert_int_equal(mkdir(path, 0700), 0);
    give(path);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static const char *make_link(const char *path, const char *args)
{
    assert_int_equal(symlink(args, path), 0);
    give(path);
    return path;
}

static int setup(void **state)
{
    (void)state;
    owner = geteuid() == 0 ? 12345 : geteuid();
    stranger = owner + 1;
    strcpy(folder, "/tmp/vdisk-trusted-XXXXXX");
    assert_non_null(mkdtemp(folder));
    give(folder);
    assert_int_equal(chmod(folder, 0755), 0);
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void file_of_the_caller(void **state)
{
    static const mode_t modes[] = {0600, 0644, 0400, 0755, 04755};

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const char *path = make_file(in("file"), modes[i]);

        assert_int_equal(vd_trusted_path(path, owner), 0);
        assert_int_equal(vd_trusted_path(path, stranger), -EPERM);
        assert_int_equal(vd_trusted_path(path, 0), -EPERM);
        unlink(path);
    }
}

static void file_of_root(void **state)
{
    (void)state;
    assert_int_equal(vd_trusted_path(ROOTS_FILE, 0), 0);
    assert_int_equal(vd_trusted_path(ROOTS_FILE, owner), 0);
    assert_int_equal(vd_trusted_path(ROOTS_FILE, stranger), 0);
}

static void file_that_others_can_write(void **state)
{
    static const mode_t modes[] = {0620, 0602, 0622, 0666, 0020, 01602};

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const char *path = make_file(in("file"), modes[i]);

        assert_int_equal(vd_trusted_path(path, owner), -EPERM);
        unlink(path);
    }
}

static void folder_that_others_can_write(void **state)
{
    static const mode_t modes[] = {0775, 0757, 0777, 0720, 01777};

    (void)state;
    make_folder(in("a"), 0755);
    make_folder(in("a/b"), 0755);
    make_file(in("a/b/file"), 0600);
    assert_int_equal(vd_trusted_path(in("a/b/file"), owner), 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        chmod(in("a/b"), modes[i]);
        assert_int_equal(vd_trusted_path(in("a/b/file"), owner), -EPERM);
        chmod(in("a/b"), 0755);
        chmod(in("a"), modes[i]);
        assert_int_equal(vd_trusted_path(in("a/b/file"), owner), -EPERM);
        chmod(in("a"), 0755);
    }
}

/* A file right in /tmp: nobody else can replace it. Somebody else's there is still somebody else's. */
static void sticky_folder_of_root(void **state)
{
    char file[] = "/tmp/vdisk-trusted-file-XXXXXX";
    char link[64];
    int fd = mkstemp(file);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    give(file);
    snprintf(link, sizeof link, "%s-link", file);
    make_link(link, ROOTS_FILE);

    assert_int_equal(vd_trusted_path(file, owner), 0);
    assert_int_equal(vd_trusted_path(file, stranger), -EPERM);
    assert_int_equal(vd_trusted_path(link, owner), 0);
    assert_int_equal(vd_trusted_path(link, stranger), -EPERM);
    unlink(link);
    unlink(file);
}

/* Only root can make such things, so that anybody else checks no more than that root's own are safe. */
static void what_root_leaves_open(void **state)
{
    (void)state;
    make_folder(in("a"), 0755);
    make_file(in("a/file"), 0600);
    assert_int_equal(vd_trusted_path(in("a/file"), owner), 0);
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(in("a"), 0, 0), 0);
    assert_int_equal(chmod(in("a"), 01777), 0);
    assert_int_equal(vd_trusted_path(in("a/file"), owner), 0);
    assert_int_equal(chmod(in("a"), 0777), 0);
    assert_int_equal(vd_trusted_path(in("a/file"), owner), -EPERM);
    assert_int_equal(chmod(in("a"), 0755), 0);
    assert_int_equal(chown(in("a/file"), 0, 0), 0);
    assert_int_equal(chmod(in("a/file"), 01666), 0);
    assert_int_equal(vd_trusted_path(in("a/file"), owner), -EPERM);
}

static void links_are_followed(void **state)
{
    (void)state;
    make_folder(in("a"), 0755);
    make_file(in("a/file"), 0600);
    make_link(in("relative"), "a/file");
    make_link(in("absolute"), in("a/file"));
    make_link(in("to-folder"), "a");
    make_link(in("a/up"), "../to-folder/../relative");
    make_link(in("root"), "/");
    make_link(in("to-root"), ROOTS_FILE);

    assert_int_equal(vd_trusted_path(in("relative"), owner), 0);
    assert_int_equal(vd_trusted_path(in("absolute"), owner), 0);
    assert_int_equal(vd_trusted_path(in("to-folder/file"), owner), 0);
    assert_int_equal(vd_trusted_path(in("to-folder//up"), owner), 0);
    assert_int_equal(vd_trusted_path(in("root/etc/os-release"), owner), 0);
    assert_int_equal(vd_trusted_path(in("to-root"), owner), 0);
    assert_int_equal(vd_trusted_path(in("to-root"), stranger), -EPERM);
}

/* The path itself is spotless; what it leads to, or through, is not. */
static void links_lead_to_what_others_can_change(void **state)
{
    (void)state;
    make_folder(in("open"), 0777);
    make_file(in("open/file"), 0600);
    make_file(in("loose"), 0666);
    make_link(in("open/out"), "../file");
    make_file(in("file"), 0600);
    make_link(in("1"), "open/file");
    make_link(in("2"), in("open/file"));
    make_link(in("3"), "loose");
    make_link(in("4"), "open/out");
    make_link(in("5"), "open");
    make_link(in("6"), "open/../file");

    for (char name[] = "1"; name[0] <= '6'; name[0]++) {
        const char *path = in(name);

        assert_int_equal(vd_trusted_path(name[0] == '5' ? in("5/file") : path, owner), -EPERM);
    }
    assert_int_equal(vd_trusted_path(in("open/../file"), owner), -EPERM);
    assert_int_equal(vd_trusted_path(in("file"), owner), 0);
}

static void spelling_of_the_path(void **state)
{
    char path[PATH_MAX + 64];

    (void)state;
    make_folder(in("a"), 0755);
    make_file(in("file"), 0600);
    assert_int_equal(vd_trusted_path(in("./a/.././/file"), owner), 0);
    snprintf(path, sizeof path, "//tmp/..%s", in("file"));
    assert_int_equal(vd_trusted_path(path, owner), 0);
    snprintf(path, sizeof path, "/../..%s", in("file"));
    assert_int_equal(vd_trusted_path(path, owner), 0);
    assert_int_equal(vd_trusted_path("", owner), -EINVAL);
    assert_int_equal(vd_trusted_path("etc/os-release", owner), -EINVAL);
    assert_int_equal(vd_trusted_path("./etc/os-release", owner), -EINVAL);
}

static void what_is_missing(void **state)
{
    (void)state;
    make_file(in("file"), 0600);
    make_link(in("dangling"), "nothing");
    assert_int_equal(vd_trusted_path(in("nothing"), owner), -ENOENT);
    assert_int_equal(vd_trusted_path(in("nothing/file"), owner), -ENOENT);
    assert_int_equal(vd_trusted_path(in("dangling"), owner), -ENOENT);
    assert_int_equal(vd_trusted_path(in("file/"), owner), -ENOTDIR);
    assert_int_equal(vd_trusted_path(in("file/more"), owner), -ENOTDIR);
}

static void what_is_no_regular_file(void **state)
{
    (void)state;
    make_folder(in("a"), 0755);
    make_link(in("link"), "a");
    assert_int_equal(mkfifo(in("fifo"), 0600), 0);
    give(in("fifo"));
    assert_int_equal(vd_trusted_path(in("a"), owner), -EINVAL);
    assert_int_equal(vd_trusted_path(in("a/"), owner), -EINVAL);
    assert_int_equal(vd_trusted_path(in("link"), owner), -EINVAL);
    assert_int_equal(vd_trusted_path(in("fifo"), owner), -EINVAL);
    assert_int_equal(vd_trusted_path("/", owner), -EINVAL);
}

static void links_without_end(void **state)
{
    char name[16], args[16];

    (void)state;
    make_file(in("file"), 0600);
    make_link(in("self"), "self");
    assert_int_equal(vd_trusted_path(in("self"), owner), -ELOOP);

    /* As many as the kernel follows, and one more. */
    make_link(in("link1"), "file");
    for (int i = 2; i <= 41; i++) {
        snprintf(name, sizeof name, "link%d", i);
        snprintf(args, sizeof args, "link%d", i - 1);
        make_link(in(name), args);
    }
    assert_int_equal(vd_trusted_path(in("link40"), owner), 0);
    assert_int_equal(vd_trusted_path(in("link41"), owner), -ELOOP);
}

/* `length` bytes: "/" and repetitions of "./". */
static char *long_path(size_t length)
{
    char *path = malloc(length + 1);

    assert_non_null(path);
    for (size_t i = 0; i < length; i++)
        path[i] = i % 2 ? '.' : '/';
    path[length] = '\0';
    return path;
}

static void what_is_too_long(void **state)
{
    char name[NAME_MAX + 2], both[PATH_MAX];
    char *path = long_path(PATH_MAX);

    (void)state;
    assert_int_equal(vd_trusted_path(path, owner), -ENAMETOOLONG);
    path[PATH_MAX - 1] = '\0';
    assert_int_equal(vd_trusted_path(path, owner), -EINVAL);
    free(path);

    memset(name, 'n', sizeof name);
    name[NAME_MAX + 1] = '\0';
    assert_int_equal(vd_trusted_path(in(name), owner), -ENAMETOOLONG);
    name[NAME_MAX] = '\0';
    assert_int_equal(vd_trusted_path(in(name), owner), -ENOENT);

    /* A long target and a long rest, each of which would do alone. */
    path = long_path(PATH_MAX / 2 + 1);
    make_link(in("link"), path);
    assert_int_equal(vd_trusted_path(in("link"), owner), -EINVAL);
    snprintf(both, sizeof both, "link%s", path);
    assert_int_equal(vd_trusted_path(in(both), owner), -ENAMETOOLONG);
    free(path);
}

/* Where links lead elsewhere than their text says. */
static void proc_cannot_be_judged(void **state)
{
    (void)state;
    make_link(in("link"), "/proc/self/root" ROOTS_FILE);
    assert_int_equal(vd_trusted_path("/proc/version", owner), -EPERM);
    assert_int_equal(vd_trusted_path("/proc/self/root" ROOTS_FILE, 0), -EPERM);
    assert_int_equal(vd_trusted_path(in("link"), owner), -EPERM);
}

static int open_descriptors(void)
{
    DIR *fds = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(fds);
    while (readdir(fds))
        count++;
    closedir(fds);
    return count;
}

static void no_descriptor_stays_open(void **state)
{
    static const char *const names[] = {"file", "link", "nothing", "loose", "fifo", "self", "file/x", "a/b/c", "../.."};
    int before = open_descriptors();

    (void)state;
    make_file(in("file"), 0600);
    make_file(in("loose"), 0666);
    make_link(in("link"), in("file"));
    make_link(in("self"), "self");
    assert_int_equal(mkfifo(in("fifo"), 0600), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        vd_trusted_path(in(names[i]), owner);
        assert_int_equal(open_descriptors(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(file_of_the_caller, setup, teardown),
        cmocka_unit_test_setup_teardown(file_of_root, setup, teardown),
        cmocka_unit_test_setup_teardown(file_that_others_can_write, setup, teardown),
        cmocka_unit_test_setup_teardown(folder_that_others_can_write, setup, teardown),
        cmocka_unit_test_setup_teardown(sticky_folder_of_root, setup, teardown),
        cmocka_unit_test_setup_teardown(what_root_leaves_open, setup, teardown),
        cmocka_unit_test_setup_teardown(links_are_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(links_lead_to_what_others_can_change, setup, teardown),
        cmocka_unit_test_setup_teardown(spelling_of_the_path, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file, setup, teardown),
        cmocka_unit_test_setup_teardown(links_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(proc_cannot_be_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(no_descriptor_stays_open, setup, teardown),
    };

    return cmocka_run_group_tests_name("trusted_path", tests, NULL, NULL);
}
