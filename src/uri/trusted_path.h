/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks that only trusted users can have written a file.
 */
#ifndef VD_TRUSTED_PATH_H
#define VD_TRUSTED_PATH_H

#include <sys/types.h>

/*
 * Checks that an absolute path leads to a regular file which only root and `caller` can change or replace. The check
 * covers the file, every folder above it, every symbolic link on the way, and the folders above the link's target. Each
 * must belong to root or `caller`, and neither its group nor others may write to it. A sticky folder of root, such as
 * /tmp, may be writable, because only root and a file's owner can replace a file in it.
 *
 * Nobody else can change such a path, so the result is still true when the file is opened later. Blocks on the file
 * system.
 *
 * -EPERM   somebody else can change the file, or the path leads through /proc, where nothing can be judged
 * -EINVAL  the path is not absolute, or leads to something other than a regular file
 * -ENOENT, -EACCES, -ELOOP or another errno of following the path
 */
int vd_trusted_path(const char *path, uid_t caller);

#endif
