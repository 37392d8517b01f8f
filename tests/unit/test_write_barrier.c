/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who waits for whom. Asserts on what went, in which order and with which result. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "disk/write_barrier.h"

static struct vd_write_barrier barrier;

static int set_up(void **state)
{
    (void)state;
    vd_write_barrier_init(&barrier);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vd_write_barrier_destroy(&barrier);
    return 0;
}

/* Writes. */

struct write {
    struct vd_indeterminate_write write;
    unsigned int drops;
};

static void note_drop(struct vd_indeterminate_write *write)
{
    VD_CONTAINER_OF(write, struct write, write)->drops++;
}

static struct write *add_write(struct write *write, uint64_t offset, uint64_t length, bool tracked)
{
    *write = (struct write){.write = {.offset = offset, .length = length, .tracked = tracked}};
    write->write.free = note_drop;
    vd_write_barrier_add(&barrier, &write->write);
    return write;
}

static bool settle(struct write *write)
{
    return vd_write_barrier_remove(&barrier, &write->write);
}

/* Requests: of what they are for, and what became of them. */

struct request {
    struct vd_ordered ordered;
    /* Its queue is quicker. */
    bool cannot_be_claimed;
    unsigned int goes;
    int result;
    /* The place among all that went. */
    unsigned int place;
};

static unsigned int gone;
/* What those who may not wait end with. */
static int refused, refused_if_stuck;

static int refusal(struct vd_ordered *ordered, bool is_stuck)
{
    (void)ordered;
    return is_stuck && refused_if_stuck ? refused_if_stuck : refused;
}

static bool claim(struct vd_ordered *ordered)
{
    return !VD_CONTAINER_OF(ordered, struct request, ordered)->cannot_be_claimed;
}

static void go(struct vd_ordered *ordered, int result)
{
    struct request *request = VD_CONTAINER_OF(ordered, struct request, ordered);

    request->goes++;
    request->result = result;
    request->place = ++gone;
}

static struct request *init(struct request *request, uint64_t offset, uint64_t length)
{
    *request = (struct request){.ordered = {.offset = offset, .length = length}};
    request->ordered.refusal = refusal;
    request->ordered.unblock = claim;
    request->ordered.start = go;
    return request;
}

static int hold_read(struct request *request, uint64_t offset, uint64_t length)
{
    return vd_write_barrier_block(&barrier, &init(request, offset, length)->ordered);
}

static int hold_write(struct request *request, uint64_t offset, uint64_t length)
{
    init(request, offset, length)->ordered.is_write = true;
    return vd_write_barrier_block(&barrier, &request->ordered);
}

static int hold_flush(struct request *request)
{
    init(request, 0, 0)->ordered.is_flush = true;
    return vd_write_barrier_block(&barrier, &request->ordered);
}

static bool land(struct request *request)
{
    return vd_write_barrier_unlist(&barrier, &request->ordered);
}

static int reset(void **state)
{
    gone = 0;
    refused = refused_if_stuck = 0;
    return set_up(state);
}

/* Ranges. */

static void only_what_overlaps_must_wait(void **state)
{
    struct request request;
    struct write write;

    (void)state;
    add_write(&write, 100, 50, true);
    assert_int_equal(hold_read(&request, 0, 100), 0);
    assert_int_equal(hold_read(&request, 150, 1), 0);
    assert_int_equal(hold_write(&request, 50, 50), 0);
    assert_int_equal(hold_flush(&request), 0);
    assert_true(vd_write_barrier_any(&barrier));
    static const struct {
        uint64_t offset, length;
    } overlapping[] = {{99, 2}, {100, 1}, {149, 1}, {120, 5}, {0, 1000}, {149, UINT64_MAX - 149}};

    for (size_t i = 0; i < sizeof overlapping / sizeof *overlapping; i++) {
        assert_int_equal(hold_read(&request, overlapping[i].offset, overlapping[i].length), 1);
        assert_false(land(&request));
        assert_int_equal(hold_write(&request, overlapping[i].offset, overlapping[i].length), 1);
        land(&request);
    }
    settle(&write);
    assert_false(vd_write_barrier_any(&barrier));
}

static void with_nothing_unsettled_nobody_waits(void **state)
{
    struct request request;

    (void)state;
    assert_false(vd_write_barrier_any(&barrier));
    assert_int_equal(hold_read(&request, 0, 1), 0);
    assert_int_equal(hold_flush(&request), 0);
    assert_false(vd_write_barrier_any(&barrier));
    vd_write_barrier_unblock(&barrier);
}

