/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening what cannot be opened: the right errno, a sentence that names the thing, no secret in it, nothing left over.
 */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE MIB(1)

/* Attempts. */

/* What people recognise a part by may stand in a message; values of other options may not. */
static void assert_silent_about(const char *key, const char *value, const struct vdisk_error *err)
{
    if (strcmp(key, "id") == 0 || strcmp(key, "conf") == 0 || strlen(value) < 4)
        return;
    if (strstr(err->message, value))
        fail_msg("the value of %s stands in: %s", key, err->message);
}

static void assert_no_value_told(const char *uri, const struct vdisk_open_options *options,
                                 const struct vdisk_error *err)
{
    const char *key, *value;
    struct vdisk_uri *parsed;

    assert_int_equal(vdisk_uri_parse(&parsed, uri, NULL), 0);
    for (size_t i = 0; vdisk_uri_option(&key, &value, parsed, i) == 0; i++)
        assert_silent_about(key, value, err);
    for (size_t i = 0; i < options->option_count; i++)
        assert_silent_about(options->options[i].key, options->options[i].value, err);
    vdisk_uri_free(parsed);
}

static void must_not_open(const char *uri, const struct vdisk_open_options *options, int code,
                          const char *const fragments[])
{
    struct vdisk *disk = (struct vdisk *)1;
    struct vdisk_error err;

    assert_failed(vdisk_open_uri(&disk, uri, options, &err), code, &err, fragments);
    assert_null(disk);
    assert_no_value_told(uri, options, &err);
}

/* The same by the URI's path, with the cluster's conf. */
static void must_not_find(const char *path, uint32_t flags, const char *const fragments[])
{
    struct vdisk_open_options options = default_options(flags);

    must_not_open(text("rbd:%s", path), &options, -ENOENT, fragments);
}

static void must_open_uri(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    assert_done(vdisk_open_uri(&disk, uri, options, &err), &err);
    assert_done(vdisk_close(disk, &err), &err);
}

static const char *plain_image(void)
{
    const char *image = new_image();

    create_image(image, SIZE, 0);
    return image;
}

static struct vdisk_open_options with_option(const char *key, const char *value)
{
    static struct vdisk_option option;
    struct vdisk_open_options options = default_options(0);

    option = (struct vdisk_option){key, value};
    options.options = &option;
    options.option_count = 1;
    return options;
}

/* Names. */

static void a_missing_pool_is_named(void **state)
{
    (void)state;
    must_not_find("nowhere/image", 0, FRAGMENTS("pool", "nowhere"));
    must_not_find("nowhere/image", VDISK_OPEN_READ_ONLY, FRAGMENTS("pool", "nowhere"));
}

static void a_missing_namespace_is_named(void **state)
{
    (void)state;
    must_not_find("rbd/nowhere/image", 0, FRAGMENTS("namespace", "nowhere", "pool", "rbd"));
}

static void a_missing_image_is_named(void **state)
{
    (void)state;
    must_not_find("rbd/no such image", 0, FRAGMENTS("image", "no such image", "rbd"));
    must_not_find("rbd/no such image", VDISK_OPEN_READ_ONLY, FRAGMENTS("image", "no such image", "rbd"));
}

static void an_image_of_another_namespace_is_missing(void **state)
{
    const char *image = plain_image(), *namespace = new_namespace();

    (void)state;
    must_not_find(text("%s/%s", namespace, base_name(image)), 0,
                  FRAGMENTS("image", base_name(image), base_name(namespace)));
}

static void a_missing_snapshot_is_named(void **state)
{
    const char *image = plain_image();

    (void)state;
    must_not_find(text("%s@no such one", image), VDISK_OPEN_READ_ONLY,
                  FRAGMENTS("snapshot", "no such one", base_name(image)));
}

