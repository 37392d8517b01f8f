/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Only modes are checked, not POSIX access control lists. If a file has such a list, the group bits of its mode are the
 * list's mask. Nobody named in the list can do what the mask does not allow. A file that its group can write is
 * refused even if the group is the owner's own: the library cannot know who else is in the group, now or later.
 */
#include "uri/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The most symbolic links on a path. The kernel has the same bound. */
#define LINKS_MAX 40

/* Walks along the path one component at a time, so that every component is checked. */
struct walk {
    uid_t caller;
    /* The folder that the walk has reached, or -1. */
    int folder;
    int links;
    /* The rest of the path, relative to the folder. */
    char ahead[PATH_MAX];
};

static bool owner_trusted(const struct walk *walk, const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == walk->caller;
}

static bool is_trusted(const struct walk *walk, const struct stat *status)
{
    if (!owner_trusted(walk, status))
        return false;
    /* The mode of a symbolic link means nothing: nobody can write to a link, only replace it. */
    if (S_ISLNK(status->st_mode) || !(status->st_mode & (S_IWGRP | S_IWOTH)))
        return true;
    return S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX) && status->st_uid == 0;
}

/*
 * Checks an opened component. A link in /proc may lead elsewhere than its text says, for example into another process's
 * container. So nothing in /proc can be judged.
 */
static int judge(struct stat *status, const struct walk *walk, int fd)
{
    struct statfs system;

    if (fstat(fd, status) < 0 || fstatfs(fd, &system) < 0)
        return -errno;
    if (system.f_type == PROC_SUPER_MAGIC)
        return -EPERM;
    return is_trusted(walk, status) ? 0 : -EPERM;
}

static void enter(struct walk *walk, int folder)
{
    if (walk->folder >= 0)
        close(walk->folder);
    walk->folder = folder;
}

static int enter_root(struct walk *walk)
{
    struct stat status;
    int folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return -errno;
    enter(walk, folder);
    return judge(&status, walk, folder);
}

/* Puts the target of the link in front of the rest of the path. */
static int follow(struct walk *walk, int link)
{
    char path[PATH_MAX];
    ssize_t length = readlinkat(link, "", path, sizeof path);
    size_t rest = strlen(walk->ahead);

    if (length < 0)
        return -errno;
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    if ((size_t)length + rest >= sizeof path)
        return -ENAMETOOLONG;
    memcpy(path + length, walk->ahead, rest + 1);
    memcpy(walk->ahead, path, (size_t)length + rest + 1);
    return path[0] == '/' ? enter_root(walk) : 0;
}

/* Cuts the first component off the rest of the path. The slashes after the component stay. */
static int next_component(char name[NAME_MAX + 1], struct walk *walk)
{
    const char *start = walk->ahead + strspn(walk->ahead, "/");
    size_t length = strcspn(start, "/");

    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(walk->ahead, start + length, strlen(start + length) + 1);
    return 0;
}

/*
 * Opens the component itself, without following a link. It tries O_DIRECTORY first, because only that mounts a file
 * system that is mounted on demand.
 */
static int open_component(const struct walk *walk, const char *name)
{
    int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(walk->folder, name, flags | O_DIRECTORY);

    if (fd < 0 && errno == ENOTDIR)
        fd = openat(walk->folder, name, flags);
    return fd < 0 ? -errno : fd;
}

/* Goes one component further. Returns 1 if that was the file, 0 if there is more of the path, or a negative errno. */
static int step(struct walk *walk)
{
    char name[NAME_MAX + 1];
    struct stat status;
    int r = next_component(name, walk);
    int fd;

    if (r < 0)
        return r;
    if (!name[0])
        return -EINVAL;
    fd = open_component(walk, name);
    if (fd < 0)
        return fd;
    r = judge(&status, walk, fd);
    if (r == 0 && S_ISDIR(status.st_mode)) {
        enter(walk, fd);
        return 0;
    }
    if (r == 0 && S_ISLNK(status.st_mode))
        r = follow(walk, fd);
    else if (r == 0 && !S_ISREG(status.st_mode))
        r = -EINVAL;
    else if (r == 0)
        r = walk->ahead[0] ? -ENOTDIR : 1;
    close(fd);
    return r;
}

int vd_trusted_path(const char *path, uid_t caller)
{
    struct walk walk = {.caller = caller, .folder = -1};
    size_t length = strnlen(path, sizeof walk.ahead);
    int r;

    if (path[0] != '/')
        return -EINVAL;
    if (length >= sizeof walk.ahead)
        return -ENAMETOOLONG;
    memcpy(walk.ahead, path, length + 1);
    r = enter_root(&walk);
    while (r == 0)
        r = step(&walk);
    if (walk.folder >= 0)
        close(walk.folder);
    return r > 0 ? 0 : r;
}
