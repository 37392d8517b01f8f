/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "fake.h"

int set_up_cluster(void **state)
{
    (void)state;
    fake_reset();
    fake_create_pool("p");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    return 0;
}

int tear_down_cluster(void **state)
{
    char left[512];

    (void)state;
    /* Said here, since resetting aborts, and with it goes what cmocka has to say of the test. */
    if (fake_leaks(left, sizeof left) > 0) {
        print_error("left over: %s\n", left);
        return -1;
    }
    fake_reset();
    return 0;
}

void take_snapshot(const char *name)
{
    fake_create_snapshot("p", "", "i", name, RBD_SNAP_NAMESPACE_TYPE_USER);
}

int set_up_disk(void **state)
{
    static struct fixture fixture;

    set_up_cluster(NULL);
    fixture.disk = open_disk(IMAGE_URI, 0);
    assert_int_equal(vdisk_queue_create(&fixture.queue, NULL, NULL), 0);
    assert_int_equal(vdisk_queue_create(&fixture.other_queue, NULL, NULL), 0);
    *state = &fixture;
    return 0;
}

int tear_down_disk(void **state)
{
    struct fixture *fixture = *state;

    fake_release_all();
    assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    assert_int_equal(vdisk_queue_destroy(fixture->other_queue), 0);
    if (fixture->disk)
        close_disk(fixture->disk);
    return tear_down_cluster(NULL);
}

struct vdisk *open_disk_with(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    if (vdisk_open_uri(&disk, uri, options, &err) < 0)
        fail_msg("%s", err.message);
    return disk;
}

struct vdisk *open_disk(const char *uri, uint32_t flags)
{
    struct vdisk_open_options options;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    return open_disk_with(uri, &options);
}

struct vdisk *open_polled(const char *uri)
{
    struct vdisk_open_options options;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = VDISK_OPEN_READ_ONLY;
    options.size_poll_ms = 1;
    return open_disk_with(uri, &options);
}

void close_disk(struct vdisk *disk)
{
    struct vdisk_error err;

    if (vdisk_close(disk, &err) < 0)
        fail_msg("%s", err.message);
}

/* Sentences. */

void check_contains(const char *text, const char *part, const char *file, int line)
{
    if (strstr(text, part))
        return;
    print_error("\"%s\"\ndoes not hold\n\"%s\"\n", text, part);
    _fail(file, line);
}

void check_says(const struct vdisk_error *err, int code, const char *part, const char *file, int line)
{
    size_t length = strlen(err->message);

    _assert_int_equal((LargestIntegralType)err->code, (LargestIntegralType)code, file, line);
    check_contains(err->message, part, file, line);
    if (length == 0 || err->message[length - 1] != '.') {
        print_error("\"%s\" is not a whole sentence\n", err->message);
        _fail(file, line);
    }
}

/* Waiting. */

void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void *run_background(void *arg)
{
    struct background *background = arg;

    background->result = background->call(background->argument);
    atomic_store(&background->over, true);
    return NULL;
}

void start_background(struct background *background, int (*call)(void *argument), void *argument)
{
    background->call = call;
    background->argument = argument;
    atomic_store(&background->over, false);
    assert_int_equal(pthread_create(&background->thread, NULL, run_background, background), 0);
}

bool is_over(struct background *background)
{
    return atomic_load(&background->over);
}

int end_background(struct background *background)
{
    wait_until(is_over(background));
    assert_int_equal(pthread_join(background->thread, NULL), 0);
    return background->result;
}

static int close_now(void *argument)
{
    struct closing *closing = argument;

    return vdisk_close(closing->disk, &closing->err);
}

void start_closing(struct closing *closing, struct vdisk *disk)
{
    closing->disk = disk;
    start_background(&closing->background, close_now, closing);
    wait_until(vdisk_pread(disk, NULL, 0, 0, 0, NULL) == -ESHUTDOWN);
}

int end_closing(struct closing *closing)
{
    return end_background(&closing->background);
}

/* Requests. */

int submit_read(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, uint64_t length, uint64_t offset)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_readv(queue, disk, &iov, 1, offset, 0, NULL);
}

int submit_write(struct vdisk_queue *queue, struct vdisk *disk, const void *buffer, uint64_t length, uint64_t offset)
{
    /* struct iovec has no const; a write only reads. */
    struct iovec iov = {(void *)(uintptr_t)buffer, length};

    return vdisk_aio_writev(queue, disk, &iov, 1, offset, 0, NULL);
}

int submit_flush(struct vdisk_queue *queue, struct vdisk *disk)
{
    return vdisk_aio_flush(queue, disk, 0, NULL);
}

int reap_one(struct vdisk_queue *queue)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(queue, &done, 1, 1, 30000), 1);
    return done.result;
}

/* Bytes. */

static unsigned char byte_at(size_t offset, unsigned int seed)
{
    return (unsigned char)(offset * 31 + offset / 251 + seed * 101 + 1);
}

void fill(void *buffer, size_t length, unsigned int seed)
{
    unsigned char *bytes = buffer;

    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(i, seed);
}

bool is_filled(const void *buffer, size_t length, unsigned int seed)
{
    const unsigned char *bytes = buffer;

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != byte_at(i, seed))
            return false;
    }
    return true;
}

bool is_zero(const void *buffer, size_t length)
{
    const unsigned char *bytes = buffer;

    for (size_t i = 0; i < length; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}
