/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doorbell_helpers.h"

int with_a_pipe(void **state)
{
    static enum vd_doorbell_kind kind = VD_DOORBELL_PIPE;

    *state = &kind;
    return 0;
}

int with_a_semaphore(void **state)
{
    static enum vd_doorbell_kind kind = VD_DOORBELL_SEMAPHORE;

    *state = &kind;
    return 0;
}

enum vd_doorbell_kind kind_of_bell(void **state)
{
    return *(const enum vd_doorbell_kind *)*state;
}
