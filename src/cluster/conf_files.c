/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster/conf_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"

#define SEPARATORS ";,= \t"

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
    return vd_hash_add(hash, &number, sizeof number);
}

static uint64_t mix_time(uint64_t hash, const struct timespec *time)
{
    return mix_number(mix_number(hash, (uint64_t)time->tv_sec), (uint64_t)time->tv_nsec);
}

static uint64_t mix_file(uint64_t hash, const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return mix_number(hash, 0);
    hash = mix_number(hash, (uint64_t)status.st_dev);
    hash = mix_number(hash, (uint64_t)status.st_ino);
    hash = mix_number(hash, (uint64_t)status.st_size);
    hash = mix_time(hash, &status.st_mtim);
    return mix_time(hash, &status.st_ctim);
}

/* Copies a path. One that is too long for a path becomes empty, so that stat does not find a file. */
static const char *copy_path(char path[PATH_MAX], const char *start, size_t length)
{
    if (length >= PATH_MAX)
        length = 0;
    memcpy(path, start, length);
    path[length] = '\0';
    return path;
}

uint64_t vd_conf_files_digest(const char *list)
{
    uint64_t hash = VD_HASH_START;
    char path[PATH_MAX];

    list += strspn(list, SEPARATORS);
    while (*list) {
        size_t length = strcspn(list, SEPARATORS);

        /* Add the name too, because Ceph may now read another file of a search path. */
        hash = vd_hash_add(hash, list, length);
        hash = mix_file(hash, copy_path(path, list, length));
        list += length;
        list += strspn(list, SEPARATORS);
    }
    return hash;
}

uint64_t vd_conf_files_digest_conf(const char *conf)
{
    const char *home = getenv("HOME");
    char list[PATH_MAX + 64];

    if (!conf)
        conf = getenv("CEPH_CONF");
    if (conf)
        return vd_conf_files_digest(conf);
    snprintf(list, sizeof list, "/etc/ceph/ceph.conf;%s/.ceph/ceph.conf;ceph.conf", home ? home : "");
    return vd_conf_files_digest(list);
}