static void it_goes_when_the_last_write_that_it_overlaps_has_settled(void **state)
{
    struct write first, second;
    struct request request;

    (void)state;
    add_write(&first, 0, 10, true);
    add_write(&second, 5, 10, true);
    assert_int_equal(vd_write_barrier_writes(&barrier), 2);
    assert_int_equal(hold_write(&request, 8, 1), 1);
    assert_true(settle(&second));
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(request.goes, 0);
    assert_true(settle(&first));
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(request.goes, 1);
    assert_int_equal(request.result, 0);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(request.goes, 1);
    assert_false(land(&request));
}

static void they_go_in_their_order_and_each_when_it_can(void **state)
{
    struct write first, second;
    struct request requests[4];

    (void)state;
    add_write(&first, 0, 10, true);
    add_write(&second, 20, 10, true);
    assert_int_equal(hold_write(&requests[0], 20, 1), 1);
    assert_int_equal(hold_write(&requests[1], 0, 1), 1);
    assert_int_equal(hold_read(&requests[2], 1, 1), 1);
    assert_int_equal(hold_write(&requests[3], 0, 30), 1);
    settle(&first);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(requests[0].goes, 0);
    assert_int_equal(requests[1].place, 1);
    assert_int_equal(requests[2].place, 2);
    assert_int_equal(requests[3].goes, 0);
    settle(&second);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(requests[0].place, 3);
    assert_int_equal(requests[3].place, 4);
    for (size_t i = 0; i < 4; i++)
        land(&requests[i]);
}

/* Flushes. */

static void a_flush_waits_until_writes_listed_before_it_have_landed(void **state)
{
    struct request write, read, flush;
    struct write lost;

    (void)state;
    add_write(&lost, 0, 10, true);
    assert_int_equal(hold_read(&read, 0, 1), 1);
    /* A read is nothing to flush. */
    assert_int_equal(hold_flush(&flush), 0);
    assert_int_equal(hold_write(&write, 0, 1), 1);
    assert_int_equal(hold_flush(&flush), 1);
    settle(&lost);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(write.goes, 1);
    /* It is on its way, and can still be behind the flush. */
    assert_int_equal(flush.goes, 0);
    assert_true(land(&write));
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(flush.goes, 1);
    assert_false(land(&read));
    assert_false(land(&flush));
}

static void a_flush_does_not_wait_for_writes_listed_after_it(void **state)
{
    struct request before, after, flush;
    struct write lost;

    (void)state;
    add_write(&lost, 0, 10, true);
    assert_int_equal(hold_write(&before, 0, 1), 1);
    assert_int_equal(hold_flush(&flush), 1);
    assert_int_equal(hold_write(&after, 5, 1), 1);
    /* Its queue gives it up. */
    assert_true(land(&before));
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(flush.goes, 1);
    assert_int_equal(after.goes, 0);
    settle(&lost);
    vd_write_barrier_unblock(&barrier);
    land(&after);
    land(&flush);
}

/* Between queues it covers what is complete. */
static void a_flush_does_not_wait_for_other_owners_writes(void **state)
{
    struct request write, other, flush;
    static int owner;
    struct write lost;

    (void)state;
    add_write(&lost, 0, 10, true);
    init(&other, 0, 1)->ordered.is_write = true;
    other.ordered.owner = &owner;
    assert_int_equal(vd_write_barrier_block(&barrier, &other.ordered), 1);
    assert_int_equal(hold_flush(&flush), 0);
    assert_int_equal(hold_write(&write, 0, 1), 1);
    assert_int_equal(hold_flush(&flush), 1);
    land(&write);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(flush.goes, 1);
    assert_int_equal(other.goes, 0);
    land(&flush);
    land(&other);
    settle(&lost);
}

static void a_flush_waits_for_what_is_listed_without_waiting(void **state)
{
    struct request pieces, flush, read;

    (void)state;
    init(&pieces, 0, 100)->ordered.is_write = true;
    vd_write_barrier_list(&barrier, &pieces.ordered);
    assert_true(vd_write_barrier_any(&barrier));
    assert_int_equal(hold_read(&read, 0, 100), 0);
    assert_int_equal(hold_flush(&flush), 1);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(pieces.goes + flush.goes, 0);
    assert_true(land(&pieces));
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(flush.goes, 1);
    land(&flush);
}

/* Cancelling. */

static void what_its_queue_has_claimed_stays_for_it(void **state)
{
    struct request taken, other;
    struct write write;

    (void)state;
    add_write(&write, 0, 10, true);
    assert_int_equal(hold_write(&taken, 0, 1), 1);
    assert_int_equal(hold_write(&other, 0, 1), 1);
    taken.cannot_be_claimed = true;
    settle(&write);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(taken.goes, 0);
    assert_int_equal(other.goes, 1);
    assert_false(land(&taken));
    assert_false(land(&other));
}

