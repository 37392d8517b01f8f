/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img map: prints which parts of an image hold data and which are zero.
 */
#ifndef MAP_H
#define MAP_H

#include "img/args.h"

img_command_function img_map;

#endif
