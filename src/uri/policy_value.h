/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a URI may set an option to that the policy allows.
 */
#ifndef VD_POLICY_VALUE_H
#define VD_POLICY_VALUE_H

#include <stdbool.h>

#include "uri/policy_table.h"

/* The longest text that vd_policy_value writes, with its NUL. */
#define VD_POLICY_VALUE_MAX 160

bool vd_policy_value_allowed(const struct vd_policy_row *row, const char *value);

/* Says what a value of the row's option must be, such as "a whole number from 1 to 16". Returns `text`. */
const char *vd_policy_value(char text[VD_POLICY_VALUE_MAX], const struct vd_policy_row *row);

#endif
