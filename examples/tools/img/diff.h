/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img diff: prints which parts of an image differ from a snapshot.
 */
#ifndef DIFF_H
#define DIFF_H

#include "img/args.h"

img_command_function img_diff;

#endif
