/* SPDX-License-Identifier: MIT */
#include "cat/range.h"

#include <errno.h>
#include <inttypes.h>

#include "common/tool.h"

int range_end(uint64_t *end, const struct range *range, uint64_t size, struct vdisk_error *err)
{
    *end = size;
    if (range->offset > size)
        return tool_fail(err, -EINVAL, "Offset %" PRIu64 " is outside the image, which ends at %" PRIu64 ".",
                         range->offset, size);
    if (!range->has_length)
        return 0;
    if (range->length > size - range->offset)
        return tool_fail(err, -EINVAL,
                         "The range of %" PRIu64 " bytes at offset %" PRIu64
                         " extends outside the image, which ends at %" PRIu64 ".",
                         range->length, range->offset, size);
    *end = range->offset + range->length;
    return 0;
}
