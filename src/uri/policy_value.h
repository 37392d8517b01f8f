/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The values that a URI may give to an option of the policy table.
 */
#ifndef VD_POLICY_VALUE_H
#define VD_POLICY_VALUE_H

#include <stdbool.h>

#include "uri/policy_table.h"

/* The size of the longest text that vd_policy_value writes, with its NUL. */
#define VD_POLICY_VALUE_MAX 160

/* Tells whether a URI may set the row's option to `value`. For VD_VALUE_FILE it does not look at the file. */
bool vd_policy_value_allowed(const struct vd_policy_row *row, const char *value);

/* Writes what a value of the row's option must be, such as "a whole number from 1 to 16". Returns `text`. */
const char *vd_policy_value(char text[VD_POLICY_VALUE_MAX], const struct vd_policy_row *row);

#endif
