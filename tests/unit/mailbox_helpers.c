/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mailbox_helpers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#define ROUNDS 2000

void init_mailbox(struct vd_mailbox *mailbox, void **state)
{
    assert_int_equal(vd_mailbox_init(mailbox, kind_of_bell(state)), 0);
}

int rings(struct vd_mailbox *mailbox)
{
    int count = -1;

    if (mailbox->doorbell.kind == VD_DOORBELL_PIPE)
        assert_int_equal(ioctl(mailbox->doorbell.read_fd, FIONREAD, &count), 0);
    else
        assert_int_equal(sem_getvalue(&mailbox->doorbell.semaphore, &count), 0);
    return count;
}

/* The posters outlive the mailboxes: a new thread for each post would seldom meet the destroying. */
static struct {
    struct team team;
    struct vd_node nodes[TEAM_MAX];
    sem_t go[TEAM_MAX];
    struct vd_mailbox *mailbox;
    post_fn *post;
} posters;

static void post_each_round(void *arg, unsigned int number)
{
    (void)arg;
    for (unsigned int round = 0; round < ROUNDS; round++) {
        sleep_on(&posters.go[number]);
        posters.post(posters.mailbox, &posters.nodes[number], number, round);
    }
}

static void start_posters(unsigned int count, post_fn *post)
{
    posters.post = post;
    for (unsigned int i = 0; i < count; i++)
        assert_int_equal(sem_init(&posters.go[i], 0, 0), 0);
    start_team(&posters.team, count, post_each_round, NULL);
}

static void start_round(struct vd_mailbox *mailbox)
{
    posters.mailbox = mailbox;
    for (unsigned int i = 0; i < posters.team.size; i++)
        sem_post(&posters.go[i]);
}

void destroy_many_mailboxes(unsigned int count, post_fn *post, take_fn *take, void **state)
{
    start_posters(count, post);
    for (unsigned int round = 0; round < ROUNDS; round++) {
        struct vd_mailbox *mailbox = malloc(sizeof *mailbox);

        assert_non_null(mailbox);
        init_mailbox(mailbox, state);
        start_round(mailbox);
        take(mailbox, count);
        vd_mailbox_destroy(mailbox);
        /* Where no sanitizer watches, a poster that still uses the mailbox is to crash. */
        memset(mailbox, 0xff, sizeof *mailbox);
        free(mailbox);
    }
    join_team(&posters.team);
}
