/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filling a struct vdisk_error, and showing names in it that nobody vouches for.
 */
#ifndef VD_ERROR_H
#define VD_ERROR_H

#include <stddef.h>

#include <vdisk/error.h>

/* Two of these and a sentence around them fit into a message. */
#define VD_QUOTED_MAX 160

/* A name in double quotes, as a message shows it. Lives on the caller's stack, since a sentence may quote several. */
struct vd_quoted {
    char text[VD_QUOTED_MAX];
};

/* A character of a name, as a message shows it: itself when printable, else its first byte as \xNN. */
struct vd_glyph {
    /* How many bytes of the name it stands for. */
    size_t taken;
    size_t length;
    char text[4];
};

/* Nothing to explain: code 0 and an empty message. `err` may be NULL. */
void vd_error_clear(struct vdisk_error *err);

/*
 * Sets code and message, and returns `code`, so that `return vd_error_set(...)` is all a failing function needs. `err`
 * may be NULL. Whatever the arguments hold, the message is one line of valid UTF-8; when it is too long it ends with
 * an ellipsis. Names belong through vd_quote first, values of options nowhere.
 */
int vd_error_set(struct vdisk_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Quotes a name and returns out->text. What is not printable UTF-8, could reorder or break the line it is shown in,
 * or is a quote or a backslash appears as \xNN for each byte; a name that is too long ends with an ellipsis.
 */
const char *vd_quote(struct vd_quoted *out, const char *name);

/* The first character of the `length` bytes, which are at least one. */
struct vd_glyph vd_glyph_next(const char *bytes, size_t length);

#endif
