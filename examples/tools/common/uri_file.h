/* SPDX-License-Identifier: MIT */
/*
 * A URI in a file, where other users cannot see it as they can the arguments of a process.
 */
#ifndef URI_FILE_H
#define URI_FILE_H

#include <vdisk/vdisk.h>

/* Reads the one line of the file; "-" is standard input. *uri is a new string to be freed with free(). */
int uri_file_read(char **uri, const char *path, struct vdisk_error *err);

#endif
