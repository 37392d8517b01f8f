/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tuning does to the threads that librados really starts, and what outranks it. */
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_named(const char *thread, const char *start)
{
    char path[300], name[32] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread);
    file = fopen(path, "r");
    if (!file)
        return false;
    if (!fgets(name, sizeof name, file))
        name[0] = '\0';
    fclose(file);
    return strncmp(name, start, strlen(start)) == 0;
}

/* How many threads of this process have names that start so. */
static unsigned int threads(const char *start)
{
    DIR *all = opendir("/proc/self/task");
    unsigned int count = 0;

    assert_non_null(all);
    for (const struct dirent *entry; (entry = readdir(all));)
        count += is_named(entry->d_name, start);
    closedir(all);
    return count;
}

static void assert_threads(const char *image, const struct vdisk_open_options *options, unsigned int callback,
                           unsigned int network)
{
    struct vdisk *disk = open_disk_with(image, options);

    assert_int_equal(threads("io_context_pool"), callback);
    assert_int_equal(threads("msgr-worker"), network);
    close_disk(disk);
    assert_int_equal(threads("msgr-worker"), 0);
}

static struct vdisk_open_options tuned(uint32_t tuning)
{
    struct vdisk_open_options options = default_options(0);

    options.tuning = tuning;
    return options;
}

static void profiles_start_fewer_threads(void **state)
{
    const char *image = new_image();
    struct vdisk_open_options none = tuned(VDISK_TUNE_NONE);
    struct vdisk_open_options throughput = tuned(VDISK_TUNE_THROUGHPUT);
    struct vdisk_open_options footprint = tuned(VDISK_TUNE_FOOTPRINT);

    (void)state;
    create_image(image, MIB(4), 0);
    assert_threads(image, &none, 2, 3);
    assert_threads(image, &throughput, 1, 3);
    assert_threads(image, &footprint, 1, 1);
}

static void the_program_outranks_them(void **state)
{
    const char *image = new_image();
    struct vdisk_open_options options = tuned(VDISK_TUNE_FOOTPRINT);
    struct vdisk_option own = {"librados_thread_count", "2"};

    (void)state;
    create_image(image, MIB(4), 0);
    options.options = &own;
    options.option_count = 1;
    assert_threads(image, &options, 2, 1);
}

static void forget_user_config(void *user)
{
    CEPH("config", "rm", user, "librados_thread_count");
}

/* Of the network's threads it could say nothing: they are there before the monitors are asked (16.2.15). */
static void the_monitors_configuration_outranks_them(void **state)
{
    const char *image = new_image(), *user = new_user("profile rbd", "profile rbd");
    struct vdisk_open_options options = tuned(VDISK_TUNE_FOOTPRINT);
    char *key = CEPH_OUTPUT("auth", "print-key", user);
    struct vdisk_option own = {"key", key};

    (void)state;
    create_image(image, MIB(4), 0);
    options.id = user + strlen("client.");
    options.options = &own;
    options.option_count = 1;
    assert_threads(image, &options, 1, 1);
    undo_later(forget_user_config, (void *)(uintptr_t)user);
    CEPH("config", "set", user, "librados_thread_count", "4");
    assert_threads(image, &options, 4, 1);
    free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(profiles_start_fewer_threads),
        TEST(the_program_outranks_them),
        TEST(the_monitors_configuration_outranks_them),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
