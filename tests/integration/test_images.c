/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images are made, listed, renamed and removed here, and the `rbd` tool sees it; and what keeps an image from being
 * removed is named.
 */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (MIB(5) + 4096)

static struct vdisk_uri *parse(const char *spec)
{
    struct vdisk_error err;
    struct vdisk_uri *uri;

    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", spec), &err), &err);
    return uri;
}

static int remove_it(const char *spec, struct vdisk_error *err)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_uri *uri = parse(spec);
    int r = vdisk_remove(uri, &connect, err);

    vdisk_uri_free(uri);
    return r;
}

static int rename_it(const char *spec, const char *new_name, struct vdisk_error *err)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_uri *uri = parse(spec);
    int r = vdisk_rename(uri, new_name, &connect, err);

    vdisk_uri_free(uri);
    return r;
}

static bool is_there(const char *spec)
{
    return RBD_STATUS("info", spec) == 0;
}

/* Refused, with a sentence that holds these; and still there. */
static void assert_kept(const char *spec, int code, const char *const fragments[])
{
    struct vdisk_error err;

    assert_failed(remove_it(spec, &err), code, &err, fragments);
    assert_true(is_there(spec));
}

/* Creating. */

static void an_image_is_laid_out_as_it_was_asked_for(void **state)
{
    struct vdisk_open_options connect = default_options(0);
    const char *spec = new_image();
    struct vdisk_create_options create;
    struct vdisk_uri *uri = parse(spec);
    struct vdisk_error err;
    char *json;

    (void)state;
    vdisk_create_options_init(&create, sizeof create);
    create.object_size = MIB(1);
    create.features = VDISK_FEATURE_LAYERING | VDISK_FEATURE_EXCLUSIVE_LOCK;
    create.stripe_unit = KIB(64);
    create.stripe_count = 4;
    create.data_pool = "rbd";
    assert_done(vdisk_create(uri, SIZE, &create, &connect, &err), &err);
    vdisk_uri_free(uri);
    json = RBD_OUTPUT("info", spec, "--format", "json");
    assert_int_equal(json_number(json, "size"), SIZE);
    assert_int_equal(json_number(json, "object_size"), MIB(1));
    assert_int_equal(json_number(json, "stripe_unit"), KIB(64));
    assert_int_equal(json_number(json, "stripe_count"), 4);
    assert_non_null(strstr(json, "[\"layering\",\"striping\",\"exclusive-lock\""));
    assert_null(strstr(json, "object-map"));
    free(json);
}

static void a_striped_image_holds_what_rbd_reads(void **state)
{
    struct vdisk_open_options connect = default_options(0);
    unsigned char *data = pattern(SIZE, 1);
    const char *spec = new_image();
    struct vdisk_create_options create;
    struct vdisk_uri *uri = parse(spec);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    vdisk_create_options_init(&create, sizeof create);
    create.object_size = KIB(64);
    create.stripe_unit = 512;
    create.stripe_count = 7;
    assert_done(vdisk_create(uri, SIZE, &create, &connect, &err), &err);
    vdisk_uri_free(uri);
    disk = open_disk(spec, 0);
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    close_disk(disk);
    assert_rbd_exports(spec, data, SIZE);
    free(data);
}

/* Removing. */

static void a_removed_image_is_gone(void **state)
{
    unsigned char *data = pattern(SIZE, 2);
    const char *spec = new_image();
    struct vdisk_error err;

    (void)state;
    import_image(spec, data, SIZE, NULL);
    assert_done(remove_it(spec, &err), &err);
    assert_false(is_there(spec));
    assert_failed(remove_it(spec, &err), -ENOENT, &err, FRAGMENTS("no image", base_name(spec)));
    free(data);
}

static void snapshots_are_named(void **state)
{
    const char *spec = new_image();

    (void)state;
    create_image(spec, SIZE, 0);
    RBD("snap", "create", text("%s@monday", spec));
    RBD("snap", "create", text("%s@tuesday", spec));
    assert_kept(spec, -ENOTEMPTY, FRAGMENTS(base_name(spec), "\"monday\", \"tuesday\"."));
    RBD("snap", "rm", text("%s@monday", spec));
    assert_kept(spec, -ENOTEMPTY, FRAGMENTS(": \"tuesday\"."));
}

/* Of clones of the second format, whose snapshot was removed by name. */
static void snapshots_without_a_name_are_told(void **state)
{
    const char *spec = new_image(), *clone = new_image();
    struct vdisk_error err;

    (void)state;
    create_image(spec, SIZE, 0);
    RBD("snap", "create", text("%s@s", spec));
    RBD("clone", "--rbd-default-clone-format", "2", text("%s@s", spec), clone);
    RBD("snap", "rm", text("%s@s", spec));
    assert_kept(spec, -ENOTEMPTY, FRAGMENTS("1 snapshots that Ceph keeps", "flatten"));
    RBD("flatten", clone);
    assert_done(remove_it(spec, &err), &err);
}

