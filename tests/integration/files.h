/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of a test. */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>

/* Returns a path in the test's own folder, which clean_up removes. */
const char *temp_path(const char *name);
const char *write_file(const char *name, const void *data, size_t size);
/* Returns what the file holds, to be freed. */
unsigned char *read_file(const char *path, size_t *size);

#endif
