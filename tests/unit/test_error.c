/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

#define ELLIPSIS "\xe2\x80\xa6"

struct quote_case {
    const char *name;
    const char *quoted;
};

static void set_fills_code_and_message(void **state)
{
    struct vdisk_error err = {.code = 1, .message = "old"};

    (void)state;
    assert_int_equal(vd_error_set(&err, -ENOENT, "No %s number %d.", "thing", 7), -ENOENT);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.message, "No thing number 7.");
}

static void clear_empties(void **state)
{
    struct vdisk_error err = {.code = -1, .message = "old"};

    (void)state;
    vd_error_clear(&err);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.message, "");
}

static void null_is_accepted(void **state)
{
    (void)state;
    vd_error_clear(NULL);
    assert_int_equal(vd_error_set(NULL, -EIO, "%s", "x"), -EIO);
}

static void message_is_one_line_of_utf8(void **state)
{
    struct vdisk_error err;

    (void)state;
    vd_error_set(&err, -1, "a\nb\r\x1b[31m%s\xe2\x80\xae%s\xff\xc3", "\xc2\x85", "\xc3\xa9");
    assert_string_equal(err.message, "a\\x0ab\\x0d\\x1b[31m\\xc2\\x85\\xe2\\x80\\xae\xc3\xa9\\xff\\xc3");
}

/* A message of exactly the room is whole; with one byte more it is cut between two characters. */
static void long_message_ends_with_ellipsis(void **state)
{
    struct vdisk_error err;
    char text[sizeof err.message + 1];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof err.message - 1] = '\0';
    vd_error_set(&err, -1, "%s", text);
    assert_string_equal(err.message, text);

    text[sizeof err.message - 1] = 'x';
    text[sizeof err.message] = '\0';
    vd_error_set(&err, -1, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_memory_equal(err.message, text, sizeof err.message - 4);
    assert_string_equal(err.message + sizeof err.message - 4, ELLIPSIS);
}

static void cut_is_never_inside_a_character(void **state)
{
    struct vdisk_error err;
    char text[4 * sizeof err.message];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        size_t length = shift;

        memset(text, 'x', shift);
        while (length + 4 < sizeof text) {
            memcpy(text + length, "\xf0\x9f\x90\x99", 4);
            length += 4;
        }
        text[length] = '\0';
        vd_error_set(&err, -1, "%s", text);
        length = strlen(err.message);
        assert_in_range(length, sizeof err.message - 1 - 3, sizeof err.message - 1);
        assert_string_equal(err.message + length - 3, ELLIPSIS);
        assert_int_equal((length - 3 - shift) % 4, 0);
        assert_memory_equal(err.message, text, length - 3);
    }
}

static void cut_is_never_inside_an_escape(void **state)
{
    struct vdisk_error err;
    char text[sizeof err.message];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        memset(text + shift, '\x01', sizeof text - shift - 1);
        text[sizeof text - 1] = '\0';
        vd_error_set(&err, -1, "%s", text);
        assert_int_equal((strlen(err.message) - 3 - shift) % 4, 0);
        assert_string_equal(err.message + strlen(err.message) - 7, "\\x01" ELLIPSIS);
    }
}

