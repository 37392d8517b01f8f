/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img snapshot: lists and changes the snapshots of an image. For every command but the list, the URI names the
 * snapshot.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "img/args.h"

img_command_function img_snapshot_list;
img_command_function img_snapshot_create;
img_command_function img_snapshot_remove;
img_command_function img_snapshot_rollback;
img_command_function img_snapshot_protect;
img_command_function img_snapshot_unprotect;

#endif
