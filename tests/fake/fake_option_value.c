/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses the values of options as Ceph does, and writes them as Ceph reports them. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake_internal.h"

static int tell(char *value, size_t size, const char *text)
{
    return snprintf(value, size, "%s", text) < (int)size ? 0 : -EINVAL;
}

/* Reads the digits at the start of *text and moves *text behind them. */
static int parse_digits(uint64_t *number, const char **text)
{
    char *end;

    if (!isdigit((unsigned char)**text))
        return -EINVAL;
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return errno ? -EINVAL : 0;
}

/* Reads a number and a suffix that stands for a power of `thousand`. */
static int parse_scaled(uint64_t *number, const char *text, uint64_t thousand)
{
    static const char suffixes[] = "KMGTPE";
    const char *suffix;

    if (parse_digits(number, &text) < 0)
        return -EINVAL;
    if (!*text || strcmp(text, "B") == 0)
        return 0;
    suffix = strchr(suffixes, *text++);
    if (!suffix || (*text && strcmp(text, "B") != 0 && strcmp(text, "i") != 0 && strcmp(text, "iB") != 0))
        return -EINVAL;
    for (const char *s = suffixes; s <= suffix; s++)
        *number *= thousand;
    return 0;
}

static int parse_unsigned(const char *text, uint64_t thousand, char *value, size_t size)
{
    uint64_t number;

    if (parse_scaled(&number, text, thousand) < 0)
        return -EINVAL;
    snprintf(value, size, "%" PRIu64, number);
    return 0;
}

static int parse_signed(const char *text, char *value, size_t size)
{
    uint64_t number;
    bool negative = text[0] == '-';

    if (parse_scaled(&number, text + negative, 1000) < 0)
        return -EINVAL;
    snprintf(value, size, "%s%" PRIu64, negative ? "-" : "", number);
    return 0;
}

static int parse_bool(const char *text, char *value, size_t size)
{
    uint64_t number;

    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)
        return tell(value, size, tolower((unsigned char)text[0]) == 't' ? "true" : "false");
    if (parse_digits(&number, &text) < 0 || *text)
        return -EINVAL;
    return tell(value, size, number ? "true" : "false");
}

static int parse_float(const char *text, char *value, size_t size)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end)
        return -EINVAL;
    snprintf(value, size, "%f", number);
    return 0;
}

static uint64_t seconds_in(const char *unit)
{
    static const struct {
        const char *names;
        uint64_t seconds;
    } units[] = {
        {"|s|sec|second|seconds|", 1},
        {"|m|min|minute|minutes|", 60},
        {"|h|hr|hour|hours|", 3600},
        {"|d|day|days|", UINT64_C(24) * 3600},
    };
    char wanted[16];

    snprintf(wanted, sizeof wanted, "|%.12s|", unit);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strstr(units[i].names, wanted))
            return units[i].seconds;
    }
    return 0;
}

static int parse_seconds(const char *text, char *value, size_t size)
{
    uint64_t number = 0, unit = 1;

    if (*text && parse_digits(&number, &text) < 0)
        return -EINVAL;
    while (*text == ' ')
        text++;
    if (*text)
        unit = seconds_in(text);
    if (unit == 0)
        return -EINVAL;
    snprintf(value, size, "%" PRIu64, number * unit);
    return 0;
}

/* Reads the level of what is written to the log, and that of what is gathered in memory. */
static int parse_debug(const char *text, char *value, size_t size)
{
    int log, gather;
    int parsed = sscanf(text, "%d/%d", &log, &gather);

    if (parsed < 1)
        return -EINVAL;
    if (parsed < 2)
        gather = log;
    if (log < 0 || log > 99 || gather < 0 || gather > 99)
        return -ERANGE;
    snprintf(value, size, "%d/%d", log, gather);
    return 0;
}

int fake_option_parse(const struct fake_option *option, const char *text, char *value, size_t size)
{
    switch (option->type) {
    case BOOL:
        return parse_bool(text, value, size);
    case INT:
        return parse_signed(text, value, size);
    case UINT:
        return parse_unsigned(text, 1000, value, size);
    case SIZE:
        return parse_unsigned(text, 1024, value, size);
    case SECONDS:
        return parse_seconds(text, value, size);
    case FLOAT:
        return parse_float(text, value, size);
    case DEBUG:
        return parse_debug(text, value, size);
    case TEXT:
        return tell(value, size, text);
    }
    return -EINVAL;
}
