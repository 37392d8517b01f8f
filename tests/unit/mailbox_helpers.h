/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the mailbox share: a mailbox with either kind of bell, and many mailboxes that are destroyed while
 * posters are still busy with them.
 */
#ifndef MAILBOX_HELPERS_H
#define MAILBOX_HELPERS_H

#include "doorbell_helpers.h"
#include "thread/mailbox.h"
#include "thread_helpers.h"

/* With a bell of the kind that the test runs with. */
void init_mailbox(struct vd_mailbox *mailbox, void **state);

/* How often the bell has rung since the owner heard it last. */
int rings(struct vd_mailbox *mailbox);

/* Posts one node, as the poster of this number, in this round. Runs on the poster's thread. */
typedef void post_fn(struct vd_mailbox *mailbox, struct vd_node *node, unsigned int poster, unsigned int round);

/* Takes as many nodes as were posted in a round. Runs on the main thread, which is the owner. */
typedef void take_fn(struct vd_mailbox *mailbox, unsigned int count);

/*
 * Makes and destroys 2000 mailboxes, one after the other. So many posters post once to each of them. The owner destroys
 * a mailbox as soon as it has taken what was posted. A poster may then still be inside its post, and destroying must
 * wait for it; otherwise the poster meets memory that is overwritten and freed.
 */
void destroy_many_mailboxes(unsigned int count, post_fn *post, take_fn *take, void **state);

#endif
