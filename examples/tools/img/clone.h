/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img clone: creates an image from a snapshot.
 */
#ifndef CLONE_H
#define CLONE_H

#include "img/args.h"

img_command_function img_clone;

#endif
