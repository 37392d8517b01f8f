/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests which conf files are taken, how an error names them, and what outranks them. */
#include "openings.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Configuration files. */

static void a_missing_conf_file_is_named(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *path = temp_path("missing.conf");

    (void)state;
    options.conf = path;
    must_not_open("rbd:rbd/image", &options, -ENOENT, FRAGMENTS(path));
}

static void a_missing_conf_file_of_the_uri_is_told(void **state)
{
    struct vdisk_open_options options = default_options(0);

    (void)state;
    options.conf = NULL;
    must_not_open(text("rbd:rbd/image:conf=%s", temp_path("missing.conf")), &options, -ENOENT, FRAGMENTS("conf"));
}

static void a_conf_file_that_is_none_is_named(void **state)
{
    static const char content[] = "[global\nmon_host 127.0.0.1\n\1\2\3";
    struct vdisk_open_options options = default_options(0);

    (void)state;
    options.conf = write_file("broken.conf", content, sizeof content - 1);
    must_not_open("rbd:rbd/image", &options, -EINVAL, FRAGMENTS(options.conf));
}

static void a_directory_for_a_conf_file_is_named(void **state)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_error err;
    struct vdisk *disk;
    int r;

    (void)state;
    options.conf = cluster_dir();
    r = vdisk_open_uri(&disk, "rbd:rbd/image", &options, &err);
    assert_true(r < 0);
    assert_failed(r, r, &err, FRAGMENTS(cluster_dir()));
    assert_null(disk);
}

static const char *conf_with(const char *name, const char *content)
{
    return write_file(name, content, strlen(content));
}

/* What the program does when it is called with a conf file: exits with the errno and prints the sentence. */
static int open_with_conf(const char *conf)
{
    struct vdisk_open_options options;
    struct vdisk_error err;
    struct vdisk *disk;
    int r;

    vdisk_open_options_init(&options, sizeof options);
    options.conf = conf;
    r = vdisk_open_uri(&disk, "rbd:rbd/image", &options, &err);
    puts(err.message);
    return -r;
}

/* In a process of its own, whose leaks do not count: Ceph looks for monitors in the DNS then, and leaks there. */
static void a_conf_file_without_monitors_says_so(void **state)
{
    const char *conf = conf_with("empty.conf", "[global]\nauth_client_required = none\n");
    char program[4096] = "";
    struct reply reply;

    (void)state;
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    run(&reply, ARGV("env", "ASAN_OPTIONS=detect_leaks=0", program, conf));
    assert_int_equal(reply.status, ENOENT);
    assert_non_null(strstr(reply.out, "onitor"));
    assert_non_null(strstr(reply.out, "mon_host"));
    free_reply(&reply);
}

/* Port 1 of the loopback: nobody listens there. */
static void monitors_that_do_not_answer_are_told_in_time(void **state)
{
    struct vdisk_open_options options = default_options(0);

    (void)state;
    options.conf = conf_with("closed.conf", "[global]\nmon_host = v2:127.0.0.1:1\nauth_client_required = none\n"
                                            "client_mount_timeout = 1\n");
    must_not_open("rbd:rbd/image", &options, -ETIMEDOUT, FRAGMENTS("onitor", "client_mount_timeout"));
}

static const char *copied_conf(void)
{
    size_t size;
    unsigned char *conf = read_file(conf_path(), &size);
    const char *path = write_file("copy.conf", conf, size);

    free(conf);
    return path;
}

static void a_conf_file_of_the_uri_that_only_we_can_write_is_taken(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image();

    (void)state;
    options.conf = NULL;
    must_open_uri(text("rbd:%s:conf=%s", image, copied_conf()), &options);
}

static void a_conf_file_of_the_uri_that_others_can_write_is_refused(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *uri = text("rbd:%s:conf=%s", plain_image(), copied_conf());

    (void)state;
    options.conf = NULL;
    assert_int_equal(chmod(copied_conf(), 0666), 0);
    must_not_open(uri, &options, -EPERM, FRAGMENTS("conf", "VDISK_URI_ANY"));
    options.uri_policy = VDISK_URI_ANY;
    must_open_uri(uri, &options);
}

static void a_conf_file_of_the_uri_in_a_folder_others_can_write_is_refused(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *path = copied_conf();
    const char *folder = text("%.*s", (int)(strrchr(path, '/') - path), path);
    const char *uri = text("rbd:%s:conf=%s", plain_image(), path);

    (void)state;
    options.conf = NULL;
    assert_int_equal(chmod(folder, 0777), 0);
    must_not_open(uri, &options, -EPERM, FRAGMENTS("conf"));
    assert_int_equal(chmod(folder, 0700), 0);
    must_open_uri(uri, &options);
}

static void without_a_conf_file_ceph_s_own_search_is_used(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image();

    (void)state;
    options.conf = NULL;
    assert_int_equal(setenv("CEPH_CONF", conf_path(), 1), 0);
    must_open_uri(text("rbd:%s", image), &options);
    assert_int_equal(unsetenv("CEPH_CONF"), 0);
}

/* Who outranks whom. */

static void the_uri_outranks_the_conf_file(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image();
    char *right = key_of("client.admin"), *wrong = key_of(new_user("profile rbd", "profile rbd"));
    unsigned char *conf;
    size_t size;

    (void)state;
    conf = read_file(conf_path(), &size);
    options.conf = conf_with("wrong-key.conf", text("%s\n[global]\nkey = %s\n", (char *)conf, wrong));
    must_not_open(text("rbd:%s", image), &options, -EACCES, FRAGMENTS("admin"));
    must_open_uri(text("rbd:%s:key=%s", image, right), &options);
    free(conf);
    free(right);
    free(wrong);
}

static void the_program_outranks_the_uri(void **state)
{
    const char *image = plain_image(), *user = new_user("profile rbd", "profile rbd");
    char *right = key_of("client.admin"), *wrong = key_of(user);
    struct vdisk_open_options options = with_option("key", right);

    (void)state;
    must_open_uri(text("rbd:%s:key=%s", image, wrong), &options);
    options.id = "admin";
    must_open_uri(text("rbd:%s:id=%s:key=%s", image, bare(user), wrong), &options);
    free(right);
    free(wrong);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_conf_file_is_named),
        TEST(a_missing_conf_file_of_the_uri_is_told),
        TEST(a_conf_file_that_is_none_is_named),
        TEST(a_directory_for_a_conf_file_is_named),
        TEST(a_conf_file_without_monitors_says_so),
        TEST(monitors_that_do_not_answer_are_told_in_time),
        TEST(a_conf_file_of_the_uri_that_only_we_can_write_is_taken),
        TEST(a_conf_file_of_the_uri_that_others_can_write_is_refused),
        TEST(a_conf_file_of_the_uri_in_a_folder_others_can_write_is_refused),
        TEST(without_a_conf_file_ceph_s_own_search_is_used),
        TEST(the_uri_outranks_the_conf_file),
        TEST(the_program_outranks_the_uri),
    };

    if (argc == 2)
        return open_with_conf(argv[1]);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
