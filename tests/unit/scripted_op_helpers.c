/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scripted_op_helpers.h"

#include <string.h>

#include "base/error.h"

struct script script;

struct scripted_op {
    struct vd_op op;
    struct script *script;
};

static struct script *script_of(const struct vd_op *op)
{
    return ((const struct scripted_op *)op)->script;
}

static int run_script(struct vd_op *op, struct vdisk_error *err)
{
    struct script *this = script_of(op);

    this->runner = pthread_self();
    for (size_t i = 0; i < 8 && this->reports[i].total != UINT64_MAX; i++)
        vd_op_progress(this->reports[i].done, this->reports[i].total, op);
    atomic_fetch_add(&this->ran, 1);
    pass_checkpoint(&this->reported);
    if (this->result < 0)
        return vd_error_set(err, this->result, "The script says so.");
    return 0;
}

static void deliver_script(struct vd_op *op, struct vdisk_completion *completion)
{
    struct script *this = script_of(op);

    this->deliverer = pthread_self();
    this->delivered_result = completion->result;
    completion->value = 17;
    atomic_fetch_add(&this->delivered, 1);
}

static void clear_script(struct vd_op *op)
{
    struct script *this = script_of(op);

    this->clearer = pthread_self();
    atomic_fetch_add(&this->cleared, 1);
}

const struct vd_op_kind plain = {.run = run_script, .deliver = deliver_script, .destroy = clear_script};
const struct vd_op_kind minimal = {.run = run_script};
const struct vd_op_kind reporting = {.run = run_script, .destroy = clear_script, .has_progress = true};
const struct vd_op_kind abandonable = {
    .run = run_script, .deliver = deliver_script, .destroy = clear_script, .can_be_abandoned = true};
const struct vd_op_kind impatient = {
    .run = run_script, .deliver = deliver_script, .destroy = clear_script, .timeout_message = "It takes too long."};

int set_up_script(void **state)
{
    memset(&script, 0, sizeof script);
    script.reports[0].total = UINT64_MAX;
    init_checkpoint(&script.reported, false);
    return set_up_disk(state);
}

static struct vd_op *follow_script(struct scripted_op *op)
{
    assert_non_null(op);
    op->script = &script;
    return &op->op;
}

struct vd_op *new_op(const struct vd_op_kind *kind, struct vdisk *disk)
{
    return follow_script(vd_op_new(sizeof(struct scripted_op), kind, disk, NULL, NULL));
}

struct vd_op *new_loner(const struct vd_op_kind *kind, const struct vdisk *disk)
{
    struct vd_cluster *cluster = vd_cluster_get(disk->connection->cluster);

    return follow_script(vd_op_new(sizeof(struct scripted_op), kind, NULL, cluster, NULL));
}

void submit(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags)
{
    assert_int_equal(vd_op_submit(queue, op, flags, &script, NULL), 0);
}

void start(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags)
{
    script.reported.stops = true;
    submit(queue, op, flags);
    wait_until(is_reached(&script.reported));
}

void go_on(void)
{
    open_checkpoint(&script.reported);
}

void check_called(unsigned int ran, unsigned int delivered, unsigned int cleared)
{
    assert_int_equal(script.ran, ran);
    assert_int_equal(script.delivered, delivered);
    assert_int_equal(script.cleared, cleared);
}

void check_final(const struct vdisk_completion *completion)
{
    assert_ptr_equal(completion->user_data, &script);
    assert_int_equal(completion->flags, 0);
}
