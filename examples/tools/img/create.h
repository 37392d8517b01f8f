/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img create: creates an empty image.
 */
#ifndef CREATE_H
#define CREATE_H

#include "img/args.h"

img_command_function img_create;

#endif
