/* SPDX-License-Identifier: MIT */
/*
 * Parses the options of a command line. The functions that take a value return 0, or TOOL_USAGE after a message about
 * the value.
 */
#ifndef OPTION_H
#define OPTION_H

#include <getopt.h>
#include <stdint.h>

/* What option_next returns for --help and --version. */
enum { OPTION_HELP = 1 << 16, OPTION_VERSION };

/*
 * Works as getopt_long, but prints a message of this program's own, which never repeats an option's value, and then
 * returns '?'. `short_options` must start with a colon.
 */
int option_next(int argc, char **argv, const char *short_options, const struct option *long_options);

/* Reads a SIZE. `what` names the option or argument in the message. */
int option_size(uint64_t *size, const char *what, const char *value);

/* Takes a text that must not be empty, otherwise prints `message`. *text points to `value` afterwards. */
int option_text(const char **text, const char *message, const char *value);

/* A word that an option accepts, and the number that it stands for. In a list, the last word is NULL. */
struct option_word {
    const char *word;
    uint32_t number;
};

/* Finds the number of a word, otherwise prints `message`. */
int option_choose(uint32_t *number, const struct option_word *words, const char *message, const char *value);

#endif