static void of_a_snapshot_of_a_missing_image_the_image_is_named(void **state)
{
    struct vdisk_open_options options = default_options(VDISK_OPEN_READ_ONLY);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    assert_failed(vdisk_open_uri(&disk, "rbd:rbd/missing@snap", &options, &err), -ENOENT, &err,
                  FRAGMENTS("no image", "missing"));
    assert_null(strstr(err.message, "snap"));
}

static void a_snapshot_without_read_only_is_refused(void **state)
{
    const char *image = plain_image();
    struct vdisk_open_options options = default_options(0);

    (void)state;
    RBD("snap", "create", text("%s@snap", image));
    must_not_open(text("rbd:%s@snap", image), &options, -EROFS, FRAGMENTS("snap", "VDISK_OPEN_READ_ONLY"));
}

/* Users and keys. */

static char *key_of(const char *user)
{
    char *key = CEPH_OUTPUT("auth", "get-key", user);

    key[strcspn(key, "\n")] = '\0';
    return key;
}

static const char *bare(const char *user)
{
    return user + strlen("client.");
}

static const char *keyring_of(const char *user)
{
    char *keyring = CEPH_OUTPUT("auth", "get", user);
    const char *path = write_file(text("%s.keyring", user), keyring, strlen(keyring));

    free(keyring);
    return path;
}

static void a_user_without_a_key_in_the_keyring_is_named(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = default_options(0);

    (void)state;
    options.id = "nobody-we-know";
    must_not_open(uri, &options, -EACCES, FRAGMENTS("nobody-we-know", "key"));
    options.id = NULL;
    must_not_open(text("%s:id=nobody-else", uri), &options, -EACCES, FRAGMENTS("nobody-else", "key"));
}

static void a_user_the_cluster_does_not_know_is_named(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    char *key = key_of("client.admin");
    struct vdisk_open_options options = with_option("key", key);

    (void)state;
    options.id = "nobody-we-know";
    must_not_open(uri, &options, -EACCES, FRAGMENTS("nobody-we-know"));
    free(key);
}

static void a_wrong_key_of_the_program_is_not_told(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    char *key = key_of(new_user("profile rbd", "profile rbd"));
    struct vdisk_open_options options = with_option("key", key);

    (void)state;
    must_not_open(uri, &options, -EACCES, FRAGMENTS("admin", "key"));
    free(key);
}

static void a_wrong_key_of_the_uri_is_not_told(void **state)
{
    const char *image = plain_image();
    char *key = key_of(new_user("profile rbd", "profile rbd"));
    struct vdisk_open_options options = default_options(0);

    (void)state;
    must_not_open(text("rbd:%s:key=%s", image, key), &options, -EACCES, FRAGMENTS("admin", "key"));
    free(key);
}

static void a_key_that_is_none_is_not_told(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = with_option("key", "bm90IGEga2V5");

    (void)state;
    must_not_open(uri, &options, -EINVAL, FRAGMENTS("key"));
    options = with_option("key", "by no means base64");
    must_not_open(uri, &options, -EINVAL, FRAGMENTS("key"));
}

static void a_missing_keyring_names_the_user(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = with_option("keyring", temp_path("missing.keyring"));

    (void)state;
    must_not_open(uri, &options, -ENOENT, FRAGMENTS("keyring", "admin"));
}

static void a_keyring_of_somebody_else_names_the_user(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = with_option("keyring", keyring_of(new_user("profile rbd", "profile rbd")));

    (void)state;
    must_not_open(uri, &options, -EACCES, FRAGMENTS("key", "admin"));
}

static void a_user_with_its_own_keyring_or_key_can_open(void **state)
{
    const char *image = plain_image(), *user = new_user("profile rbd", "profile rbd pool=rbd");
    struct vdisk_open_options options = with_option("keyring", keyring_of(user));
    char *key = key_of(user);

    (void)state;
    options.id = bare(user);
    must_open_uri(text("rbd:%s", image), &options);
    options = with_option("key", key);
    options.id = bare(user);
    must_open_uri(text("rbd:%s", image), &options);
    options = default_options(0);
    must_open_uri(text("rbd:%s:id=%s:key=%s", image, bare(user), key), &options);
    must_open_uri(text("rbd:%s:id=%s:keyring=%s", image, bare(user), keyring_of(user)), &options);
    free(key);
}

