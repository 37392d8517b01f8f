/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "program.h"
#include "undo.h"

static char *temp_dir;

static void remove_temp_dir(void *dir)
{
    temp_dir = NULL;
    succeed(ARGV("rm", "-rf", dir));
    free(dir);
}

const char *temp_path(const char *name)
{
    if (!temp_dir) {
        char *dir;

        assert_true(asprintf(&dir, "%s/vdisk-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") >= 0);
        assert_non_null(mkdtemp(dir));
        temp_dir = dir;
        undo_later(remove_temp_dir, dir);
    }
    return text("%s/%s", temp_dir, name);
}

const char *write_file(const char *name, const void *data, size_t size)
{
    const char *path = temp_path(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

unsigned char *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data;

    assert_true(fd >= 0);
    data = read_all(fd, size);
    close(fd);
    return (unsigned char *)data;
}
