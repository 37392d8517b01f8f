/* SPDX-License-Identifier: MIT */
/*
 * Reads the names of the features that an image can have.
 */
#ifndef FEATURES_H
#define FEATURES_H

#include <stdint.h>

/* Reads the value of --features: names with commas between them. Returns 0, or TOOL_USAGE after a message. */
int features_take(uint64_t *features, const char *value);

#endif