/* Capabilities. */

static struct vdisk_open_options options_of(const char *user, uint32_t flags)
{
    struct vdisk_open_options options = with_option("keyring", keyring_of(user));

    options.id = bare(user);
    options.flags = flags;
    return options;
}

static void a_user_who_may_only_read_can_open_read_only(void **state)
{
    const char *image = new_image(), *user = new_user("profile rbd", "profile rbd-read-only");
    struct vdisk_open_options options = options_of(user, VDISK_OPEN_READ_ONLY);
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk *disk;

    (void)state;
    import_image(image, data, SIZE, NULL);
    RBD("snap", "create", text("%s@snap", image));
    disk = open_disk_with(image, &options);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    disk = open_disk_with(text("%s@snap", image), &options);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    free(data);
}

static void a_user_who_may_only_read_cannot_open_for_writing(void **state)
{
    const char *image = plain_image(), *user = new_user("profile rbd", "profile rbd-read-only");
    struct vdisk_open_options options = options_of(user, 0);

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EPERM, FRAGMENTS(base_name(image), "rbd"));
}

static void a_user_of_another_pool_cannot_open(void **state)
{
    const char *image = plain_image(), *user = new_user("profile rbd", "profile rbd pool=another");
    struct vdisk_open_options options = options_of(user, 0);

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EPERM, FRAGMENTS(base_name(image), "rbd"));
    options.flags = VDISK_OPEN_READ_ONLY;
    must_not_open(text("rbd:%s", image), &options, -EPERM, FRAGMENTS(base_name(image), "rbd"));
}

static void a_user_of_one_namespace_can_open_there_only(void **state)
{
    const char *namespace = new_namespace();
    const char *inside = new_image_in(namespace), *outside = plain_image();
    const char *user = new_user("profile rbd", text("profile rbd pool=rbd namespace=%s", base_name(namespace)));
    struct vdisk_open_options options = options_of(user, 0);

    (void)state;
    create_image(inside, SIZE, 0);
    must_open_uri(text("rbd:%s", inside), &options);
    must_not_open(text("rbd:%s", outside), &options, -EPERM, FRAGMENTS(base_name(outside)));
}

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

/* Options. */

static void an_option_ceph_does_not_have_is_named(void **state)
{
    const char *image = plain_image();
    struct vdisk_open_options options = with_option("rbd_no_such_thing", "secret");

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EINVAL, FRAGMENTS("rbd_no_such_thing", "program"));
    options = default_options(0);
    must_not_open(text("rbd:%s:rbd_no_such_thing=secret", image), &options, -EPERM, FRAGMENTS("rbd_no_such_thing"));
    options.uri_policy = VDISK_URI_ANY;
    must_not_open(text("rbd:%s:rbd_no_such_thing=secret", image), &options, -EINVAL,
                  FRAGMENTS("rbd_no_such_thing", "URI"));
}

static void an_option_with_a_bad_value_is_named(void **state)
{
    const char *image = plain_image();
    struct vdisk_open_options options = with_option("rbd_cache_size", "plenty");

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EINVAL, FRAGMENTS("rbd_cache_size", "program"));
    options = default_options(0);
    must_not_open(text("rbd:%s:rbd_cache_size=plenty", image), &options, -EPERM, FRAGMENTS("rbd_cache_size"));
    options.uri_policy = VDISK_URI_ANY;
    must_not_open(text("rbd:%s:rbd_cache_size=plenty", image), &options, -EINVAL, FRAGMENTS("rbd_cache_size", "URI"));
}

