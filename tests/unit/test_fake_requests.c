/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How tests/fake/fake.h promises to treat requests. */
#include "fake_helpers.h"

#include <errno.h>
#include <time.h>

static void callbacks_come_from_other_threads(void **state)
{
    struct opened *opened = *state;
    struct request request;
    char data[4];

    start_read(&request, opened->image, 0, data, 4);
    assert_int_equal(result_of(&request), 4);
    assert_false(pthread_equal(request.thread, pthread_self()));
    assert_true(request.in_callback);
    assert_false(fake_in_callback());
}

static void held_requests_wait(void **state)
{
    struct opened *opened = *state;
    struct request read, write, flush;
    char data[4] = "abc", got[4];

    fake_hold(FAKE_READ | FAKE_WRITE);
    start_read(&read, opened->image, 0, got, 4);
    start_write(&write, opened->image, 0, data, 4);
    start_flush(&flush, opened->image);
    assert_true(fake_wait_held(FAKE_IO, 2));
    assert_int_equal(fake_held(FAKE_READ), 1);
    assert_int_equal(fake_held(FAKE_FLUSH), 0);
    assert_int_equal(fake_in_flight(), 3);
    assert_int_equal(fake_image_pages("p", "", "i"), 0);
    assert_false(is_done(&flush));

    assert_int_equal(fake_release(FAKE_WRITE, SIZE_MAX, FAKE_FIFO, 0), 1);
    assert_int_equal(result_of(&write), 0);
    assert_int_equal(result_of(&flush), 0);
    assert_false(is_done(&read));
    fake_release_all();
    assert_int_equal(result_of(&read), 4);
    assert_memory_equal(got, data, 4);
    assert_int_equal(do_read(opened->image, 0, got, 4), 4);
}

static void flush_waits_for_earlier_writes_only(void **state)
{
    struct opened *opened = *state;
    struct request before, flush, after;

    fake_hold(FAKE_WRITE);
    start_write(&before, opened->image, 0, "a", 1);
    start_flush(&flush, opened->image);
    start_write(&after, opened->image, 0, "b", 1);
    assert_int_equal(fake_release(FAKE_WRITE, 1, FAKE_LIFO, 0), 1);
    assert_int_equal(result_of(&after), 0);
    assert_false(is_done(&flush));
    fake_release_all();
    assert_int_equal(result_of(&flush), 0);
    assert_int_equal(result_of(&before), 0);
}

#define MANY 8

