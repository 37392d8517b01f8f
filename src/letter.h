/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes to a queue's mailbox, and waits there to be reaped.
 */
#ifndef VD_LETTER_H
#define VD_LETTER_H

#include "mailbox.h"

enum vd_letter_kind {
    /* A request is done (request.h). */
    VD_LETTER_REQUEST,
    /* A task is done, or has come further (task.h). */
    VD_LETTER_TASK,
    VD_LETTER_PROGRESS,
    /* Something happened to a disk (watch.h). */
    VD_LETTER_WATCH,
};

struct vd_letter {
    struct vd_node node;
    enum vd_letter_kind kind;
};

#endif
