/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bell that any thread rings and one thread, the owner, listens to: the read end of a pipe, which an event loop can
 * poll, or a semaphore, which needs no file descriptor.
 *
 * It counts. The owner knows how many rings it is owed, and so can wait until every ringer is done with the bell
 * before freeing it, without a reference count that each ringer would have to take.
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
    /* The owner's: rings that were or will be made, and rings heard. */
    uint64_t owed;
    uint64_t heard;
};

/* Returns 0, -EMFILE or -ENFILE. */
int vd_doorbell_init(struct vd_doorbell *bell, enum vd_doorbell_kind kind);

/* Waits for rings that are owed and not yet heard, then frees. */
void vd_doorbell_destroy(struct vd_doorbell *bell);

/* Any thread. Never blocks. */
void vd_doorbell_ring(struct vd_doorbell *bell);

/* Owner: somebody has rung or is about to. */
static inline void vd_doorbell_owe(struct vd_doorbell *bell)
{
    bell->owed++;
}

/* Owner: hears what has rung so far; the bell is then silent. */
void vd_doorbell_hear(struct vd_doorbell *bell);

/* Owner: sleeps until it rings, or has been ringing all along, or until `deadline` (clock.h): false. */
bool vd_doorbell_wait(struct vd_doorbell *bell, int64_t deadline);

#endif
