/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/doorbell.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

int vd_doorbell_init(struct vd_doorbell *bell, enum vd_doorbell_kind kind)
{
    int fds[2] = {-1, -1};

    if (kind == VD_DOORBELL_PIPE && pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    *bell = (struct vd_doorbell){.kind = kind, .read_fd = fds[0], .write_fd = fds[1]};
    if (kind == VD_DOORBELL_SEMAPHORE)
        sem_init(&bell->semaphore, 0, 0);
    return 0;
}

void vd_doorbell_destroy(struct vd_doorbell *bell)
{
    /*
     * A ringer touches the bell last when it rings; once that is heard, it is gone. (A write to a pipe that has
     * delivered its byte, and sem_post since glibc 2.21, no longer use the descriptor or the semaphore.)
     */
    while (bell->heard < bell->owed) {
        vd_doorbell_wait(bell, VD_NEVER);
        vd_doorbell_hear(bell);
    }
    if (bell->kind == VD_DOORBELL_SEMAPHORE) {
        sem_destroy(&bell->semaphore);
        return;
    }
    close(bell->read_fd);
    close(bell->write_fd);
}

void vd_doorbell_ring(struct vd_doorbell *bell)
{
    if (bell->kind == VD_DOORBELL_SEMAPHORE) {
        sem_post(&bell->semaphore);
        return;
    }
    /*
     * One byte into a pipe cannot be interrupted half-way. Nor can the pipe be full: it holds at most one byte for
     * each thread that is ringing and one of the owner's, because the owner hears before it makes room for more.
     */
    ssize_t written = write(bell->write_fd, "", 1);

    assert(written == 1);
    (void)written;
}

static void hear_pipe(struct vd_doorbell *bell)
{
    char rings[64];
    ssize_t n;

    do {
        n = read(bell->read_fd, rings, sizeof rings);
        if (n > 0)
            bell->heard += (uint64_t)n;
    } while (n == (ssize_t)sizeof rings || (n < 0 && errno == EINTR));
}

void vd_doorbell_hear(struct vd_doorbell *bell)
{
    if (bell->kind == VD_DOORBELL_PIPE) {
        hear_pipe(bell);
        return;
    }
    while (sem_trywait(&bell->semaphore) == 0)
        bell->heard++;
}

static bool wait_pipe(const struct vd_doorbell *bell, int64_t deadline)
{
    struct pollfd ready = {.fd = bell->read_fd, .events = POLLIN};

    for (;;) {
        int64_t left = deadline == VD_NEVER ? 0 : deadline - vd_now();
        struct timespec timeout = vd_timespec(left > 0 ? left : 0);
        int n = ppoll(&ready, 1, deadline == VD_NEVER ? NULL : &timeout, NULL);

        if (n >= 0)
            return n > 0;
        assert(errno == EINTR || errno == ENOMEM);
    }
}

static bool wait_semaphore(struct vd_doorbell *bell, int64_t deadline)
{
    struct timespec until = vd_timespec(deadline);

    for (;;) {
        int r = deadline == VD_NEVER ? sem_wait(&bell->semaphore)
                                     : sem_clockwait(&bell->semaphore, CLOCK_MONOTONIC, &until);

        if (r == 0) {
            /*
             * Put back, because only hearing silences: with both kinds, a second wait must not sleep through a ring
             * that the first one noticed. The hearing's sem_trywait is also what ThreadSanitizer knows to order memory;
             * sem_clockwait it does not know.
             */
            sem_post(&bell->semaphore);
            return true;
        }
        if (errno == ETIMEDOUT)
            return false;
        assert(errno == EINTR);
    }
}

bool vd_doorbell_wait(struct vd_doorbell *bell, int64_t deadline)
{
    return bell->kind == VD_DOORBELL_PIPE ? wait_pipe(bell, deadline) : wait_semaphore(bell, deadline);
}
