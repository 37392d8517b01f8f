/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <vdisk/version.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *vdisk_version(void)
{
    return TEXT(VDISK_VERSION_MAJOR) "." TEXT(VDISK_VERSION_MINOR) "." TEXT(VDISK_VERSION_PATCH);
}
