/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which libvdisk this is. Until 1.0 a minor version may change the interface; from then on it only grows.
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
 * The version of the library the program runs with, as "MAJOR.MINOR.PATCH": a constant string. It can be newer than
 * the headers the program was compiled with. Any thread, never blocks.
 */
const char *vdisk_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
