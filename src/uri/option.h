/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recognizes the names of Ceph's configuration options in every spelling that Ceph accepts.
 */
#ifndef VD_OPTION_H
#define VD_OPTION_H

#include <stdbool.h>

/*
 * Tells whether `key` is a spelling of `name`, which is written as in Ceph's documentation. The rules are those of
 * rados_conf_set: it ignores white space around the key, and takes each run of white space inside it for one "_". Case
 * matters. A "-" is not a "_" here, although it is one on the command line of Ceph's programs.
 */
bool vd_option_key_equal(const char *key, const char *name);

#endif
