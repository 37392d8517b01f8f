/* SPDX-License-Identifier: MIT */
#include "common/uri_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/descriptor.h"
#include "common/text.h"
#include "common/tool.h"

/* Room for the longest URI, a newline and one more byte, with which vdisk_uri_parse sees that a URI is too long. */
enum { ROOM = VDISK_URI_MAX + 2 };

/* Turns the `length` bytes of `line` into a string. There is room for a NUL after them. */
static int check_line(char *line, size_t length, const char *name, struct vdisk_error *err)
{
    if (length > 0 && line[length - 1] == '\n')
        length--;
    if (memchr(line, '\n', length))
        return tool_fail(err, -EINVAL, "The URI file %s contains more than one line.", name);
    if (memchr(line, '\0', length))
        return tool_fail(err, -EINVAL, "The URI file %s contains a NUL byte.", name);
    if (length == 0)
        return tool_fail(err, -EINVAL, "The URI file %s is empty.", name);
    line[length] = '\0';
    return 0;
}

static int read_line(char *line, int fd, const char *name, struct vdisk_error *err)
{
    ssize_t length = descriptor_read(fd, line, ROOM);
    if (length < 0)
        return tool_fail(err, (int)length, "The URI file %s cannot be read: %s.", name, strerror((int)-length));
    return check_line(line, (size_t)length, name, err);
}

int uri_file_read(char **uri, const char *path, struct vdisk_error *err)
{
    struct text_quoted quoted;
    const char *name = text_quote(&quoted, path);
    bool is_stdin = strcmp(path, "-") == 0;
    int result;
    char *line = NULL;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tool_fail(err, -errno, "The URI file %s cannot be opened: %s.", name, strerror(errno));

    line = malloc(ROOM + 1);
    result = line ? read_line(line, fd, name, err) : tool_fail(err, -ENOMEM, "There is no memory for the URI.");
    if (result == 0) {
        *uri = line;
        line = NULL;
    }
    free(line);
    if (!is_stdin)
        close(fd);
    return result;
}
