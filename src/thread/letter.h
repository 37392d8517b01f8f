/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes to a queue's mailbox, and waits there to be reaped.
 */
#ifndef VD_LETTER_H
#define VD_LETTER_H

#include "thread/mailbox.h"

enum vd_letter_kind {
    /* A flight has landed (flight.h); it is taken apart into its requests, which so never are in the mailbox. */
    VD_LETTER_FLIGHT,
    VD_LETTER_REQUEST,
    /* A task is done, or has come further (task.h). */
    VD_LETTER_TASK,
    VD_LETTER_PROGRESS,
    /* Something happened to a disk (subscriber.h). */
    VD_LETTER_EVENT,
    /* It is time to look at the deadlines. */
    VD_LETTER_ALARM,
};

struct vd_letter {
    struct vd_node node;
    enum vd_letter_kind kind;
};

#endif