static void those_who_have_it_open_are_named(void **state)
{
    const char *spec = new_image();
    struct vdisk *disk, *reader;
    struct vdisk_error err;
    char *json;

    (void)state;
    create_image(spec, SIZE, 0);
    reader = open_disk(spec, VDISK_OPEN_READ_ONLY);
    disk = open_disk(spec, 0);
    json = RBD_OUTPUT("status", spec, "--format", "json");
    assert_kept(spec, -EBUSY, FRAGMENTS(base_name(spec), json_string(json, "address")));
    close_disk(disk);
    assert_done(remove_it(spec, &err), &err);
    close_disk(reader);
    free(json);
}

static void a_member_of_a_group_is_told(void **state)
{
    const char *spec = new_image(), *group = text("%s-group", spec);

    (void)state;
    create_image(spec, SIZE, 0);
    RBD("group", "create", group);
    RBD("group", "image", "add", group, spec);
    assert_kept(spec, -EMLINK, FRAGMENTS("group"));
    RBD("group", "rm", group);
}

/* qemu-io with the image open, which obeys commands. */
struct other {
    pid_t pid;
    int commands;
};

/* After a test that failed. */
static void kill_other(void *other)
{
    kill(((struct other *)other)->pid, SIGKILL);
    waitpid(((struct other *)other)->pid, NULL, 0);
}

static struct other *start_other(const char *spec)
{
    const char *const argv[] = {"qemu-io", "-f", "raw", qemu_name(spec), NULL};
    posix_spawn_file_actions_t actions;
    static struct other other;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 0, 0);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    assert_int_equal(posix_spawnp(&other.pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    other.commands = ends[1];
    undo_later(kill_other, &other);
    return &other;
}

static void tell(const struct other *other, const char *command)
{
    assert_int_equal(write(other->commands, command, strlen(command)), (ssize_t)strlen(command));
}

static void end_other(const struct other *other)
{
    int status;

    kill(other->pid, SIGCONT);
    tell(other, "quit\n");
    close(other->commands);
    assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
    forget(other);
}

static bool is_locked(void *spec)
{
    char *locks = RBD_OUTPUT("lock", "ls", spec);
    bool any = strstr(locks, "client.");

    free(locks);
    return any;
}

/*
 * A machine that is stopped, say, or whose network is slow. librbd by itself would fence it after 20 seconds and remove
 * its image; `rbd rm` does.
 */
static void a_client_that_does_not_answer_keeps_its_image(void **state)
{
    const char *spec = new_image();
    unsigned char *data = malloc(SIZE);
    const struct other *other;
    struct vdisk_error err;

    (void)state;
    create_image(spec, SIZE, 0);
    other = start_other(spec);
    tell(other, "write -P 0x5a 0 4k\n");
    wait_until(is_locked, (void *)(uintptr_t)spec, "qemu-io has the exclusive lock");
    assert_int_equal(kill(other->pid, SIGSTOP), 0);
    assert_kept(spec, -EBUSY, FRAGMENTS(base_name(spec), "in use by"));
    assert_int_equal(kill(other->pid, SIGCONT), 0);
    tell(other, "write -P 0x5b 4k 4k\n");
    end_other(other);
    memset(data, 0, SIZE);
    memset(data, 0x5a, 4096);
    memset(data + 4096, 0x5b, 4096);
    assert_rbd_exports(spec, data, SIZE);
    assert_done(remove_it(spec, &err), &err);
    free(data);
}

/* Renaming. */

static void a_renamed_image_is_the_same(void **state)
{
    const char *spec = new_image(), *other = new_image();
    unsigned char *data = pattern(SIZE, 3);
    char *before, *after;
    struct vdisk_error err;

    (void)state;
    import_image(spec, data, SIZE, NULL);
    before = RBD_OUTPUT("info", spec, "--format", "json");
    assert_done(rename_it(spec, base_name(other), &err), &err);
    assert_false(is_there(spec));
    after = RBD_OUTPUT("info", other, "--format", "json");
    assert_string_equal(json_string(before, "id"), json_string(after, "id"));
    assert_rbd_exports(other, data, SIZE);
    free(before);
    free(after);
    free(data);
}

static void an_open_disk_goes_on_under_its_new_name(void **state)
{
    const char *spec = new_image(), *other = new_image();
    unsigned char *data = pattern(SIZE, 4);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(spec, SIZE, 0);
    disk = open_disk(spec, 0);
    assert_done(rename_it(spec, base_name(other), &err), &err);
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(disk, &err), &err);
    assert_rbd_exports(other, data, SIZE);
    close_disk(disk);
    free(data);
}

