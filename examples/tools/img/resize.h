/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img resize: changes the size of an image.
 */
#ifndef RESIZE_H
#define RESIZE_H

#include "img/args.h"

img_command_function img_resize;

#endif
