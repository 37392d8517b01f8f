/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void requests_return_what_they_do(void **state)
{
    char data[4096], got[4096];

    (void)state;
    memset(data, 'a', sizeof data);
    assert_int_equal(do_write(image, 100, data, sizeof data), 0);
    assert_int_equal(do_read(image, 100, got, sizeof got), sizeof got);
    assert_memory_equal(got, data, sizeof got);
    assert_int_equal(do_flush(image), 0);
    assert_int_equal(rbd_flush(image), 0);
    assert_int_equal(rbd_invalidate_cache(image), 0);
    assert_int_equal(do_read(image, SIZE / 2, got, sizeof got), sizeof got);
    assert_int_equal(got[0], 0);
}

static void vectors_move_in_order(void **state)
{
    char text[] = "abcdefgh", got[9] = "........";
    struct iovec out[] = {{text, 3}, {NULL, 0}, {text + 3, 5}};
    struct iovec in[] = {{NULL, 0}, {got, 1}, {got + 1, 7}, {got, 0}};

    (void)state;
    assert_int_equal(do_writev(image, 10, out, 3), 0);
    assert_int_equal(do_readv(image, 10, in, 4), 8);
    assert_string_equal(got, text);
}

static void writes_across_the_end_are_cut_off(void **state)
{
    char data[20], got[20];
    struct iovec iov[] = {{data, 15}, {data, 5}};

    (void)state;
    memset(data, 'w', sizeof data);
    assert_int_equal(do_write(image, SIZE - 10, data, sizeof data), 0);
    assert_int_equal(size_of(image), SIZE);
    assert_int_equal(do_writev(image, SIZE - 12, iov, 2), 0);
    assert_int_equal(do_read(image, SIZE - 12, got, 12), 12);
    assert_memory_equal(got, data, 12);
    assert_int_equal(resize(image, 2 * SIZE, false), 0);
    assert_int_equal(do_read(image, SIZE, got, sizeof got), sizeof got);
    for (size_t i = 0; i < sizeof got; i++)
        assert_int_equal(got[i], 0);
}

static void reads_across_the_end_are_short(void **state)
{
    char got[] = "....................";
    struct iovec iov[] = {{got, 5}, {got + 5, 15}};

    (void)state;
    assert_int_equal(do_write(image, SIZE - 10, "0123456789", 10), 0);
    assert_int_equal(do_read(image, SIZE - 10, got, 20), 10);
    assert_string_equal(got, "0123456789..........");
    memset(got, '.', 20);
    assert_int_equal(do_readv(image, SIZE - 10, iov, 2), 10);
    assert_string_equal(got, "0123456789..........");
}

static void requests_past_the_end_are_invalid(void **state)
{
    static const uint64_t offsets[] = {SIZE, SIZE + 1, UINT64_MAX - 5, UINT64_MAX};
    char data[10] = {0};
    struct iovec iov[] = {{data, 5}, {data + 5, 5}};

    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        assert_int_equal(do_read(image, offsets[i], data, 10), -EINVAL);
        assert_int_equal(do_readv(image, offsets[i], iov, 2), -EINVAL);
        assert_int_equal(do_write(image, offsets[i], data, 10), -EINVAL);
        assert_int_equal(do_writev(image, offsets[i], iov, 2), -EINVAL);
    }
}

static void empty_requests_succeed_anywhere(void **state)
{
    char data[1];
    struct iovec nothing[] = {{NULL, 0}, {NULL, 0}};

    (void)state;
    assert_int_equal(do_read(image, 0, data, 0), 0);
    assert_int_equal(do_read(image, SIZE + 5, data, 0), 0);
    assert_int_equal(do_write(image, 0, NULL, 0), 0);
    assert_int_equal(do_write(image, SIZE + 5, NULL, 0), 0);
    assert_int_equal(do_readv(image, 0, nothing, 2), 0);
    assert_int_equal(do_writev(image, 0, nothing, 2), 0);
    assert_int_equal(do_writev(image, 0, nothing, 1), 0);
}

