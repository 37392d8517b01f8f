/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "waiting.h"

#include <inttypes.h>
#include <time.h>

#include "undo.h"

void wait_until(bool (*is_so)(void *arg), void *arg, const char *what)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    for (int waited = 0; !is_so(arg); waited += 5) {
        if (waited > PATIENCE_MS)
            fail_msg("it never comes to pass that %s", what);
        nanosleep(&pause, NULL);
    }
}

struct sized {
    const struct vdisk *disk;
    uint64_t size;
};

static bool has_size(void *arg)
{
    const struct sized *sized = arg;

    return vdisk_get_size(sized->disk) == sized->size;
}

void wait_for_size(struct vdisk *disk, uint64_t size)
{
    struct sized sized = {disk, size};

    wait_until(has_size, &sized, text("vdisk_get_size says %" PRIu64, size));
}
