/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/watchers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vd_watchers_read(struct vd_watchers *watchers, rbd_image_t image)
{
    int r;

    *watchers = (struct vd_watchers){.count = 16};
    /* -ERANGE: there are more, and `count` is now their number. By the next call there can be even more. */
    do {
        rbd_image_watcher_t *longer = realloc(watchers->list, watchers->count * sizeof *longer);

        r = longer ? 0 : -ENOMEM;
        if (longer) {
            watchers->list = longer;
            r = rbd_watchers_list(image, longer, &watchers->count);
        }
    } while (r == -ERANGE);
    if (r < 0)
        free(watchers->list);
    return r;
}

void vd_watchers_destroy(struct vd_watchers *watchers)
{
    rbd_watchers_list_cleanup(watchers->list, watchers->count);
    free(watchers->list);
}

bool vd_watchers_include(const struct vd_watchers *watchers, const char *address)
{
    for (size_t i = 0; i < watchers->count; i++) {
        if (strcmp(watchers->list[i].addr, address) == 0)
            return true;
    }
    return false;
}
