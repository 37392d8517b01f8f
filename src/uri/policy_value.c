/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uri/policy_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Ceph's own messages use levels up to 20. Above that, whole packets go to the log. */
#define LEVEL_MAX 20

/*
 * Reads digits and moves *text behind them. A number that is too large counts as UINT64_MAX. Returns false if there are
 * no digits.
 */
static bool take_digits(const char **text, uint64_t *number)
{
    size_t length = strspn(*text, DIGITS);

    *number = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)((*text)[i] - '0');

        if (__builtin_mul_overflow(*number, 10u, number) || __builtin_add_overflow(*number, digit, number))
            *number = UINT64_MAX;
        if (*number == UINT64_MAX)
            break;
    }
    *text += length;
    return length > 0;
}

static bool in_bounds(const struct vd_policy_row *row, uint64_t number)
{
    return number >= row->least && number <= row->most;
}

/* Reads a suffix such as K, Ki or KB, moves *text behind it, and multiplies *number by it. */
static void take_suffix(const char **text, uint64_t *number)
{
    static const char suffixes[] = "KMGTPE";
    const char *suffix = **text ? strchr(suffixes, **text) : NULL;

    if (suffix) {
        if (__builtin_mul_overflow(*number, UINT64_C(1024) << 10 * (suffix - suffixes), number))
            *number = UINT64_MAX;
        (*text)++;
        if (**text == 'i') {
            (*text)++;
            return;
        }
    }
    if (**text == 'B')
        (*text)++;
}

static bool is_number(const struct vd_policy_row *row, const char *value)
{
    uint64_t number;

    if (!take_digits(&value, &number))
        return false;
    take_suffix(&value, &number);
    return !*value && in_bounds(row, number);
}

static bool is_seconds(const struct vd_policy_row *row, const char *value)
{
    uint64_t number;

    return take_digits(&value, &number) && !*value && in_bounds(row, number);
}

static bool is_decimal(const struct vd_policy_row *row, const char *value)
{
    uint64_t whole, fraction = 0;

    if (!take_digits(&value, &whole))
        return false;
    if (*value == '.') {
        value++;
        if (!take_digits(&value, &fraction))
            return false;
    }
    return !*value && in_bounds(row, whole) && (whole < row->most || fraction == 0);
}

static bool is_level(const char *value)
{
    uint64_t log, memory = 0;

    if (!take_digits(&value, &log))
        return false;
    if (*value == '/') {
        value++;
        if (!take_digits(&value, &memory))
            return false;
    }
    return !*value && log <= LEVEL_MAX && memory <= LEVEL_MAX;
}

static bool is_word(const char *words, const char *value)
{
    size_t length = strlen(value);

    while (*words) {
        size_t word = strcspn(words, ",");

        if (word == length && memcmp(words, value, length) == 0)
            return true;
        words += word;
        words += strspn(words, ", ");
    }
    return false;
}

static bool is_bool(const char *value)
{
    return strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0 || strcmp(value, "1") == 0 ||
           strcmp(value, "0") == 0;
}

static bool consists_of(const char *value, const char *bytes)
{
    return value[0] && !value[strspn(value, bytes)];
}

/* Tells whether Ceph splits, expands or cuts nothing in the value, whatever list or path Ceph puts it into. */
static bool is_plain(const char *value)
{
    for (; *value; value++) {
        if ((unsigned char)*value <= ' ' || *value == 0x7f || strchr(",;=$", *value))
            return false;
    }
    return true;
}

/*
 * Ceph puts the user's name into the paths of its keyrings. As $id or $name, the name is also in the paths of the log
 * and the admin socket. Ceph does so before it splits a list of paths, so a name like "x,/tmp/mine" would name a
 * keyring.
 */
static bool is_name(const char *value)
{
    return value[0] && is_plain(value) && !strpbrk(value, "/\\\"'") && strcmp(value, ".") != 0 &&
           strcmp(value, "..") != 0;
}

bool vd_policy_value_allowed(const struct vd_policy_row *row, const char *value)
{
    switch (row->kind) {
    case VD_VALUE_BOOL:
        return is_bool(value);
    case VD_VALUE_NUMBER:
    case VD_VALUE_SIZE:
        return is_number(row, value);
    case VD_VALUE_SECONDS:
        return is_seconds(row, value);
    case VD_VALUE_DECIMAL:
        return is_decimal(row, value);
    case VD_VALUE_LEVEL:
        return is_level(value);
    case VD_VALUE_WORD:
        return is_word(row->words, value);
    case VD_VALUE_FEATURES:
        return consists_of(value, "abcdefghijklmnopqrstuvwxyz" DIGITS "-,");
    case VD_VALUE_NAME:
        return is_name(value);
    case VD_VALUE_KEY:
        return consists_of(value, ALPHABET DIGITS "+/=");
    case VD_VALUE_FILE:
        return value[0] == '/' && is_plain(value);
    }
    return false;
}

/* Writes a size in the largest unit that needs no fraction. */
static const char *size_text(char text[24], uint64_t size)
{
    static const char suffixes[] = "KMGT";
    const char *suffix = suffixes;

    if (size == 0 || size % 1024 != 0) {
        snprintf(text, 24, "%" PRIu64, size);
        return text;
    }
    for (size /= 1024; size % 1024 == 0 && suffix[1]; size /= 1024)
        suffix++;
    snprintf(text, 24, "%" PRIu64 "%c", size, *suffix);
    return text;
}

static void bounds_text(char *text, const char *what, const struct vd_policy_row *row)
{
    char least[24], most[24];

    if (row->least == 0 && row->most == VD_POLICY_UNBOUNDED)
        snprintf(text, VD_POLICY_VALUE_MAX, "%s", what);
    else if (row->kind == VD_VALUE_SIZE)
        snprintf(text, VD_POLICY_VALUE_MAX, "%s from %s to %s", what, size_text(least, row->least),
                 size_text(most, row->most));
    else
        snprintf(text, VD_POLICY_VALUE_MAX, "%s from %" PRIu64 " to %" PRIu64, what, row->least, row->most);
}

const char *vd_policy_value(char text[VD_POLICY_VALUE_MAX], const struct vd_policy_row *row)
{
    static const char *const kinds[] = {
        [VD_VALUE_BOOL] = "true, false, 1 or 0",
        [VD_VALUE_NUMBER] = "a whole number",
        [VD_VALUE_SIZE] = "a size",
        [VD_VALUE_SECONDS] = "a whole number of seconds",
        [VD_VALUE_DECIMAL] = "a decimal number",
        [VD_VALUE_LEVEL] = "a level N or N/M, each from 0 to 20",
        [VD_VALUE_WORD] = "one of",
        [VD_VALUE_FEATURES] = "a list of names, or a number",
        [VD_VALUE_NAME] = "a name without white space, quotes and any of , ; = $ / \\",
        [VD_VALUE_KEY] = "base64",
        [VD_VALUE_FILE] = "one absolute path without white space and any of , ; = $",
    };

    if (row->kind == VD_VALUE_WORD)
        snprintf(text, VD_POLICY_VALUE_MAX, "%s %s", kinds[row->kind], row->words);
    else if (row->kind >= VD_VALUE_NUMBER && row->kind <= VD_VALUE_DECIMAL)
        bounds_text(text, kinds[row->kind], row);
    else
        snprintf(text, VD_POLICY_VALUE_MAX, "%s", kinds[row->kind]);
    return text;
}
