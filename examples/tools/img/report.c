/* SPDX-License-Identifier: MIT */
#include "img/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/tool.h"

int report_open(struct report *report, struct vdisk_error *err)
{
    *report = (struct report){0};
    report->stream = open_memstream(&report->text, &report->length);
    return report->stream ? 0 : tool_fail(err, -ENOMEM, "There is no memory for the output.");
}

int report_finish(struct report *report, int result, struct vdisk_error *err)
{
    bool is_whole = ferror(report->stream) == 0;
    if (fclose(report->stream) != 0 || !is_whole)
        result = result < 0 ? result : tool_fail(err, -ENOMEM, "There is no memory for the output.");
    if (result == 0)
        result = tool_print(report->text, report->length, err);
    free(report->text);
    return result;
}
