/* SPDX-License-Identifier: MIT */
/*
 * Reads a URI from a file. Other users can see the arguments of a process, and a URI can contain secrets.
 */
#ifndef URI_FILE_H
#define URI_FILE_H

#include <vdisk/vdisk.h>

/*
 * Reads the only line of the file, or of standard input if `path` is "-". Sets *uri to a new string, which the caller
 * frees with free(). Returns 0 or a negative errno.
 */
int uri_file_read(char **uri, const char *path, struct vdisk_error *err);

#endif
