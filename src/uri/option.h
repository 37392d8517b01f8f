/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of Ceph's configuration options, in all the spellings that Ceph accepts.
 */
#ifndef VD_OPTION_H
#define VD_OPTION_H

#include <stdbool.h>

/*
 * Whether `key` is a spelling of `name`, which is as Ceph's documentation writes it. As rados_conf_set has it: white
 * space around the key does not count, and inside a run of white space is one "_". Case counts; and a "-" is no "_"
 * here, though it is on the command line of Ceph's programs.
 */
bool vd_option_key_equal(const char *key, const char *name);

#endif
