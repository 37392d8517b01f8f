/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/doorbell.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

int vd_doorbell_init(struct vd_doorbell *doorbell, enum vd_doorbell_kind kind)
{
    int fds[2] = {-1, -1};

    if (kind == VD_DOORBELL_PIPE && pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    *doorbell = (struct vd_doorbell){.kind = kind, .read_fd = fds[0], .write_fd = fds[1]};
    if (kind == VD_DOORBELL_SEMAPHORE)
        sem_init(&doorbell->semaphore, 0, 0);
    return 0;
}

void vd_doorbell_destroy(struct vd_doorbell *doorbell)
{
    /*
     * A ringing thread uses the doorbell for the last time when it rings. Once the owner has heard that ring, the
     * thread no longer uses it. (A write to a pipe that has delivered its byte, and sem_post since glibc 2.21, no
     * longer use the descriptor or the semaphore.)
     */
    while (doorbell->heard < doorbell->owed) {
        vd_doorbell_wait(doorbell, VD_NEVER);
        vd_doorbell_hear(doorbell);
    }
    if (doorbell->kind == VD_DOORBELL_SEMAPHORE) {
        sem_destroy(&doorbell->semaphore);
        return;
    }
    close(doorbell->read_fd);
    close(doorbell->write_fd);
}

void vd_doorbell_ring(struct vd_doorbell *doorbell)
{
    if (doorbell->kind == VD_DOORBELL_SEMAPHORE) {
        sem_post(&doorbell->semaphore);
        return;
    }
    /*
     * A signal cannot interrupt the write of one byte to a pipe halfway. The pipe cannot be full either: the owner
     * hears the rings so far before it gives anybody a reason to ring again. So the pipe contains at most one byte for
     * each thread that is ringing, and one byte of the owner.
     */
    ssize_t written = write(doorbell->write_fd, "", 1);

    assert(written == 1);
    (void)written;
}

static void hear_pipe(struct vd_doorbell *doorbell)
{
    char rings[64];
    ssize_t n;

    do {
        n = read(doorbell->read_fd, rings, sizeof rings);
        if (n > 0)
            doorbell->heard += (uint64_t)n;
    } while (n == (ssize_t)sizeof rings || (n < 0 && errno == EINTR));
}

void vd_doorbell_hear(struct vd_doorbell *doorbell)
{
    if (doorbell->kind == VD_DOORBELL_PIPE) {
        hear_pipe(doorbell);
        return;
    }
    while (sem_trywait(&doorbell->semaphore) == 0)
        doorbell->heard++;
}

static bool wait_pipe(const struct vd_doorbell *doorbell, int64_t deadline)
{
    struct pollfd ready = {.fd = doorbell->read_fd, .events = POLLIN};

    for (;;) {
        int64_t left = deadline == VD_NEVER ? 0 : deadline - vd_now();
        struct timespec timeout = vd_timespec(left > 0 ? left : 0);
        int n = ppoll(&ready, 1, deadline == VD_NEVER ? NULL : &timeout, NULL);

        if (n >= 0)
            return n > 0;
        assert(errno == EINTR || errno == ENOMEM);
    }
}

static bool wait_semaphore(struct vd_doorbell *doorbell, int64_t deadline)
{
    struct timespec until = vd_timespec(deadline);

    for (;;) {
        int r = deadline == VD_NEVER ? sem_wait(&doorbell->semaphore)
                                     : sem_clockwait(&doorbell->semaphore, CLOCK_MONOTONIC, &until);

        if (r == 0) {
            /*
             * Put the ring back: only vd_doorbell_hear silences the doorbell. With both kinds, a second wait must not
             * sleep through a ring that the first one noticed. In addition, ThreadSanitizer knows that the sem_trywait
             * of vd_doorbell_hear orders memory. It does not know sem_clockwait.
             */
            sem_post(&doorbell->semaphore);
            return true;
        }
        if (errno == ETIMEDOUT)
            return false;
        assert(errno == EINTR);
    }
}

bool vd_doorbell_wait(struct vd_doorbell *doorbell, int64_t deadline)
{
    return doorbell->kind == VD_DOORBELL_PIPE ? wait_pipe(doorbell, deadline) : wait_semaphore(doorbell, deadline);
}
