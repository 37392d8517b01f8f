/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uri/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "uri/option.h"
#include "uri/policy_table.h"
#include "uri/policy_value.h"
#include "uri/trusted_path.h"
#include "uri/uri.h"

/* One option of a URI that is being checked. */
struct check {
    uint32_t policy;
    const char *key;
    const char *value;
    /* NULL when no policy but VDISK_URI_ANY knows the option. */
    const struct vd_policy_row *row;
    struct vdisk_error *err;
};

static const struct vd_policy_row *find_row(const char *key)
{
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        if (vd_option_key_equal(key, vd_policy_rows[i].name))
            return &vd_policy_rows[i];
    }
    return NULL;
}

static bool allowed_by(const struct vd_policy_row *row, uint32_t policy)
{
    return row && (row->policies & 1u << policy);
}

/* Refuses the option. The message continues with `why` after the option's name; "" when the policy allows no value. */
static int refuse(const struct check *check, const char *why)
{
    bool own = vd_uri_is_own_key(check->key);
    /* If the strict policy refuses an option that the table knows, the message suggests the guarded policy. */
    bool guarded = check->row && !allowed_by(check->row, check->policy);
    struct vd_quoted quoted;

    return vd_error_set(check->err, -EPERM,
                        "The URI policy %s refuses option %s%s; set it through vdisk_open_options.%s (--%s of the "
                        "tools) or open with VDISK_URI_%s (--uri-policy %s).",
                        check->policy == VDISK_URI_STRICT ? "strict" : "guarded", vd_quote(&quoted, check->key), why,
                        own ? check->key : "options", own ? check->key : "option", guarded ? "GUARDED" : "ANY",
                        guarded ? "guarded" : "any");
}

static int refuse_value(const struct check *check)
{
    char value[VD_POLICY_VALUE_MAX], why[VD_POLICY_VALUE_MAX + 32];

    snprintf(why, sizeof why, ", which must be %s", vd_policy_value(value, check->row));
    return refuse(check, why);
}

static int check_file(const struct check *check)
{
    struct vd_quoted quoted;
    int r = vd_trusted_path(check->value, geteuid());

    if (r == -EPERM)
        return refuse(check, ", since others than root and the caller could change its file or a folder above it");
    if (r == -EINVAL)
        return refuse(check, ", since it names something other than a regular file");
    if (r == -ENOENT)
        return vd_error_set(check->err, r, "The file that option %s of the URI names does not exist.",
                            vd_quote(&quoted, check->key));
    if (r < 0)
        return vd_error_set(check->err, r, "The file that option %s of the URI names cannot be looked at: %s.",
                            vd_quote(&quoted, check->key), strerror(-r));
    return 0;
}

static int check_option(const struct check *check)
{
    if (!allowed_by(check->row, check->policy))
        return refuse(check, "");
    if (!vd_policy_value_allowed(check->row, check->value))
        return refuse_value(check);
    return check->row->kind == VD_VALUE_FILE ? check_file(check) : 0;
}

int vd_policy_check(uint32_t policy, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    struct check check = {.policy = policy, .err = err};
    int r = 0;

    if (policy == VDISK_URI_ANY)
        return 0;
    if (policy != VDISK_URI_GUARDED && policy != VDISK_URI_STRICT)
        return vd_error_set(err, -EINVAL, "There is no URI policy %" PRIu32 ".", policy);
    for (size_t i = 0; r == 0 && vdisk_uri_option(&check.key, &check.value, uri, i) == 0; i++) {
        check.row = find_row(check.key);
        r = check_option(&check);
    }
    return r;
}
