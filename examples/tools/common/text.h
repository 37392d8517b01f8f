/* SPDX-License-Identifier: MIT */
/*
 * Prints names for people. A byte that a terminal would not print, or would obey, is shown as \xnn, and so is a
 * backslash. Printable UTF-8 stays as it is.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Writes the name, escaped. */
void text_print(FILE *stream, const char *name);

/* Writes a line: the label, padded to the width of its column, and the name. */
void text_print_line(FILE *stream, const char *label, const char *name);

/* Writes only the padded label. The caller writes the value after it. */
void text_print_label(FILE *stream, const char *label);

/* Room for a quoted name in a message. */
struct text_quoted {
    char text[128];
};

/*
 * Puts the name into *quoted, escaped and in quotes, with an ellipsis at its end if it is too long. Returns
 * quoted->text.
 */
const char *text_quote(struct text_quoted *quoted, const char *name);

/* Quotes only the first `length` bytes of the name, which must not end inside a character. */
const char *text_quote_part(struct text_quoted *quoted, const char *name, size_t length);

#endif
