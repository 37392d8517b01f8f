/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fake aborts on what hangs or crashes with the real librbd, and says why. Each trap is sprung in a child. */
#include "fake_helpers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char data[16];

static void read_text(int fd, char *text, size_t size)
{
    size_t length = 0;
    ssize_t got;

    while (length + 1 < size && (got = read(fd, text + length, size - length - 1)) > 0)
        length += (size_t)got;
    text[length] = '\0';
}

static _Noreturn void be_child(void (*spring)(struct opened *), int out)
{
    void *state;

    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    /* Not cmocka's handler, which would tell of a failed test. */
    signal(SIGABRT, SIG_DFL);
    dup2(out, STDERR_FILENO);
    set_up_image(&state);
    spring(state);
    _exit(0);
}

/* The fake has no threads in the parent, so that the child may have some. */
static void assert_trapped(void (*spring)(struct opened *), const char *expected)
{
    char text[2048];
    int ends[2], status;
    pid_t child;

    fake_reset();
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0)
        be_child(spring, ends[1]);
    assert_true(child > 0);
    close(ends[1]);
    read_text(ends[0], text, sizeof text);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!strstr(text, expected) || !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("expected an abort with \"%s\", got status %x and \"%s\"", expected, (unsigned int)status, text);
}

/* Handles. */

static void use_closed_image(struct opened *opened)
{
    uint64_t size;

    rbd_close(opened->image);
    rbd_get_size(opened->image, &size);
}

static void close_image_twice(struct opened *opened)
{
    rbd_close(opened->image);
    rbd_close(opened->image);
}

static void use_pool_as_image(struct opened *opened)
{
    uint64_t size;

    rbd_get_size(opened->pool, &size);
}

static void destroy_pool_first(struct opened *opened)
{
    rados_ioctx_destroy(opened->pool);
}

static void shut_down_first(struct opened *opened)
{
    rados_shutdown(opened->cluster);
}

static void reset_too_early(struct opened *opened)
{
    (void)opened;
    fake_reset();
}

static void close_with_watch(struct opened *opened)
{
    uint64_t cookie;

    rbd_update_watch(opened->image, &cookie, count_event, NULL);
    rbd_close(opened->image);
    disconnect(opened);
    fake_reset();
}

static void misused_handles_are_trapped(void **state)
{
    (void)state;
    assert_trapped(use_closed_image, "fake: rbd_get_size: the image \"p//i\" is closed\n");
    assert_trapped(close_image_twice, "fake: rbd_close: the image \"p//i\" is closed\n");
    assert_trapped(use_pool_as_image, " is no image\n");
    assert_trapped(destroy_pool_first, "fake: rados_ioctx_destroy: 1 images in pool p are still open\n");
    assert_trapped(shut_down_first, "fake: rados_shutdown: 1 ioctxs of client.me are still there\n");
    assert_trapped(close_with_watch, "fake: 1 left over: 1 watches on images that were closed; \n");
    assert_trapped(reset_too_early, "fake: 3 left over: image \"p//i\"; ioctx \"p\"; cluster handle \"client.me\"; \n");
}

/* Requests. */

static void close_in_flight(struct opened *opened)
{
    struct request request;

    fake_hold(FAKE_READ);
    start_read(&request, opened->image, 0, data, 4);
    rbd_close(opened->image);
}

static void reset_in_flight(struct opened *opened)
{
    struct request request;

    fake_hold(FAKE_READ);
    start_read(&request, opened->image, 0, data, 4);
    fake_reset();
}

static void read_into_null(struct opened *opened)
{
    struct request request;

    rbd_aio_read(opened->image, 0, 0, NULL, new_completion(&request));
}

static void compare_nothing(struct opened *opened)
{
    struct request request;

    rbd_aio_compare_and_write(opened->image, 0, 0, data, data, new_completion(&request), NULL, 0);
}

static void readv_into_null(struct opened *opened)
{
    struct iovec iov = {NULL, 0};
    struct request request;

    rbd_aio_readv(opened->image, &iov, 1, 0, new_completion(&request));
}

static void write_two_gibibytes(struct opened *opened)
{
    struct iovec iov[2] = {{data, 1u << 30}, {data, 1u << 30}};
    struct request request;

    rbd_aio_writev(opened->image, iov, 2, 0, new_completion(&request));
}

static void misused_requests_are_trapped(void **state)
{
    (void)state;
    assert_trapped(close_in_flight, "fake: rbd_close: the image \"p//i\" has requests in flight\n");
    assert_trapped(reset_in_flight, "completion, in flight");
    assert_trapped(read_into_null, "fake: rbd_aio_read: a read of length 0 into NULL");
    assert_trapped(compare_nothing, "fake: rbd_aio_compare_and_write: a compare-and-write of length 0");
    assert_trapped(readv_into_null, "fake: rbd_aio_readv: a read of length 0 into NULL");
    assert_trapped(write_two_gibibytes, "fake: rbd_aio_writev: a request of 2 GiB or more");
}

/* Completions. */

static rbd_completion_t held_completion(struct opened *opened)
{
    static struct request request;
    rbd_completion_t completion = new_completion(&request);

    fake_hold(FAKE_READ);
    rbd_aio_read(opened->image, 0, 4, data, completion);
    return completion;
}

