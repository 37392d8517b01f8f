/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting, landing and giving up a flight.
 */
#ifndef VD_FATE_H
#define VD_FATE_H

#include "io/flight.h"

/*
 * Of a flight whose disk, view, kind, flags, range and buffers are set: hands it to librbd, or straight to the mailbox
 * when there is nothing to do, or has it held. A negative errno: librbd did not take it, and it will not be posted. The
 * view is left when it has landed.
 */
int vd_fate_start(struct vd_flight *flight);

/* The same for a flight that was accepted before: what librbd does not take completes with its error. */
void vd_fate_start_accepted(struct vd_flight *flight);

enum vd_give_up {
    /* It was held, and stays the queue's. */
    VD_GAVE_UP_HELD,
    /* It goes on for the other members. */
    VD_GAVE_UP_MEMBER,
    /* It is the disk's now, with its bounce buffer. */
    VD_GAVE_UP_DETACHED,
    /* librbd has it, and the caller's memory with it. */
    VD_GIVE_UP_NOT,
    /* It has landed, and its entry is on its way. */
    VD_GIVE_UP_TOO_LATE,
};

/* On the queue's thread: gives up one member of a started flight. It is the caller's to take it from the list. */
enum vd_give_up vd_fate_give_up(struct vd_flight *flight);

/* What flights are to be made with (vd_flight_new). */
void vd_fate_land(struct vd_flight *flight, int result);

#endif
