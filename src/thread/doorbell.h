/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A doorbell: any thread rings it, and one thread, the owner, waits for rings. It is a pipe, whose read end an event
 * loop can poll, or a semaphore, which needs no file descriptor.
 *
 * A doorbell counts its rings. The owner knows how many rings other threads owe it. Before it frees the doorbell, it
 * waits for all of them, and so until every ringing thread no longer uses the doorbell. No ringing thread needs to take
 * a reference for that.
 */
#ifndef VD_DOORBELL_H
#define VD_DOORBELL_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

enum vd_doorbell_kind {
    VD_DOORBELL_PIPE,
    VD_DOORBELL_SEMAPHORE,
};

struct vd_doorbell {
    enum vd_doorbell_kind kind;
    int read_fd;
    int write_fd;
    sem_t semaphore;
    /* Only the owner uses both: how many rings were or will be made, and how many it has heard. */
    uint64_t owed;
    uint64_t heard;
};

/* Initializes a silent doorbell. Returns 0, -EMFILE or -ENFILE. */
int vd_doorbell_init(struct vd_doorbell *doorbell, enum vd_doorbell_kind kind);

/* Owner: waits for the rings that are owed and not yet heard, then destroys the doorbell. */
void vd_doorbell_destroy(struct vd_doorbell *doorbell);

/* Rings. Any thread may call it. Never blocks. */
void vd_doorbell_ring(struct vd_doorbell *doorbell);

/* Owner: notes that a thread has rung or is about to ring. */
static inline void vd_doorbell_owe(struct vd_doorbell *doorbell)
{
    doorbell->owed++;
}

/* Owner: takes note of all rings so far, which silences the doorbell. Never blocks. */
void vd_doorbell_hear(struct vd_doorbell *doorbell);

/*
 * Owner: sleeps until the doorbell rings. Returns true, also at once if a ring was not heard yet, or false when
 * `deadline` (clock.h) has come.
 */
bool vd_doorbell_wait(struct vd_doorbell *doorbell, int64_t deadline);

#endif
