/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that a connection was configured from change, or do not. */
#include "disk_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/conf_files.h"

struct files {
    char folder[64];
    char path[96];
    char other[96];
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct files files;

    strcpy(files.folder, "/tmp/vdisk-conf-XXXXXX");
    if (!mkdtemp(files.folder))
        return -1;
    snprintf(files.path, sizeof files.path, "%s/ceph.conf", files.folder);
    snprintf(files.other, sizeof files.other, "%s/other", files.folder);
    write_file(files.path, "a = 1\n");
    *state = &files;
    return 0;
}

static int tear_down(void **state)
{
    struct files *files = *state;

    unlink(files->path);
    unlink(files->other);
    return rmdir(files->folder);
}

static void a_file_left_alone_is_the_same(void **state)
{
    struct files *files = *state;

    assert_true(vd_conf_files_digest(files->path) == vd_conf_files_digest(files->path));
    assert_true(vd_conf_files_digest_conf(files->path) == vd_conf_files_digest(files->path));
}

static void a_change_is_seen(void **state)
{
    struct files *files = *state;
    uint64_t before = vd_conf_files_digest(files->path);

    write_file(files->path, "a = 12\n");
    assert_true(vd_conf_files_digest(files->path) != before);
}

/* Of the same size, and of the same age as far as its owner can tell: as `cp -p` and `touch` would. */
static void a_change_that_hides_its_date_is_seen(void **state)
{
    struct files *files = *state;
    uint64_t before = vd_conf_files_digest(files->path);
    struct stat status;

    assert_int_equal(stat(files->path, &status), 0);
    do {
        write_file(files->path, "a = 2\n");
        assert_int_equal(utimensat(AT_FDCWD, files->path, (struct timespec[]){status.st_atim, status.st_mtim}, 0), 0);
    } while (vd_conf_files_digest(files->path) == before);
}

static void a_replaced_file_is_seen(void **state)
{
    struct files *files = *state;
    uint64_t before = vd_conf_files_digest(files->path);

    write_file(files->other, "a = 1\n");
    assert_int_equal(rename(files->other, files->path), 0);
    assert_true(vd_conf_files_digest(files->path) != before);
}

static void a_file_that_goes_and_one_that_comes_are_seen(void **state)
{
    struct files *files = *state;
    char list[256];
    uint64_t before, between;

    snprintf(list, sizeof list, "%s, %s", files->other, files->path);
    before = vd_conf_files_digest(list);
    assert_int_equal(unlink(files->path), 0);
    between = vd_conf_files_digest(list);
    assert_true(between != before);
    write_file(files->other, "a = 1\n");
    assert_true(vd_conf_files_digest(list) != between);
}

static void lists_are_read_as_ceph_reads_them(void **state)
{
    struct files *files = *state;
    char list[256];
    uint64_t before;

    snprintf(list, sizeof list, " ;/nonexistent,%s=/nonexistent\t", files->path);
    before = vd_conf_files_digest(list);
    write_file(files->path, "a = 12\n");
    assert_true(vd_conf_files_digest(list) != before);
}

static void the_search_path_is_watched(void **state)
{
    struct files *files = *state;
    char old[64];
    uint64_t before;

    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(files->folder), 0);
    before = vd_conf_files_digest_conf(NULL);
    write_file("ceph.conf", "a = 12\n");
    assert_true(vd_conf_files_digest_conf(NULL) != before);
    assert_int_equal(chdir(old), 0);
}

static void the_environment_outranks_the_search_path(void **state)
{
    struct files *files = *state;
    uint64_t before = vd_conf_files_digest_conf(NULL);

    assert_int_equal(setenv("CEPH_CONF", files->path, 1), 0);
    assert_true(vd_conf_files_digest_conf(NULL) != before);
    assert_true(vd_conf_files_digest_conf(NULL) == vd_conf_files_digest(files->path));
    assert_int_equal(unsetenv("CEPH_CONF"), 0);
}

static void paths_too_long_do_no_harm(void **state)
{
    char *path = malloc(100000);

    (void)state;
    assert_non_null(path);
    memset(path, 'x', 99999);
    path[99999] = '\0';
    assert_true(vd_conf_files_digest(path) == vd_conf_files_digest(path));
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_file_left_alone_is_the_same),
        TEST(a_change_is_seen),
        TEST(a_change_that_hides_its_date_is_seen),
        TEST(a_replaced_file_is_seen),
        TEST(a_file_that_goes_and_one_that_comes_are_seen),
        TEST(lists_are_read_as_ceph_reads_them),
        TEST(the_search_path_is_watched),
        TEST(the_environment_outranks_the_search_path),
        TEST(paths_too_long_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
