/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fencing.h"

#include <stdint.h>
#include <stdlib.h>

#include "json.h"
#include "program.h"
#include "undo.h"

static void unfence(void *address)
{
    CEPH("osd", "blocklist", "rm", address);
}

void unfence_later(const char *address)
{
    undo_later(unfence, (void *)(uintptr_t)address);
}

const char *client_of(const char *image)
{
    char *status = RBD_OUTPUT("status", image, "--format", "json");
    const char *address = json_string(status, "address");

    free(status);
    return address;
}

void fence_client(const char *address)
{
    CEPH("osd", "blocklist", "add", address);
    unfence_later(address);
}

const char *fence(const char *image)
{
    const char *address = client_of(image);

    fence_client(address);
    return address;
}
