/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img parse: prints what the library understands by a URI, without contacting a cluster.
 */
#ifndef PARSE_H
#define PARSE_H

#include "img/args.h"

img_command_function img_parse;

#endif