static void release_in_flight(struct opened *opened)
{
    rbd_aio_release(held_completion(opened));
}

static void ask_in_flight(struct opened *opened)
{
    rbd_aio_get_return_value(held_completion(opened));
}

static void submit_twice(struct opened *opened)
{
    rbd_aio_read(opened->image, 0, 4, data, held_completion(opened));
}

static void release_twice(struct opened *opened)
{
    rbd_completion_t completion;

    (void)opened;
    rbd_aio_create_completion(NULL, NULL, &completion);
    rbd_aio_release(completion);
    rbd_aio_release(completion);
}

static void release_after_callback_did(struct opened *opened)
{
    struct request request;
    rbd_completion_t completion = new_completion(&request);

    rbd_aio_read(opened->image, 0, 4, data, completion);
    result_of(&request);
    rbd_aio_release(completion);
}

static void misused_completions_are_trapped(void **state)
{
    (void)state;
    assert_trapped(release_in_flight, "fake: rbd_aio_release: the completion is not complete\n");
    assert_trapped(ask_in_flight, "fake: rbd_aio_get_return_value: the completion is not complete\n");
    assert_trapped(submit_twice, "fake: rbd_aio_read: the completion was submitted before\n");
    assert_trapped(release_twice, "fake: rbd_aio_release: the completion is released\n");
    assert_trapped(release_after_callback_did, "fake: rbd_aio_release: the completion is released\n");
}

/* Callbacks. */

static void flush_in_callback(rbd_completion_t completion, void *image)
{
    (void)completion;
    rbd_flush(image);
}

static void block_in_callback(struct opened *opened)
{
    rbd_completion_t completion;

    rbd_aio_create_completion(opened->image, flush_in_callback, &completion);
    rbd_aio_read(opened->image, 0, 4, data, completion);
    pause();
}

static void block_in_inline_callback(struct opened *opened)
{
    fake_inline(FAKE_READ);
    block_in_callback(opened);
}

static void close_in_event(void *image)
{
    rbd_close(image);
}

static void block_in_event(struct opened *opened)
{
    uint64_t cookie;

    rbd_update_watch(opened->image, &cookie, close_in_event, opened->image);
    fake_notify("p", "", "i");
    pause();
}

static void blocking_callbacks_are_trapped(void **state)
{
    (void)state;
    assert_trapped(block_in_callback, "fake: rbd_flush: called inside a callback");
    assert_trapped(block_in_inline_callback, "fake: rbd_flush: called inside a callback");
    assert_trapped(block_in_event, "fake: rbd_close: called inside a callback");
}

/* The rest. */

static void unwatch_unknown(struct opened *opened)
{
    rbd_update_unwatch(opened->image, 77);
}

static void shrink_without_progress(struct opened *opened)
{
    rbd_resize2(opened->image, 1, true, NULL, NULL);
}

static void snapshot_without_progress(struct opened *opened)
{
    rbd_snap_create2(opened->image, "s", 0, NULL, NULL);
}

static void connect_again(struct opened *opened)
{
    rados_t cluster;

    (void)opened;
    rados_create(&cluster, NULL);
    fake_fail_call("rados_connect", 1, EACCES);
    rados_connect(cluster);
    rados_connect(cluster);
}

static void wait_for_map_unconnected(struct opened *opened)
{
    rados_t cluster;

    (void)opened;
    rados_create(&cluster, NULL);
    rados_wait_for_latest_osdmap(cluster);
}

static void other_misuse_is_trapped(void **state)
{
    (void)state;
    assert_trapped(unwatch_unknown, "fake: rbd_update_unwatch: the image \"p//i\" has no such watch");
    assert_trapped(shrink_without_progress, "fake: rbd_resize2: there is progress to tell");
    assert_trapped(snapshot_without_progress, "fake: rbd_snap_create2: there is progress to tell");
    assert_trapped(connect_again, "fake: rados_connect: connecting has failed before");
    assert_trapped(wait_for_map_unconnected, "fake: rados_wait_for_latest_osdmap: without a connection");
}

/* Mistakes of tests. */

static void misspell(struct opened *opened)
{
    (void)opened;
    fake_fail_call("rbd_aio_raed", 1, EIO);
}

static void fail_what_cannot(struct opened *opened)
{
    (void)opened;
    fake_fail_call("rbd_aio_release", 1, EIO);
}

static void fail_with_negative(struct opened *opened)
{
    (void)opened;
    fake_fail_call("rbd_aio_read", 1, -EIO);
}

static void look_for_missing_image(struct opened *opened)
{
    (void)opened;
    fake_image_size("p", "", "missing");
}

static void mistakes_of_tests_are_trapped(void **state)
{
    (void)state;
    assert_trapped(misspell, "there is no function rbd_aio_raed here");
    assert_trapped(fail_what_cannot, "rbd_aio_release has no way to fail");
    assert_trapped(fail_with_negative, "-5 is not a positive errno value");
    assert_trapped(look_for_missing_image, "there is no image p//missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misused_handles_are_trapped),     cmocka_unit_test(misused_requests_are_trapped),
        cmocka_unit_test(misused_completions_are_trapped), cmocka_unit_test(blocking_callbacks_are_trapped),
        cmocka_unit_test(other_misuse_is_trapped),         cmocka_unit_test(mistakes_of_tests_are_trapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
