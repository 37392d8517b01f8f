/* SPDX-License-Identifier: MIT */
#include "common/size.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool parse_digits(uint64_t *number, const char **text)
{
    if (**text < '0' || **text > '9')
        return false;
    for (*number = 0; **text >= '0' && **text <= '9'; ++*text) {
        if (__builtin_mul_overflow(*number, 10u, number) ||
            __builtin_add_overflow(*number, (uint64_t)(**text - '0'), number))
            return false;
    }
    return true;
}

/* Returns the exponent of two that the suffix stands for, or -1 if the suffix is unknown. */
static int parse_unit(const char *text)
{
    static const char units[] = "KMGT";
    if (text[0] == '\0')
        return 0;
    const char *unit = strchr(units, text[0]);
    return unit && text[1] == '\0' ? (int)(unit - units + 1) * 10 : -1;
}

bool size_parse(uint64_t *size, const char *text)
{
    uint64_t number;
    if (!parse_digits(&number, &text))
        return false;
    int unit = parse_unit(text);
    if (unit < 0 || number > UINT64_MAX >> unit)
        return false;
    *size = number << unit;
    return true;
}

const char *size_format(struct size_text *text, double size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    /* With one decimal, 1023.95 KiB would be rounded to 1024.0 KiB. */
    while (size >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= 1024;
        unit++;
    }
    bool whole = size < 1024 && size - (double)(int)size < 0.05;
    snprintf(text->text, sizeof text->text, "%.*f %s", whole ? 0 : 1, size, units[unit]);
    return text->text;
}