static void any_of_several_can_be_taken_from_the_list(void **state)
{
    struct request requests[5];
    struct write write;

    (void)state;
    add_write(&write, 0, 10, true);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(hold_write(&requests[i], 0, 1), 1);
    assert_true(land(&requests[2]));
    assert_true(land(&requests[0]));
    assert_true(land(&requests[4]));
    settle(&write);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(requests[1].place, 1);
    assert_int_equal(requests[3].place, 2);
    assert_false(land(&requests[1]));
    assert_true(vd_write_barrier_any(&barrier));
    assert_false(land(&requests[3]));
    assert_false(vd_write_barrier_any(&barrier));
}

/* What librbd does not know. */

static void what_librbd_does_not_know_holds_until_the_client_is_fenced(void **state)
{
    struct write known, unknown;
    struct request request;

    (void)state;
    add_write(&known, 0, 10, true);
    add_write(&unknown, 5, 10, true);
    assert_int_equal(hold_write(&request, 5, 1), 1);
    assert_int_equal(vd_write_barrier_untracked(&barrier), 0);
    assert_true(vd_write_barrier_untrack(&barrier, &unknown.write));
    assert_int_equal(vd_write_barrier_untracked(&barrier), 1);
    assert_int_equal(vd_write_barrier_writes(&barrier), 2);
    assert_true(settle(&known));
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(request.goes, 0);
    assert_int_equal(unknown.drops, 0);
    assert_true(vd_write_barrier_fenced(&barrier));
    assert_int_equal(unknown.drops, 1);
    assert_int_equal(vd_write_barrier_writes(&barrier), 0);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(request.goes, 1);
    assert_false(land(&request));
}

static void fencing_leaves_what_librbd_has(void **state)
{
    struct write writes[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        add_write(&writes[i], 0, 1, i % 2);
    assert_false(vd_write_barrier_fenced(&barrier));
    assert_int_equal(vd_write_barrier_writes(&barrier), 2);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(writes[i].drops, i % 2 ? 0 : 1);
    assert_false(settle(&writes[1]));
    assert_false(settle(&writes[3]));
}

static void destruction_drops_what_librbd_does_not_know(void **state)
{
    struct write write;

    add_write(&write, 0, 1, false);
    tear_down(state);
    assert_int_equal(write.drops, 1);
    set_up(state);
}

/* Those who may not wait. */

static void who_may_not_wait_is_not_listed(void **state)
{
    struct request request;
    struct write write;

    (void)state;
    add_write(&write, 0, 10, true);
    refused = -ESHUTDOWN;
    assert_int_equal(hold_read(&request, 0, 1), -ESHUTDOWN);
    assert_int_equal(hold_read(&request, 10, 1), 0);
    assert_false(settle(&write));
    assert_false(vd_write_barrier_any(&barrier));
}

static void who_may_not_wait_any_more_ends(void **state)
{
    struct request write, read, flush;
    struct write lost;

    (void)state;
    add_write(&lost, 0, 10, true);
    assert_int_equal(hold_write(&write, 0, 1), 1);
    assert_int_equal(hold_flush(&flush), 1);
    assert_int_equal(hold_read(&read, 0, 1), 1);
    refused = -ESHUTDOWN;
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(write.result, -ESHUTDOWN);
    assert_int_equal(flush.result, -ESHUTDOWN);
    assert_int_equal(read.result, -ESHUTDOWN);
    assert_int_equal(gone, 3);
    land(&write);
    land(&flush);
    land(&read);
    settle(&lost);
}

static void only_who_is_stuck_may_not_wait(void **state)
{
    struct request stuck, waiting, flush;
    struct write known, unknown;

    (void)state;
    add_write(&known, 0, 10, true);
    add_write(&unknown, 10, 10, false);
    refused_if_stuck = -ESHUTDOWN;
    assert_int_equal(hold_read(&stuck, 19, 1), -ESHUTDOWN);
    refused_if_stuck = 0;
    assert_int_equal(hold_write(&stuck, 5, 10), 1);
    assert_int_equal(hold_write(&waiting, 5, 5), 1);
    assert_int_equal(hold_flush(&flush), 1);
    refused_if_stuck = -ESHUTDOWN;
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(stuck.result, -ESHUTDOWN);
    assert_int_equal(waiting.goes + flush.goes, 0);
    land(&stuck);
    settle(&known);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(waiting.result, 0);
    assert_int_equal(waiting.goes, 1);
    land(&waiting);
    vd_write_barrier_unblock(&barrier);
    assert_int_equal(flush.result, 0);
    land(&flush);
    assert_false(vd_write_barrier_fenced(&barrier));
}

/* For the sanitizers: holding, cancelling, settling and letting go, all at once. */

#define REQUESTS 64
#define ROUNDS 300

enum { WAITING, CLAIMED, TAKEN };

struct contested {
    struct vd_ordered ordered;
    atomic_int state;
    atomic_uint ends;
};

static int never_refuse(struct vd_ordered *ordered, bool is_stuck)
{
    (void)ordered, (void)is_stuck;
    return 0;
}

static bool take(struct contested *contested, int to)
{
    int waiting = WAITING;

    return atomic_compare_exchange_strong(&contested->state, &waiting, to);
}

static bool claim_contested(struct vd_ordered *ordered)
{
    return take(VD_CONTAINER_OF(ordered, struct contested, ordered), CLAIMED);
}

static void end_contested(struct contested *contested)
{
    vd_write_barrier_unlist(&barrier, &contested->ordered);
    atomic_fetch_add(&contested->ends, 1);
}

static void go_contested(struct vd_ordered *ordered, int result)
{
    (void)result;
    end_contested(VD_CONTAINER_OF(ordered, struct contested, ordered));
}

static struct contested contested[REQUESTS];
static struct write contested_writes[2];

static int let_go_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++)
        vd_write_barrier_unblock(&barrier);
    return 0;
}

