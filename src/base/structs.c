/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/structs.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/*
 * An upper bound for the size of any public structure. It keeps vd_struct_read from reading far beyond a structure
 * whose struct_size was never set.
 */
#define LONGEST 4096

void vd_struct_init(void *structure, size_t struct_size)
{
    if (!structure || struct_size < sizeof struct_size)
        return;
    memset(structure, 0, struct_size);
    memcpy(structure, &struct_size, sizeof struct_size);
}

static bool all_zero(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

int vd_struct_read(void *to, size_t known, const void *from, size_t first, const char *name, struct vdisk_error *err)
{
    size_t size;

    memset(to, 0, known);
    if (!from)
        return 0;
    memcpy(&size, from, sizeof size);
    if (size < first || size > LONGEST)
        return vd_error_set(err, -EINVAL, "struct_size of %s is %zu; set the structure up with %s_init.", name, size,
                            name);
    if (size > known && !all_zero((const unsigned char *)from + known, size - known))
        return vd_error_set(err, -E2BIG, "%s sets a field that libvdisk of this version does not know.", name);
    memcpy(to, from, size < known ? size : known);
    return 0;
}
