/* SPDX-License-Identifier: MIT */
#include "common/option.h"

#include <string.h>

#include "common/size.h"
#include "common/text.h"
#include "common/tool.h"

static const char *find_name(const struct option *options, int value)
{
    while (options->name && options->val != value)
        options++;
    return options->name;
}

/* The option is the first `length` bytes of `argument`. */
static void refuse_unknown(const char *argument, size_t length)
{
    struct text_quoted quoted;
    tool_usage("Option %s is unknown or ambiguous", text_quote_part(&quoted, argument, length));
}

int option_next(int argc, char **argv, const char *short_options, const struct option *long_options)
{
    opterr = 0;
    int option = getopt_long(argc, argv, short_options, long_options, NULL);
    if (option != '?' && option != ':')
        return option;

    const char *name = find_name(long_options, optopt);
    if (name)
        tool_usage("Option --%s %s", name, option == ':' ? "needs a value" : "takes no value");
    else if (optopt == 0)
        /* What follows a `=` may be a secret. */
        refuse_unknown(argv[optind - 1], strcspn(argv[optind - 1], "="));
    else
        refuse_unknown((char[]){'-', (char)optopt, '\0'}, 2);
    return '?';
}

int option_size(uint64_t *size, const char *what, const char *value)
{
    struct text_quoted quoted;
    if (size_parse(size, value))
        return 0;
    return tool_usage(
        "%s cannot be %s: it must be a number, in bytes or with the suffix K, M, G or T, below 2^64 bytes", what,
        text_quote(&quoted, value));
}

int option_text(const char **text, const char *message, const char *value)
{
    if (value[0] == '\0')
        return tool_usage("%s", message);
    *text = value;
    return 0;
}

int option_choose(uint32_t *number, const struct option_word *words, const char *message, const char *value)
{
    for (; words->word; words++) {
        if (strcmp(words->word, value) == 0) {
            *number = words->number;
            return 0;
        }
    }
    return tool_usage("%s", message);
}
