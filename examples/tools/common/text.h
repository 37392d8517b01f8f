/* SPDX-License-Identifier: MIT */
/*
 * Names for people: what a terminal would not print, or would obey, is shown as \xnn, as is a backslash. Valid UTF-8
 * stays as it is.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Writes all of `name`. */
void text_print(FILE *stream, const char *name);

/* Writes a line with `name` in the column after the label. */
void text_print_line(FILE *stream, const char *label, const char *name);

/* The label itself, for something other than a name to follow. */
void text_print_label(FILE *stream, const char *label);

/* Room for a name in a message. */
struct text_quoted {
    char text[128];
};

/* Puts `name` in quotes into *quoted, with an ellipsis at the end if it is too long. Returns quoted->text. */
const char *text_quote(struct text_quoted *quoted, const char *name);

/* The same for the first `length` bytes of a longer string; they must not end inside a character. */
const char *text_quote_part(struct text_quoted *quoted, const char *name, size_t length);

#endif