/* Holds that many writes to the same place, and releases them in that order. */
static void release_many(struct opened *opened, struct request *requests, enum fake_order order, unsigned int seed)
{
    reset_order();
    fake_hold(FAKE_WRITE);
    for (size_t i = 0; i < MANY; i++)
        start_write(&requests[i], opened->image, 0, &"0123456789"[i], 1);
    assert_int_equal(fake_release(FAKE_IO, SIZE_MAX, order, seed), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(result_of(&requests[i]), 0);
}

static bool is_in_order(const struct request *requests)
{
    for (int i = 0; i < MANY; i++) {
        if (requests[i].place != i + 1)
            return false;
    }
    return true;
}

static void held_requests_are_released_in_order(void **state)
{
    struct request requests[MANY];
    char last;

    release_many(*state, requests, FAKE_FIFO, 0);
    assert_true(is_in_order(requests));
    fake_image_read("p", "", "i", NULL, 0, &last, 1);
    assert_int_equal(last, '7');

    release_many(*state, requests, FAKE_LIFO, 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(requests[i].place, MANY - i);
    fake_image_read("p", "", "i", NULL, 0, &last, 1);
    assert_int_equal(last, '0');
}

static void random_order_is_that_of_its_seed(void **state)
{
    struct request requests[MANY], again[MANY];

    release_many(*state, requests, FAKE_RANDOM, 5);
    release_many(*state, again, FAKE_RANDOM, 5);
    assert_false(is_in_order(requests));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(requests[i].place, again[i].place);
}

static void shuffling_changes_the_order(void **state)
{
    struct request requests[MANY];

    fake_shuffle(3);
    release_many(*state, requests, FAKE_FIFO, 0);
    assert_false(is_in_order(requests));
    fake_shuffle(0);
    release_many(*state, requests, FAKE_FIFO, 0);
    assert_true(is_in_order(requests));
}

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void delayed_requests_come_later(void **state)
{
    struct opened *opened = *state;
    struct request write, read;
    uint64_t start = now_us();
    char data;

    fake_delay(FAKE_WRITE, 50000);
    start_write(&write, opened->image, 0, "x", 1);
    fake_delay(FAKE_WRITE, 0);
    start_read(&read, opened->image, 0, &data, 1);
    assert_int_equal(result_of(&read), 1);
    assert_int_equal(data, 0);
    assert_int_equal(result_of(&write), 0);
    assert_true(now_us() - start >= 50000);
}

static void inline_requests_complete_before_the_call_returns(void **state)
{
    struct opened *opened = *state;
    struct request read, write;
    char data = 0;

    fake_inline(FAKE_IO);
    start_write(&write, opened->image, 0, "x", 1);
    assert_true(is_done(&write));
    start_read(&read, opened->image, 0, &data, 1);
    assert_true(is_done(&read));
    assert_int_equal(data, 'x');
    assert_true(pthread_equal(read.thread, pthread_self()));
    assert_true(read.in_callback);
}

static void results_can_be_dictated(void **state)
{
    struct opened *opened = *state;
    char data[8] = "1234567";

    assert_int_equal(do_write(opened->image, 0, "abcdefgh", 8), 0);
    fake_next_result(FAKE_READ, 3);
    fake_next_result(FAKE_READ, -EIO);
    assert_int_equal(do_read(opened->image, 0, data, 8), 3);
    assert_memory_equal(data, "abc4567", 8);
    assert_int_equal(do_read(opened->image, 0, data, 8), -EIO);
    assert_int_equal(do_read(opened->image, 0, data, 8), 8);
    fake_short_read(2);
    assert_int_equal(do_read(opened->image, 0, data, 8), 6);
    assert_int_equal(do_read(opened->image, 0, data, 8), 8);
    fake_next_result(FAKE_WRITE, -EIO);
    assert_int_equal(do_write(opened->image, 0, "ABCDEFGH", 8), -EIO);
    assert_int_equal(do_read(opened->image, 0, data, 8), 8);
    assert_memory_equal(data, "abcdefgh", 8);
}

static void flush_error_is_told_once(void **state)
{
    struct opened *opened = *state;
    rbd_image_t image;

    fake_next_result(FAKE_FLUSH, -EIO);
    assert_int_equal(do_flush(opened->image), -EIO);
    assert_int_equal(do_flush(opened->image), 0);
    fake_next_result(FAKE_FLUSH, -EIO);
    assert_int_equal(rbd_flush(opened->image), -EIO);
    assert_int_equal(rbd_flush(opened->image), 0);

    assert_int_equal(rbd_open(opened->pool, "i", &image, NULL), 0);
    fake_next_result(FAKE_FLUSH, -EIO);
    assert_int_equal(rbd_close(image), 0);
    assert_int_equal(do_flush(opened->image), 0);
}

static void iovec_array_is_read_late(void **state)
{
    struct opened *opened = *state;
    struct request request;
    char one[4] = {0}, other[4] = {0};
    struct iovec iov[2] = {{one, 2}, {one + 2, 2}};

    fake_image_write("p", "", "i", 0, "abcd", 4);
    fake_hold(FAKE_READ);
    assert_int_equal(rbd_aio_readv(opened->image, iov, 2, 0, new_completion(&request)), 0);
    iov[0].iov_base = other;
    iov[1].iov_base = other + 2;
    fake_release_all();
    assert_int_equal(result_of(&request), 4);
    assert_memory_equal(other, "abcd", 4);
}

/* Whether a write sees what is done to its data after rbd_aio_writev has returned. */
static bool reads_data_late(struct opened *opened)
{
    struct request request;
    char data[4] = "old", got[4];
    struct iovec iov[2] = {{data, 2}, {data + 2, 2}};

    fake_hold(FAKE_WRITE);
    assert_int_equal(rbd_aio_writev(opened->image, iov, 2, 0, new_completion(&request)), 0);
    memcpy(data, "new", 4);
    memset(iov, 0, sizeof iov);
    fake_release_all();
    assert_int_equal(result_of(&request), 0);
    fake_image_read("p", "", "i", NULL, 0, got, 4);
    return strcmp(got, "new") == 0;
}

static void writes_copy_their_data_unless_configured_otherwise(void **state)
{
    struct opened *opened = *state, late;

    assert_false(reads_data_late(opened));
    assert_int_equal(rados_create(&late.cluster, "me"), 0);
    assert_int_equal(rados_conf_set(late.cluster, "rbd_disable_zero_copy_writes", "false"), 0);
    assert_int_equal(rados_connect(late.cluster), 0);
    assert_int_equal(rados_ioctx_create(late.cluster, "p", &late.pool), 0);
    assert_int_equal(rbd_open(late.pool, "i", &late.image, NULL), 0);
    assert_true(reads_data_late(&late));
    assert_int_equal(rbd_close(late.image), 0);
    disconnect(&late);
}

/* Callbacks that overlap. */

struct overlap {
    sem_t left;
    int now;
    int most;
};

static void overlapping(rbd_completion_t completion, void *arg)
{
    struct overlap *overlap = arg;
    int now = __atomic_add_fetch(&overlap->now, 1, __ATOMIC_RELAXED);
    int most = __atomic_load_n(&overlap->most, __ATOMIC_RELAXED);

    if (now > most)
        __atomic_store_n(&overlap->most, now, __ATOMIC_RELAXED);
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    __atomic_sub_fetch(&overlap->now, 1, __ATOMIC_RELAXED);
    rbd_aio_release(completion);
    sem_post(&overlap->left);
}

static void callbacks_of_an_image_run_one_at_a_time(void **state)
{
    struct opened *opened = *state;
    struct overlap overlap = {.most = 0};

    sem_init(&overlap.left, 0, 0);
    for (int i = 0; i < 20; i++) {
        rbd_completion_t completion;

        assert_int_equal(rbd_aio_create_completion(&overlap, overlapping, &completion), 0);
        assert_int_equal(rbd_aio_write(opened->image, 0, 1, "x", completion), 0);
    }
    for (int i = 0; i < 20; i++)
        sem_wait(&overlap.left);
    assert_int_equal(overlap.most, 1);
    sem_destroy(&overlap.left);
}

static void meet(rbd_completion_t completion, void *barrier)
{
    pthread_barrier_wait(barrier);
    rbd_aio_release(completion);
}

/* Returns when so many callbacks have run at the same time. */
static void have_callbacks_meet(rbd_image_t image, unsigned int count)
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, count);
    for (unsigned int i = 0; i < count; i++) {
        rbd_completion_t completion;

        assert_int_equal(rbd_aio_create_completion(&barrier, meet, &completion), 0);
        assert_int_equal(rbd_aio_write(image, 0, 1, "x", completion), 0);
    }
    assert_true(fake_wait_idle());
    pthread_barrier_destroy(&barrier);
}

