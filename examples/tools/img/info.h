/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img info: prints the properties of an image or snapshot.
 */
#ifndef INFO_H
#define INFO_H

#include "img/args.h"

img_command_function img_info;

#endif
