/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests wait for what another thread, or another client, brings about. */
#ifndef WAITING_H
#define WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

/* A test waits so many milliseconds for what has to happen, and fails then. */
#define PATIENCE_MS 120000

/* Asks every few milliseconds until it is so. */
void wait_until(bool (*is_so)(void *arg), void *arg, const char *what);
void wait_for_size(struct vdisk *disk, uint64_t size);

#endif
