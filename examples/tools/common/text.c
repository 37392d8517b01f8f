/* SPDX-License-Identifier: MIT */
#include "common/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Returns the length of a UTF-8 sequence that starts with this byte, or 0 if no sequence does. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first >= 0xF5)
        return 0;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* Terminals obey control characters. Other unprintable characters change the direction of writing or have no width. */
static bool is_printable(unsigned int code)
{
    static const struct {
        unsigned int first;
        unsigned int last;
    } unprintable[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x61C, 0x61C},   {0x180E, 0x180E}, {0x200B, 0x200F},
        {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
    };
    for (size_t i = 0; i < sizeof unprintable / sizeof unprintable[0]; i++) {
        if (code >= unprintable[i].first && code <= unprintable[i].last)
            return false;
    }
    return true;
}

/* Returns whether UTF-8 encodes the character in this length. It allows neither surrogates nor longer encodings. */
static bool is_character(unsigned int code, size_t length)
{
    static const unsigned int lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    return length > 0 && code >= lowest[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

/* Returns the length of the printable character at `text`, or 0 if its first byte must be escaped. */
static size_t printable_length(const char *text)
{
    size_t length = sequence_length((unsigned char)text[0]);
    unsigned int code = (unsigned char)text[0] & (length == 1 ? 0x7Fu : 0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (byte & 0x3Fu);
    }
    return is_character(code, length) && is_printable(code) ? length : 0;
}

/*
 * Writes the next character of `text` as it is to be shown: at most four bytes and a NUL. Escapes the characters in
 * `special` too. Returns how many bytes of `text` it used.
 */
static size_t show(char shown[5], const char *text, const char *special)
{
    size_t length = strchr(special, text[0]) ? 0 : printable_length(text);
    if (length == 0) {
        snprintf(shown, 5, "\\x%02x", (unsigned int)(unsigned char)text[0]);
        return 1;
    }
    memcpy(shown, text, length);
    shown[length] = '\0';
    return length;
}

void text_print(FILE *stream, const char *name)
{
    while (*name != '\0') {
        char shown[5];
        name += show(shown, name, "\\");
        fputs(shown, stream);
    }
}

void text_print_label(FILE *stream, const char *label)
{
    fprintf(stream, "%-13s", label);
}

void text_print_line(FILE *stream, const char *label, const char *name)
{
    /* A line without a name gets no blanks at its end. */
    if (name[0] == '\0')
        fputs(label, stream);
    else
        text_print_label(stream, label);
    text_print(stream, name);
    fputc('\n', stream);
}

const char *text_quote(struct text_quoted *quoted, const char *name)
{
    return text_quote_part(quoted, name, strlen(name));
}

const char *text_quote_part(struct text_quoted *quoted, const char *name, size_t length)
{
    static const char ellipsis[] = "…";
    const size_t room = sizeof quoted->text - sizeof ellipsis - 1;
    const char *end = name + length;
    size_t used = 1;
    quoted->text[0] = '"';
    while (name < end) {
        char shown[5];
        name += show(shown, name, "\"\\");
        size_t added = strlen(shown);
        if (used + added > room) {
            memcpy(quoted->text + used, ellipsis, sizeof ellipsis - 1);
            used += sizeof ellipsis - 1;
            break;
        }
        memcpy(quoted->text + used, shown, added);
        used += added;
    }
    quoted->text[used] = '"';
    quoted->text[used + 1] = '\0';
    return quoted->text;
}
