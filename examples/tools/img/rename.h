/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img rename: renames an image.
 */
#ifndef RENAME_H
#define RENAME_H

#include "img/args.h"

img_command_function img_rename;

#endif
