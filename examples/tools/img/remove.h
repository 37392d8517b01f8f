/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img remove: removes an image.
 */
#ifndef REMOVE_H
#define REMOVE_H

#include "img/args.h"

img_command_function img_remove;

#endif
