/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fills in struct vdisk_error, and makes untrusted names safe to show in its message.
 */
#ifndef VD_ERROR_H
#define VD_ERROR_H

#include <stddef.h>

#include <vdisk/error.h>

/* The size of a quoted name. Two of them and a sentence around them fit into a message. */
#define VD_QUOTED_MAX 160

/* A name in double quotes, as a message shows it. The caller owns it, because one sentence may quote several names. */
struct vd_quoted {
    char text[VD_QUOTED_MAX];
};

/* One character as a message shows it: the character itself if it is printable, otherwise its first byte as \xNN. */
struct vd_glyph {
    /* How many bytes of the name this glyph represents. */
    size_t taken;
    size_t length;
    char text[4];
};

/* Sets code 0 and an empty message, which means no error. `err` may be NULL. */
void vd_error_clear(struct vdisk_error *err);

/*
 * Sets code and message, and returns `code`, so that a failing function can `return vd_error_set(...)`. `err` may be
 * NULL. The message is always one line of valid UTF-8, whatever the arguments contain. A message that is too long ends
 * with an ellipsis. Pass names through vd_quote first. Never pass values of options: they can be secrets.
 */
int vd_error_set(struct vdisk_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Quotes a name and returns out->text. NULL counts as an empty name. Each byte appears as \xNN that is not part of
 * printable UTF-8, that could reorder or break the line, or that is a quote or a backslash. A name that is too long
 * ends with an ellipsis.
 */
const char *vd_quote(struct vd_quoted *out, const char *name);

/* Returns the first character of `bytes` as a message shows it. `length` is at least 1. */
struct vd_glyph vd_glyph_next(const char *bytes, size_t length);

#endif