/* Were it not refused, Ceph would make this file. */
static void a_log_file_in_the_uri_is_refused_and_not_made(void **state)
{
    static const char *const spellings[] = {"log_file", "log-file", "log file", " log_file "};
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image(), *path = temp_path("log");

    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        must_not_open(text("rbd:%s:%s=%s", image, spellings[i], path), &options, -EPERM,
                      FRAGMENTS(spellings[i], "VDISK_URI_ANY"));
        assert_int_not_equal(access(path, F_OK), 0);
    }
    options.uri_policy = VDISK_URI_ANY;
    must_open_uri(text("rbd:%s:log_file=%s", image, path), &options);
    assert_int_equal(access(path, F_OK), 0);
}

static void options_that_name_files_code_or_monitors_are_refused_in_the_uri(void **state)
{
    static const char *const keys[] = {"admin_socket", "plugin_dir", "rbd_plugins", "keyfile",
                                       "mon_host",     "run_dir",    "crash_dir",   "log_to_stderr"};
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image();

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        must_not_open(text("rbd:%s:%s=/some/where", image, keys[i]), &options, -EPERM, FRAGMENTS(keys[i]));
}

static void the_strict_policy_refuses_what_the_guarded_one_allows(void **state)
{
    char *key = key_of("client.admin");
    const char *uri = text("rbd:%s:key=%s", plain_image(), key);
    struct vdisk_open_options options = default_options(0);

    (void)state;
    must_open_uri(uri, &options);
    options.uri_policy = VDISK_URI_STRICT;
    must_not_open(uri, &options, -EPERM, FRAGMENTS("key", "strict"));
    free(key);
}

static void options_of_the_program_are_not_filtered(void **state)
{
    const char *path = temp_path("log");
    struct vdisk_open_options options = with_option("log_file", path);

    (void)state;
    options.uri_policy = VDISK_URI_STRICT;
    must_open_uri(text("rbd:%s", plain_image()), &options);
    assert_int_equal(access(path, F_OK), 0);
}

/* Read-only disks. */

static void a_read_only_disk_refuses_every_write(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 2), *other = pattern(SIZE, 3);
    struct vdisk_queue *queue = new_queue(4);
    struct iovec iov = {other, SIZE};
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, SIZE, NULL);
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        const char *const *name = FRAGMENTS(base_name(image), "read-only");

        assert_failed(vdisk_pwrite(disk, other, SIZE, 0, flags, &err), -EROFS, &err, name);
        assert_failed(vdisk_pwritev(disk, &iov, 1, 0, flags, &err), -EROFS, &err, name);
        assert_int_equal(vdisk_aio_writev(queue, disk, &iov, 1, 0, flags, NULL), -EROFS);
    }
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    assert_rbd_exports(image, data, SIZE);
    free(data);
    free(other);
}

static void flushing_a_read_only_disk_does_nothing_and_succeeds(void **state)
{
    struct vdisk *disk = open_disk(plain_image(), VDISK_OPEN_READ_ONLY);
    struct vdisk_queue *queue = new_queue(4);
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_flush(disk, &err), &err);
    assert_int_equal(vdisk_aio_flush(queue, disk, 0, NULL), 0);
    assert_int_equal(wait_one(queue).result, 0);
    close_disk(disk);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

/* It takes no lock and no watch: an image with neither can be removed. */
static void a_read_only_disk_does_not_keep_the_image_from_being_removed(void **state)
{
    const char *image = plain_image();
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);

    (void)state;
    RBD("rm", image);
    close_disk(disk);
}

static void a_disk_that_can_be_written_keeps_the_image_from_being_removed(void **state)
{
    const char *image = plain_image();
    struct vdisk *disk = open_disk(image, 0);

    (void)state;
    assert_int_not_equal(RBD_STATUS("rm", image), 0);
    close_disk(disk);
    RBD("rm", image);
}

/* The process around. */

