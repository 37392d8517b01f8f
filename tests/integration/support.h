/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tests on a real cluster include this header. Functions that can fail fail the test, so they belong on the test's
 * main thread.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "bytes.h"
#include "disks.h"
#include "files.h"
#include "json.h"
#include "names.h"
#include "program.h"
#include "queues.h"
#include "undo.h"
#include "used_cluster.h"
#include "waiting.h"

#endif
