/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

struct range {
    uint32_t first;
    uint32_t last;
};

/* Valid UTF-8 characters that must not reach a log, because they move, hide or break the text around them. */
static const struct range unprintable[] = {
    {0x0000, 0x001f},   /* C0 controls, line feed among them */
    {0x007f, 0x009f},   /* delete and the C1 controls: terminals obey them */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x061c, 0x061c},   /* Arabic letter mark, a bidi control */
    {0x180e, 0x180e},   /* Mongolian vowel separator, invisible */
    {0x200b, 0x200f},   /* zero-width characters, bidi marks */
    {0x2028, 0x202e},   /* line and paragraph separator, bidi embeddings and overrides */
    {0x2060, 0x206f},   /* invisible operators, bidi isolates */
    {0xfe00, 0xfe0f},   /* variation selectors */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* interlinear annotation */
    {0xe0000, 0xe0fff}, /* tags and more variation selectors */
};

static bool is_printable(uint32_t character)
{
    for (size_t i = 0; i < sizeof unprintable / sizeof *unprintable; i++) {
        if (character >= unprintable[i].first && character <= unprintable[i].last)
            return false;
    }
    return true;
}

/*
 * Returns how many bytes a sequence that starts with `lead` has, or 0 when no sequence starts with it. Sets *lowest to
 * the lowest character that needs so many bytes.
 */
static size_t sequence_length(unsigned char lead, uint32_t *lowest)
{
    *lowest = 0;
    if (lead < 0x80)
        return 1;
    if ((lead & 0xe0) == 0xc0) {
        *lowest = 0x80;
        return 2;
    }
    if ((lead & 0xf0) == 0xe0) {
        *lowest = 0x800;
        return 3;
    }
    if ((lead & 0xf8) == 0xf0) {
        *lowest = 0x10000;
        return 4;
    }
    return 0;
}

/* Decodes one character. Returns the length of the valid UTF-8 sequence at `bytes`, or 0 if there is none. */
static size_t decode(uint32_t *character, const char *bytes, size_t length)
{
    unsigned char lead = (unsigned char)bytes[0];
    uint32_t lowest;
    size_t need = sequence_length(lead, &lowest);

    if (need == 0 || need > length)
        return 0;
    *character = need == 1 ? lead : lead & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if ((byte & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (byte & 0x3fu);
    }
    if (*character < lowest || *character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff))
        return 0;
    return need;
}

static struct vd_glyph escaped(char byte)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char value = (unsigned char)byte;

    return (struct vd_glyph){.taken = 1, .length = 4, .text = {'\\', 'x', digits[value >> 4], digits[value & 15]}};
}

struct vd_glyph vd_glyph_next(const char *bytes, size_t length)
{
    struct vd_glyph glyph = {0};
    uint32_t character;
    size_t taken = decode(&character, bytes, length);

    if (taken == 0 || !is_printable(character))
        return escaped(bytes[0]);
    glyph.taken = glyph.length = taken;
    memcpy(glyph.text, bytes, taken);
    return glyph;
}

/*
 * Writes `name` in printable form to `to`, which has `room` bytes. Returns how many bytes it used. A name that does not
 * fit is cut between two characters and ends with an ellipsis. The bytes in `also` are escaped although printable.
 */
static size_t show(char *to, size_t room, const char *name, const char *also)
{
    size_t left = strlen(name), used = 0, cut = 0;

    while (left > 0) {
        struct vd_glyph glyph = strchr(also, name[0]) ? escaped(name[0]) : vd_glyph_next(name, left);

        if (used + glyph.length > room) {
            memcpy(to + cut, ELLIPSIS, strlen(ELLIPSIS));
            return cut + strlen(ELLIPSIS);
        }
        memcpy(to + used, glyph.text, glyph.length);
        used += glyph.length;
        if (used + strlen(ELLIPSIS) <= room)
            cut = used;
        name += glyph.taken;
        left -= glyph.taken;
    }
    return used;
}

const char *vd_quote(struct vd_quoted *out, const char *name)
{
    size_t used = show(out->text + 1, sizeof out->text - 3, name ? name : "", "\"\\");

    out->text[0] = out->text[used + 1] = '"';
    out->text[used + 2] = '\0';
    return out->text;
}

void vd_error_clear(struct vdisk_error *err)
{
    if (!err)
        return;
    err->code = 0;
    err->message[0] = '\0';
}

int vd_error_set(struct vdisk_error *err, int code, const char *format, ...)
{
    /* Longer than a message, so that show() notices a sentence that does not fit, and ends it with an ellipsis. */
    char sentence[2 * sizeof err->message];
    va_list args;
    size_t used;

    if (!err)
        return code;
    va_start(args, format);
    if (vsnprintf(sentence, sizeof sentence, format, args) < 0)
        sentence[0] = '\0';
    va_end(args);

    /* The arguments can contain unprintable bytes from outside, such as the locale's text for an errno. */
    used = show(err->message, sizeof err->message - 1, sentence, "");
    err->message[used] = '\0';
    err->code = code;
    return code;
}