static void empty_vectors_are_refused_without_a_callback(void **state)
{
    struct request request;
    rbd_completion_t completion = new_completion(&request);
    struct iovec iov = {&request, 1};

    (void)state;
    assert_int_equal(rbd_aio_readv(image, &iov, 0, 0, completion), -EINVAL);
    assert_int_equal(rbd_aio_readv(image, &iov, -1, 0, completion), -EINVAL);
    assert_int_equal(rbd_aio_writev(image, &iov, 0, 0, completion), -EINVAL);
    assert_int_equal(rbd_aio_writev(image, &iov, -1, 0, completion), -EINVAL);
    assert_int_equal(do_flush(image), 0);
    assert_int_equal(request.calls, 0);
    rbd_aio_release(completion);
    sem_destroy(&request.done);
}

static void writes_copy_their_data_when_submitted(void **state)
{
    struct request request;
    char data[] = "old", got[4];
    struct iovec iov[] = {{data, 2}, {data + 2, 2}};

    (void)state;
    assert_int_equal(rbd_aio_writev(image, iov, 2, 0, new_completion(&request)), 0);
    memcpy(data, "new", 4);
    memset(iov, 0, sizeof iov);
    assert_int_equal(wait_for(&request), 0);
    assert_int_equal(do_read(image, 0, got, 4), 4);
    assert_string_equal(got, "old");
}

static void callbacks_can_be_null(void **state)
{
    rbd_completion_t completion;
    char data[1];

    (void)state;
    assert_int_equal(rbd_aio_create_completion(NULL, NULL, &completion), 0);
    assert_ptr_equal(rbd_aio_get_arg(completion), NULL);
    assert_int_equal(rbd_aio_read(image, 0, 1, data, completion), 0);
    /* Nothing tells when it is done but what comes after it. */
    assert_int_equal(do_flush(image), 0);
    assert_int_equal(do_read(image, 0, data, 1), 1);
    usleep(200000);
    assert_int_equal(rbd_aio_get_return_value(completion), 1);
    rbd_aio_release(completion);
}

/* Order. */

#define MANY 64

struct sequence {
    sem_t done;
    int called;
    int running;
    int most;
};

struct member {
    struct sequence *sequence;
    int place;
};

static void note_place(rbd_completion_t completion, void *arg)
{
    struct member *member = arg;
    struct sequence *sequence = member->sequence;
    int running = __atomic_add_fetch(&sequence->running, 1, __ATOMIC_RELAXED);

    if (running > __atomic_load_n(&sequence->most, __ATOMIC_RELAXED))
        __atomic_store_n(&sequence->most, running, __ATOMIC_RELAXED);
    member->place = __atomic_add_fetch(&sequence->called, 1, __ATOMIC_RELAXED);
    usleep(100);
    __atomic_sub_fetch(&sequence->running, 1, __ATOMIC_RELAXED);
    rbd_aio_release(completion);
    sem_post(&sequence->done);
}

static rbd_completion_t noting(struct member *member, struct sequence *sequence)
{
    rbd_completion_t completion;

    member->sequence = sequence;
    assert_int_equal(rbd_aio_create_completion(member, note_place, &completion), 0);
    return completion;
}

static void flush_comes_after_earlier_writes_and_callbacks_one_at_a_time(void **state)
{
    struct sequence sequence = {.called = 0};
    struct member members[MANY + 1];
    char data[4096] = {0};

    (void)state;
    sem_init(&sequence.done, 0, 0);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(rbd_aio_write(image, i * 8192, sizeof data, data, noting(&members[i], &sequence)), 0);
    assert_int_equal(rbd_aio_flush(image, noting(&members[MANY], &sequence)), 0);
    for (int i = 0; i <= MANY; i++) {
        while (sem_wait(&sequence.done) < 0)
            continue;
    }
    assert_int_equal(members[MANY].place, MANY + 1);
    assert_int_equal(sequence.most, 1);
}

int agree_on_requests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(requests_return_what_they_do),
        WITH_IMAGE(vectors_move_in_order),
        WITH_IMAGE(writes_across_the_end_are_cut_off),
        WITH_IMAGE(reads_across_the_end_are_short),
        WITH_IMAGE(requests_past_the_end_are_invalid),
        WITH_IMAGE(empty_requests_succeed_anywhere),
        WITH_IMAGE(empty_vectors_are_refused_without_a_callback),
        WITH_IMAGE(writes_copy_their_data_when_submitted),
        WITH_IMAGE(callbacks_can_be_null),
        WITH_IMAGE(flush_comes_after_earlier_writes_and_callbacks_one_at_a_time),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
