/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/pool.h"

#include "base/attributes.h"

VD_COLD void vd_pool_leave_to_disk(struct vdisk_queue *queue, struct vd_rbd_io *io)
{
    if (io->keeps_buffer)
        vd_bounce_give_away(&queue->bounce, io->bounce_length);
    else
        vd_pool_put_bounce(queue, io);
    vd_rbd_io_put(io);
}
