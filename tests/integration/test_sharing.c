/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many disks on few connections: what that costs in threads, and that they do not notice each other. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE MIB(1)
#define COUNT 48

static int threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}

static bool is_back_to(void *arg)
{
    return threads() <= *(int *)arg;
}

static void open_all(struct vdisk *disks[COUNT], const char *image, uint32_t disks_per_connection)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_queue *queue = new_queue(COUNT);
    struct vdisk_error err;
    struct vdisk_uri *uri;

    options.disks_per_connection = disks_per_connection;
    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", image), &err), &err);
    for (int i = 0; i < COUNT; i++)
        assert_done(vdisk_aio_open(queue, &disks[i], uri, &options, 0, NULL, &err), &err);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(wait_one(queue).result, 0);
    vdisk_uri_free(uri);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void close_all(struct vdisk *disks[COUNT])
{
    struct vdisk_error err;

    for (int i = 0; i < COUNT; i++)
        assert_done(vdisk_close(disks[i], &err), &err);
}

/* How many clients watch the image, by their addresses: as many as there are connections. */
static int clients_of(const char *image)
{
    char *status = RBD_OUTPUT("status", "--format", "json", image);
    const char *seen[COUNT];
    int count = 0;

    for (char *at = strstr(status, "\"address\":\""); at; at = strstr(at + 1, "\"address\":\"")) {
        const char *start = at + strlen("\"address\":\"");
        const char *address = text("%.*s", (int)strcspn(start, "\""), start);
        int i = 0;

        while (i < count && strcmp(seen[i], address) != 0)
            i++;
        if (i == count)
            seen[count++] = address;
    }
    free(status);
    return count;
}

static void threads_grow_with_connections_not_with_disks(void **state)
{
    static const struct {
        uint32_t disks_per_connection;
        int connections;
    } cases[] = {{0, 3}, {64, 1}, {24, 2}};
    const char *image = new_image();
    struct vdisk *disks[COUNT];
    int before = threads();

    (void)state;
    create_image(image, SIZE, 0);
    wait_until(is_back_to, &before, "the connection is gone");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_all(disks, image, cases[i].disks_per_connection);
        assert_int_equal(clients_of(image), cases[i].connections);
        /* Some may be on their way out still. */
        assert_true(threads() - before < 25 * cases[i].connections + 40);
        close_all(disks);
        wait_until(is_back_to, &before, "no thread is left");
    }
}

static void each_writes_what_the_others_read(void **state)
{
    const char *image = new_image();
    struct vdisk *disks[COUNT];
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk_error err;

    (void)state;
    create_image(image, SIZE, 0);
    open_all(disks, image, 0);
    for (size_t i = 0; i < COUNT; i++)
        assert_done(vdisk_pwrite(disks[i], data + i * (SIZE / COUNT), SIZE / COUNT, i * (SIZE / COUNT), 0, &err), &err);
    memset(data + SIZE / COUNT * COUNT, 0, SIZE % COUNT);
    for (size_t i = 0; i < COUNT; i += 16)
        assert_disk_holds(disks[i], data, SIZE);
    close_all(disks);
    assert_rbd_exports(image, data, SIZE);
    free(data);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(threads_grow_with_connections_not_with_disks),
        TEST(each_writes_what_the_others_read),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
