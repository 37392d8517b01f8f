/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that a forked child is refused every call, and does the parent no harm. */
#include "queue_disk.h"
#include "support.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child has none of the threads that would answer. What it must not do is hang. */
static int call_everything(struct vdisk *disk, struct vdisk_queue *queue)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_completion completion;
    struct vdisk_info info;
    struct vdisk *other;
    char byte;

    vdisk_info_init(&info, sizeof info);
    return vdisk_pread(disk, &byte, 1, 0, 0, NULL) == -EPERM && vdisk_pwrite(disk, &byte, 1, 0, 0, NULL) == -EPERM &&
           vdisk_flush(disk, NULL) == -EPERM && vdisk_resize(disk, SIZE + 1, 0, NULL) == -EPERM &&
           vdisk_snapshot_create(disk, "snap", 0, NULL) == -EPERM && vdisk_get_info(&info, disk, NULL) == -EPERM &&
           read_into(queue, disk, &byte, 1, 0, 0) == -EPERM && write_from(queue, disk, &byte, 1, 0, 0) == -EPERM &&
           vdisk_aio_flush(queue, disk, 0, NULL) == -EPERM && vdisk_queue_reap(queue, &completion, 1) == -EPERM &&
           vdisk_queue_drain(queue) == -EPERM && vdisk_open_uri(&other, "rbd:rbd/x", &options, NULL) == -EPERM &&
           vdisk_close(disk, NULL) == -EPERM;
}

static void a_forked_child_is_refused_everything_and_harms_nothing(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(8);
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        alarm(60);
        _exit(call_everything(fixture.disk, queue) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end_queue(queue);
    take_down_disk(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_forked_child_is_refused_everything_and_harms_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
