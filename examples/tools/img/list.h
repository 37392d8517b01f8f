/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img list: prints the images of a pool or namespace.
 */
#ifndef LIST_H
#define LIST_H

#include "img/args.h"

img_command_function img_list;

#endif
