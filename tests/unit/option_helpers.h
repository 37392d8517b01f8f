/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of opening share these macros: they write the options of vdisk_open_uri as one expression. */
#ifndef OPTION_HELPERS_H
#define OPTION_HELPERS_H

#include <vdisk/vdisk.h>

#define OPTIONS(...) (&(const struct vdisk_open_options){.struct_size = sizeof(struct vdisk_open_options), __VA_ARGS__})

/* The fields of struct vdisk_open_options that hold the program's own options of Ceph. */
#define PROGRAM(...)                                                                                                   \
    .options = (const struct vdisk_option[]){__VA_ARGS__},                                                             \
    .option_count = sizeof(const struct vdisk_option[]){__VA_ARGS__} / sizeof(struct vdisk_option)

#endif