static void quote_shows_what_is_printable(void **state)
{
    static const struct quote_case cases[] = {
        {"pool", "\"pool\""},
        {"", "\"\""},
        {"a b~!$%", "\"a b~!$%\""},
        {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
        {"\xf0\x9f\x90\x99", "\"\xf0\x9f\x90\x99\""},
        {"\xf4\x8f\xbf\xbd", "\"\xf4\x8f\xbf\xbd\""},
        {"\xed\x9f\xbf\xee\x80\x80", "\"\xed\x9f\xbf\xee\x80\x80\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vd_quoted quoted;

        assert_string_equal(vd_quote(&quoted, cases[i].name), cases[i].quoted);
        assert_string_equal(quoted.text, cases[i].quoted);
    }
}

static void quote_escapes_the_rest(void **state)
{
    static const struct quote_case cases[] = {
        {"a\"b\\c", "\"a\\x22b\\x5cc\""},
        {"\x01\t\n\x1f\x7f", "\"\\x01\\x09\\x0a\\x1f\\x7f\""},
        /* Not UTF-8: a lone continuation, a cut sequence, overlong forms, a surrogate, beyond the last character. */
        {"\x80", "\"\\x80\""},
        {"\xc3", "\"\\xc3\""},
        {"\xc3\xc3\xa9", "\"\\xc3\xc3\xa9\""},
        {"\xe2\xc2\xac", "\"\\xe2\xc2\xac\""},
        {"\xe2\x82z", "\"\\xe2\\x82z\""},
        {"\xc0\xaf", "\"\\xc0\\xaf\""},
        {"\xc1\xbf", "\"\\xc1\\xbf\""},
        {"\xe0\x9f\xbf", "\"\\xe0\\x9f\\xbf\""},
        {"\xf0\x8f\xbf\xbf", "\"\\xf0\\x8f\\xbf\\xbf\""},
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
        {"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""},
        {"\xf8\x88\x80\x80\x80", "\"\\xf8\\x88\\x80\\x80\\x80\""},
        {"\xfe\xff", "\"\\xfe\\xff\""},
        /* C1 controls, bidi controls, separators of lines, invisible characters. */
        {"\xc2\x9b", "\"\\xc2\\x9b\""},
        {"\xc2\xad", "\"\\xc2\\xad\""},
        {"\xd8\x9c", "\"\\xd8\\x9c\""},
        {"\xe2\x80\x8b", "\"\\xe2\\x80\\x8b\""},
        {"\xe2\x80\x8f", "\"\\xe2\\x80\\x8f\""},
        {"\xe2\x80\xa8", "\"\\xe2\\x80\\xa8\""},
        {"\xe2\x80\xa9", "\"\\xe2\\x80\\xa9\""},
        {"\xe2\x80\xae", "\"\\xe2\\x80\\xae\""},
        {"\xe2\x81\xa6", "\"\\xe2\\x81\\xa6\""},
        {"\xef\xbb\xbf", "\"\\xef\\xbb\\xbf\""},
        {"\xf3\xa0\x81\x81", "\"\\xf3\\xa0\\x81\\x81\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vd_quoted quoted;

        assert_string_equal(vd_quote(&quoted, cases[i].name), cases[i].quoted);
    }
}

static void quote_shortens(void **state)
{
    struct vd_quoted quoted;
    char name[2 * sizeof quoted.text];
    size_t room = sizeof quoted.text - 3;

    (void)state;
    memset(name, 'n', sizeof name);
    name[room] = '\0';
    vd_quote(&quoted, name);
    assert_int_equal(strlen(quoted.text), sizeof quoted.text - 1);
    assert_memory_equal(quoted.text + 1, name, room);
    assert_string_equal(quoted.text + 1 + room, "\"");

    name[room] = 'n';
    name[room + 1] = '\0';
    vd_quote(&quoted, name);
    assert_int_equal(strlen(quoted.text), sizeof quoted.text - 1);
    assert_string_equal(quoted.text + room - 2, ELLIPSIS "\"");
}

static void two_quoted_names_and_a_sentence_fit(void **state)
{
    struct vd_quoted one, two;
    struct vdisk_error err;
    char name[1024];

    (void)state;
    memset(name, '\x02', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    vd_error_set(&err, -1, "Opening the image %s in the pool %s failed for a reason that takes a few words: %s.",
                 vd_quote(&one, name), vd_quote(&two, name), "Cannot send after transport endpoint shutdown");
    assert_string_equal(err.message + strlen(err.message) - 10, " shutdown.");
}

static void glyph_looks_no_further_than_told(void **state)
{
    struct vd_glyph glyph = vd_glyph_next("\xc3\xa9", 1);

    (void)state;
    assert_int_equal(glyph.taken, 1);
    assert_int_equal(glyph.length, 4);
    assert_memory_equal(glyph.text, "\\xc3", 4);
}

/* Encodes characters by another way than error.c decodes them. */
static void glyphs_agree_with_encoding_by_hand(void **state)
{
    (void)state;
    for (uint32_t character = 0x20; character < 0x110000; character += character < 0x10000 ? 1 : 251) {
        char bytes[5] = {0};
        struct vd_glyph glyph;
        size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
        uint32_t rest = character;

        for (size_t i = length - 1; i > 0; i--, rest >>= 6)
            bytes[i] = (char)(0x80 | (rest & 0x3f));
        bytes[0] = (char)(length == 1 ? rest : (0xf00 >> length & 0xff) | rest);
        glyph = vd_glyph_next(bytes, length);
        if (character >= 0xd800 && character <= 0xdfff)
            assert_int_equal(glyph.taken, 1);
        if (glyph.taken == length && length > 1)
            assert_memory_equal(glyph.text, bytes, length);
        else
            assert_int_equal(glyph.taken, 1);
        if (character >= 0xa000 && character < 0xd800)
            assert_int_equal(glyph.taken, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_code_and_message),
        cmocka_unit_test(clear_empties),
        cmocka_unit_test(null_is_accepted),
        cmocka_unit_test(message_is_one_line_of_utf8),
        cmocka_unit_test(long_message_ends_with_ellipsis),
        cmocka_unit_test(cut_is_never_inside_a_character),
        cmocka_unit_test(cut_is_never_inside_an_escape),
        cmocka_unit_test(quote_shows_what_is_printable),
        cmocka_unit_test(quote_escapes_the_rest),
        cmocka_unit_test(quote_shortens),
        cmocka_unit_test(two_quoted_names_and_a_sentence_fit),
        cmocka_unit_test(glyph_looks_no_further_than_told),
        cmocka_unit_test(glyphs_agree_with_encoding_by_hand),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