/* Calls visit(tid) for every thread but this one. */
static void for_other_threads(void (*visit)(const char *tid))
{
    DIR *tasks = opendir("/proc/self/task");
    const char *own = text("%ld", (long)gettid());
    struct dirent *entry;

    assert_non_null(tasks);
    while ((entry = readdir(tasks))) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0)
            visit(entry->d_name);
    }
    closedir(tasks);
}

static unsigned int thread_count;

static void count_thread(const char *tid)
{
    (void)tid;
    thread_count++;
}

/* 0 when the thread has ended in the meantime. */
static bool blocked_signals(unsigned long long *mask, const char *tid)
{
    FILE *file = fopen(text("/proc/self/task/%s/status", tid), "r");
    bool found = false;
    char line[256];

    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "SigBlk: %llx", mask) == 1;
    if (file)
        fclose(file);
    return found;
}

/* All but KILL and STOP, and the two that the C library keeps for itself: none of these can be blocked. */
static void assert_signals_blocked(const char *tid)
{
    const unsigned long long exceptions = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 1ull << 31 | 1ull << 32;
    unsigned long long mask;

    if (!blocked_signals(&mask, tid))
        return;
    if (~mask & ~exceptions)
        fail_msg("thread %s does not block the signals 0x%llx", tid, ~mask & ~exceptions);
    thread_count++;
}

static void use_disk(struct vdisk *disk)
{
    unsigned char *data = pattern(SIZE, 4);
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    assert_disk_holds(disk, data, SIZE);
    free(data);
}

static void all_threads_of_ceph_and_the_library_block_all_signals(void **state)
{
    const char *image = plain_image();
    struct vdisk *writable = open_disk(image, 0), *read_only = open_disk(image, VDISK_OPEN_READ_ONLY);

    (void)state;
    /* Some threads start only when there is something to do. */
    use_disk(writable);
    use_disk(writable);
    thread_count = 0;
    for_other_threads(assert_signals_blocked);
    assert_true(thread_count > 2);
    close_disk(read_only);
    close_disk(writable);
}

static volatile sig_atomic_t handled_by;

static void note_thread(int signal)
{
    (void)signal;
    handled_by = (sig_atomic_t)gettid();
}

/* With the test's own thread not taking it either, the signal waits. */
static void a_signal_to_the_process_runs_no_handler_on_ceph_s_threads(void **state)
{
    struct sigaction action = {.sa_handler = note_thread}, before;
    struct vdisk *disk = open_disk(plain_image(), 0);
    sigset_t signals, saved, pending;

    (void)state;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &signals, &saved), 0);
    handled_by = 0;
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    use_disk(disk);
    assert_int_equal(handled_by, 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_true(sigismember(&pending, SIGUSR1));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &saved, NULL), 0);
    assert_int_equal(handled_by, gettid());
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    close_disk(disk);
}

/* Not by memory: the kernel's part of a sigset_t is a fraction of it. */
static void assert_blocks_only(int expected)
{
    sigset_t now;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        assert_int_equal(sigismember(&now, signal), signal == expected);
}

static void opening_leaves_the_callers_own_signal_mask_as_it_was(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image();
    sigset_t signals, saved;

    (void)state;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &signals, &saved), 0);
    must_open_uri(text("rbd:%s", image), &options);
    assert_blocks_only(SIGUSR2);
    must_not_open("rbd:rbd/no such image", &options, -ENOENT, FRAGMENTS("image"));
    assert_blocks_only(SIGUSR2);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &saved, NULL), 0);
}

static unsigned int count_descriptors(void)
{
    DIR *descriptors = opendir("/proc/self/fd");
    unsigned int count = 0;

    assert_non_null(descriptors);
    while (readdir(descriptors))
        count++;
    closedir(descriptors);
    return count;
}

struct leftovers {
    unsigned int threads;
    unsigned int descriptors;
};

static struct leftovers count_leftovers(void)
{
    thread_count = 0;
    for_other_threads(count_thread);
    return (struct leftovers){thread_count, count_descriptors()};
}