static void callbacks_can_be_made_to_overlap(void **state)
{
    struct opened *opened = *state;

    fake_set_serialized(false);
    have_callbacks_meet(opened->image, 2);
}

static void threads_can_be_more(void **state)
{
    struct opened *opened = *state;

    fake_set_threads(4);
    fake_set_serialized(false);
    have_callbacks_meet(opened->image, 4);
}

/* Many at once. */

#define THREADS 4
#define ROUNDS 200
#define BATCH 8

static uintptr_t count_failures(struct request *requests)
{
    uintptr_t failures = 0;

    for (size_t i = 0; i < BATCH; i++) {
        failures += result_of(&requests[i]) < 0;
        sem_destroy(&requests[i].done);
    }
    return failures;
}

/* Of the batch half are reads, and one flushes. Returns how many fail. */
static void *submit_batches(void *image)
{
    struct request requests[BATCH];
    char buffers[BATCH][512] = {{0}};
    uintptr_t failures = 0;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BATCH; i++) {
            uint64_t offset = (round * BATCH + i) * 512 % (IMAGE_SIZE / 2);

            if (i == BATCH / 2)
                start_flush(&requests[i], image);
            else if (i % 2)
                start_read(&requests[i], image, offset, buffers[i], sizeof buffers[i]);
            else
                start_write(&requests[i], image, offset, buffers[i], sizeof buffers[i]);
        }
        failures += count_failures(requests);
    }
    return (void *)failures;
}

static void change_image(rbd_image_t image, uint64_t round)
{
    uint64_t size;

    assert_int_equal(rbd_snap_create(image, "s"), 0);
    fake_resize_image("p", "", "i", IMAGE_SIZE - round % 3 * 4096, true);
    assert_int_equal(rbd_get_size(image, &size), 0);
    assert_int_equal(rbd_snap_remove(image, "s"), 0);
}

static void threads_do_not_disturb_each_other(void **state)
{
    struct opened *opened = *state;
    rbd_image_t images[THREADS];
    pthread_t threads[THREADS];
    uint64_t cookie;
    void *failures;
    sem_t events;

    sem_init(&events, 0, 0);
    assert_int_equal(rbd_update_watch(opened->image, &cookie, count_event, &events), 0);
    fake_set_threads(3);
    fake_shuffle(9);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(rbd_open(opened->pool, "i", &images[i], NULL), 0);
        /* One is shared. */
        assert_int_equal(pthread_create(&threads[i], NULL, submit_batches, i ? images[i] : opened->image), 0);
    }
    for (uint64_t round = 0; round < ROUNDS / 4; round++)
        change_image(opened->image, round);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
        assert_int_equal(rbd_close(images[i]), 0);
    }
    assert_int_equal(rbd_update_unwatch(opened->image, cookie), 0);
    assert_true(fake_calls("rbd_aio_flush") == THREADS * ROUNDS);
    sem_destroy(&events);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_image, tear_down_image)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(callbacks_come_from_other_threads),
        TEST(held_requests_wait),
        TEST(flush_waits_for_earlier_writes_only),
        TEST(held_requests_are_released_in_order),
        TEST(random_order_is_that_of_its_seed),
        TEST(shuffling_changes_the_order),
        TEST(delayed_requests_come_later),
        TEST(inline_requests_complete_before_the_call_returns),
        TEST(results_can_be_dictated),
        TEST(flush_error_is_told_once),
        TEST(iovec_array_is_read_late),
        TEST(writes_copy_their_data_unless_configured_otherwise),
        TEST(callbacks_of_an_image_run_one_at_a_time),
        TEST(callbacks_can_be_made_to_overlap),
        TEST(threads_can_be_more),
        TEST(threads_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