static void a_name_that_is_taken_is_told(void **state)
{
    const char *spec = new_image(), *other = new_image();
    struct vdisk_error err;

    (void)state;
    create_image(spec, SIZE, 0);
    create_image(other, MIB(1), 0);
    assert_failed(rename_it(spec, base_name(other), &err), -EEXIST, &err, FRAGMENTS(base_name(other), "already"));
    assert_true(is_there(spec));
    assert_true(is_there(other));
}

/* Listing. */

static void list_it(struct vdisk_image **images, size_t *count, const char *name_space)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_error err;

    assert_done(vdisk_list(images, count, "rbd", name_space, &connect, &err), &err);
}

static void the_list_is_rbd_s(void **state)
{
    const char *name_space = new_namespace();
    struct vdisk_image *images;
    struct vdisk_error err;
    size_t count;
    char *json;

    (void)state;
    list_it(&images, &count, base_name(name_space));
    assert_null(images);
    for (int i = 0; i < 3; i++)
        create_image(new_image_in(name_space), MIB(1), 0);
    list_it(&images, &count, base_name(name_space));
    assert_int_equal(count, 3);
    json = RBD_OUTPUT("ls", name_space, "--format", "json");
    for (size_t i = 0; i < count; i++) {
        char *info = RBD_OUTPUT("info", text("%s/%s", name_space, images[i].name), "--format", "json");

        assert_non_null(strstr(json, text("\"%s\"", images[i].name)));
        assert_string_equal(images[i].id, json_string(info, "id"));
        assert_true(i == 0 || strcmp(images[i - 1].name, images[i].name) < 0);
        free(info);
    }
    assert_done(remove_it(text("%s/%s", name_space, images[1].name), &err), &err);
    vdisk_image_list_free(images);
    list_it(&images, &count, base_name(name_space));
    assert_int_equal(count, 2);
    vdisk_image_list_free(images);
    free(json);
}

/* More than are asked room for at first. */
static void a_long_list_is_complete(void **state)
{
    enum { COUNT = 70 };
    const char *name_space = new_namespace();
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_queue *queue = new_queue(COUNT);
    struct vdisk_image *images;
    struct vdisk_error err;
    size_t count;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        struct vdisk_uri *uri = parse(new_image_in(name_space));

        assert_done(vdisk_aio_create(queue, uri, MIB(1), NULL, &connect, 0, NULL, &err), &err);
        vdisk_uri_free(uri);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(wait_one(queue).result, 0);
    list_it(&images, &count, base_name(name_space));
    assert_int_equal(count, COUNT);
    for (size_t i = 0; i < count; i++) {
        struct vdisk_uri *uri = parse(text("%s/%s", name_space, images[i].name));

        assert_done(vdisk_aio_remove(queue, uri, &connect, 0, NULL, &err), &err);
        vdisk_uri_free(uri);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(wait_one(queue).result, 0);
    vdisk_image_list_free(images);
    list_it(&images, &count, base_name(name_space));
    assert_int_equal(count, 0);
    vdisk_queue_destroy(queue);
}

/* On a queue. */

static void a_removal_tells_how_far_it_is(void **state)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_queue *queue = new_queue(4);
    unsigned char *data = pattern(MIB(32), 5);
    struct vdisk_completion done;
    const char *spec = new_image();
    struct vdisk_uri *uri = parse(spec);
    struct vdisk_error err;
    uint64_t last = 0;
    int reports = 0;

    (void)state;
    import_image(spec, data, MIB(32), NULL);
    assert_done(vdisk_aio_remove(queue, uri, &connect, VDISK_AIO_PROGRESS, NULL, &err), &err);
    while ((done = wait_one(queue)).flags & VDISK_COMPLETION_MORE) {
        assert_true(done.value <= VDISK_PROGRESS_WHOLE);
        last = done.value;
        reports++;
    }
    assert_int_equal(done.result, 0);
    assert_true(reports > 0);
    assert_true(last <= VDISK_PROGRESS_WHOLE);
    assert_false(is_there(spec));
    vdisk_uri_free(uri);
    vdisk_queue_destroy(queue);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_is_laid_out_as_it_was_asked_for),
        TEST(a_striped_image_holds_what_rbd_reads),
        TEST(a_removed_image_is_gone),
        TEST(snapshots_are_named),
        TEST(snapshots_without_a_name_are_told),
        TEST(those_who_have_it_open_are_named),
        TEST(a_member_of_a_group_is_told),
        TEST(a_client_that_does_not_answer_keeps_its_image),
        TEST(a_renamed_image_is_the_same),
        TEST(an_open_disk_goes_on_under_its_new_name),
        TEST(a_name_that_is_taken_is_told),
        TEST(the_list_is_rbd_s),
        TEST(a_long_list_is_complete),
        TEST(a_removal_tells_how_far_it_is),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
