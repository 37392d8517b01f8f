/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The version of libvdisk. Until 1.0 a minor version may change the interface; from 1.0 on the interface only grows.
 */
#ifndef VDISK_VERSION_H
#define VDISK_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The version of these headers. */
#define VDISK_VERSION_MAJOR 0
#define VDISK_VERSION_MINOR 1
#define VDISK_VERSION_PATCH 0

/*
 * Returns the version of the library that the program runs with, as "MAJOR.MINOR.PATCH". It can be newer than the
 * headers that the program was compiled with. The string is constant: do not free it. Never blocks. Any thread may call
 * it.
 */
const char *vdisk_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
