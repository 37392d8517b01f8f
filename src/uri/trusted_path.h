/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the content of a file can only come from somebody who is trusted anyway.
 */
#ifndef VD_TRUSTED_PATH_H
#define VD_TRUSTED_PATH_H

#include <sys/types.h>

/*
 * Checks that an absolute path leads to a regular file which only root and `caller` can change or replace: the file,
 * every folder above it and every symbolic link on the way, with the folders above its target, belong to one of the
 * two, and group and others may write none of them. A sticky folder of root's, such as /tmp, may be writable, since
 * what is in it belongs to its owner.
 *
 * What only root and the caller can change stays as it is between this check and the opening of the file.
 *
 * -EPERM   somebody else can change the file, or it is none that can be judged
 * -EINVAL  the path is not absolute, or leads to something other than a regular file
 * -ENOENT, -EACCES, -ELOOP and what else looking at the path can report
 */
int vd_trusted_path(const char *path, uid_t caller);

#endif
