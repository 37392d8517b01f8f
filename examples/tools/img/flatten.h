/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img flatten: copies to a clone the data that it still has from its parent.
 */
#ifndef FLATTEN_H
#define FLATTEN_H

#include "img/args.h"

img_command_function img_flatten;

#endif
