/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests blocking calls of several threads on one disk. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct caller {
    pthread_t thread;
    struct vdisk *disk;
    unsigned char *data;
    size_t offset;
    size_t size;
    int result;
};

static void *write_and_read_back(void *arg)
{
    struct caller *caller = arg;
    unsigned char *read = malloc(caller->size);

    for (int i = 0; i < 20 && caller->result == 0; i++) {
        fill(caller->data, caller->size, (uint64_t)i + caller->offset);
        caller->result = vdisk_pwrite(caller->disk, caller->data, caller->size, caller->offset, 0, NULL);
        if (caller->result == 0)
            caller->result = vdisk_pread(caller->disk, read, caller->size, caller->offset, 0, NULL);
        if (caller->result == 0 && memcmp(read, caller->data, caller->size) != 0)
            caller->result = -EILSEQ;
        if (caller->result == 0 && i % 7 == 0)
            caller->result = vdisk_flush(caller->disk, NULL);
    }
    free(read);
    return NULL;
}

static void blocking_calls_of_several_threads_go_on_side_by_side(void **state)
{
    enum { CALLERS = 6 };
    const size_t piece = 700001;
    const char *image = new_image();
    unsigned char *data = pattern(CALLERS * piece, 18);
    struct vdisk *disk;
    struct caller callers[CALLERS];

    (void)state;
    create_image(image, CALLERS * piece, 0);
    disk = open_disk(image, 0);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.disk = disk, .data = data + i * piece, .offset = i * piece, .size = piece};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, write_and_read_back, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(callers[i].result, 0);
    close_disk(disk);
    assert_rbd_exports(image, data, CALLERS * piece);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blocking_calls_of_several_threads_go_on_side_by_side),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