static bool nothing_is_left_over(void *arg)
{
    const struct leftovers *before = arg;
    struct leftovers now = count_leftovers();

    return now.threads <= before->threads && now.descriptors <= before->descriptors;
}

static void open_and_fail_everywhere(const char *image)
{
    struct vdisk_open_options options = default_options(0);

    must_open_uri(text("rbd:%s", image), &options);
    must_not_open("rbd:nowhere/image", &options, -ENOENT, FRAGMENTS("nowhere"));
    must_not_open("rbd:rbd/nowhere/image", &options, -ENOENT, FRAGMENTS("nowhere"));
    must_not_open("rbd:rbd/no such image", &options, -ENOENT, FRAGMENTS("no such image"));
    options.flags = VDISK_OPEN_READ_ONLY;
    must_open_uri(text("rbd:%s", image), &options);
    must_not_open(text("rbd:%s@nothing", image), &options, -ENOENT, FRAGMENTS("nothing"));
    options.id = "nobody";
    must_not_open(text("rbd:%s", image), &options, -EACCES, FRAGMENTS("nobody"));
}

static void neither_success_nor_failure_leaves_threads_or_descriptors(void **state)
{
    const char *image = plain_image();
    struct leftovers before;

    (void)state;
    /* What Ceph sets up once and keeps. */
    open_and_fail_everywhere(image);
    before = count_leftovers();
    for (int i = 0; i < 5; i++)
        open_and_fail_everywhere(image);
    wait_until(nothing_is_left_over, &before, "threads and descriptors are as few as before");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_pool_is_named),
        TEST(a_missing_namespace_is_named),
        TEST(a_missing_image_is_named),
        TEST(an_image_of_another_namespace_is_missing),
        TEST(a_missing_snapshot_is_named),
        TEST(of_a_snapshot_of_a_missing_image_the_image_is_named),
        TEST(a_snapshot_without_read_only_is_refused),
        TEST(a_user_without_a_key_in_the_keyring_is_named),
        TEST(a_user_the_cluster_does_not_know_is_named),
        TEST(a_wrong_key_of_the_program_is_not_told),
        TEST(a_wrong_key_of_the_uri_is_not_told),
        TEST(a_key_that_is_none_is_not_told),
        TEST(a_missing_keyring_names_the_user),
        TEST(a_keyring_of_somebody_else_names_the_user),
        TEST(a_user_with_its_own_keyring_or_key_can_open),
        TEST(a_user_who_may_only_read_can_open_read_only),
        TEST(a_user_who_may_only_read_cannot_open_for_writing),
        TEST(a_user_of_another_pool_cannot_open),
        TEST(a_user_of_one_namespace_can_open_there_only),
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
        TEST(an_option_ceph_does_not_have_is_named),
        TEST(an_option_with_a_bad_value_is_named),
        TEST(a_log_file_in_the_uri_is_refused_and_not_made),
        TEST(options_that_name_files_code_or_monitors_are_refused_in_the_uri),
        TEST(the_strict_policy_refuses_what_the_guarded_one_allows),
        TEST(options_of_the_program_are_not_filtered),
        TEST(a_read_only_disk_refuses_every_write),
        TEST(flushing_a_read_only_disk_does_nothing_and_succeeds),
        TEST(a_read_only_disk_does_not_keep_the_image_from_being_removed),
        TEST(a_disk_that_can_be_written_keeps_the_image_from_being_removed),
        TEST(all_threads_of_ceph_and_the_library_block_all_signals),
        TEST(a_signal_to_the_process_runs_no_handler_on_ceph_s_threads),
        TEST(opening_leaves_the_callers_own_signal_mask_as_it_was),
        TEST(neither_success_nor_failure_leaves_threads_or_descriptors),
    };

    if (argc == 2)
        return open_with_conf(argv[1]);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