static int settle_and_let_go(void *argument)
{
    settle(argument);
    return let_go_often(NULL);
}

static void each_ends_once_whoever_is_quicker(void **state)
{
    static struct background others[3];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        add_write(&contested_writes[0], 0, 10, true);
        add_write(&contested_writes[1], 5, 10, true);
        start_background(&others[0], settle_and_let_go, &contested_writes[0]);
        start_background(&others[1], settle_and_let_go, &contested_writes[1]);
        start_background(&others[2], let_go_often, NULL);
        for (size_t i = 0; i < REQUESTS; i++) {
            contested[i].ordered = (struct vd_ordered){.offset = i % 15,
                                                       .length = 1,
                                                       .is_write = i % 3,
                                                       .is_flush = i % 7 == 0,
                                                       .refusal = never_refuse,
                                                       .unblock = claim_contested,
                                                       .start = go_contested};
            atomic_store(&contested[i].state, WAITING);
            if (vd_write_barrier_block(&barrier, &contested[i].ordered) == 0)
                atomic_fetch_add(&contested[i].ends, 1);
            else if (i % 4 == 0 && take(&contested[i], TAKEN))
                end_contested(&contested[i]);
        }
        for (size_t i = 0; i < 3; i++)
            end_background(&others[i]);
        while (vd_write_barrier_any(&barrier))
            vd_write_barrier_unblock(&barrier);
        for (size_t i = 0; i < REQUESTS; i++)
            assert_int_equal(atomic_exchange(&contested[i].ends, 0), 1);
    }
}

#define UNSETTLED_TEST(test) cmocka_unit_test_setup_teardown(test, reset, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        UNSETTLED_TEST(only_what_overlaps_must_wait),
        UNSETTLED_TEST(with_nothing_unsettled_nobody_waits),
        UNSETTLED_TEST(it_goes_when_the_last_write_that_it_overlaps_has_settled),
        UNSETTLED_TEST(they_go_in_their_order_and_each_when_it_can),
        UNSETTLED_TEST(a_flush_waits_until_writes_listed_before_it_have_landed),
        UNSETTLED_TEST(a_flush_does_not_wait_for_writes_listed_after_it),
        UNSETTLED_TEST(a_flush_does_not_wait_for_other_owners_writes),
        UNSETTLED_TEST(a_flush_waits_for_what_is_listed_without_waiting),
        UNSETTLED_TEST(what_its_queue_has_claimed_stays_for_it),
        UNSETTLED_TEST(any_of_several_can_be_taken_from_the_list),
        UNSETTLED_TEST(what_librbd_does_not_know_holds_until_the_client_is_fenced),
        UNSETTLED_TEST(fencing_leaves_what_librbd_has),
        UNSETTLED_TEST(destruction_drops_what_librbd_does_not_know),
        UNSETTLED_TEST(who_may_not_wait_is_not_listed),
        UNSETTLED_TEST(who_may_not_wait_any_more_ends),
        UNSETTLED_TEST(only_who_is_stuck_may_not_wait),
        UNSETTLED_TEST(each_ends_once_whoever_is_quicker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
