/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements the configuration of open images, which an image can override. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

/* An image can override these options in 16.2.15. Options that the fake does not have are left out. */
static const char *const names[] = {
    "rbd_atime_update_interval",
    "rbd_balance_parent_reads",
    "rbd_balance_snap_reads",
    "rbd_blkin_trace_all",
    "rbd_blocklist_expire_seconds",
    "rbd_blocklist_on_break_lock",
    "rbd_cache",
    "rbd_cache_block_writes_upfront",
    "rbd_cache_max_dirty",
    "rbd_cache_max_dirty_age",
    "rbd_cache_max_dirty_object",
    "rbd_cache_policy",
    "rbd_cache_size",
    "rbd_cache_target_dirty",
    "rbd_cache_writethrough_until_flush",
    "rbd_clone_copy_on_read",
    "rbd_compression_hint",
    "rbd_concurrent_management_ops",
    "rbd_default_map_options",
    "rbd_default_snapshot_quiesce_mode",
    "rbd_disable_zero_copy_writes",
    "rbd_discard_granularity_bytes",
    "rbd_enable_alloc_hint",
    "rbd_invalidate_object_map_on_timeout",
    "rbd_io_scheduler",
    "rbd_io_scheduler_simple_max_delay",
    "rbd_journal_commit_age",
    "rbd_journal_max_concurrent_object_sets",
    "rbd_journal_max_payload_bytes",
    "rbd_journal_object_flush_age",
    "rbd_journal_object_flush_bytes",
    "rbd_journal_object_flush_interval",
    "rbd_journal_object_max_in_flight_appends",
    "rbd_journal_object_writethrough_until_flush",
    "rbd_localize_parent_reads",
    "rbd_localize_snap_reads",
    "rbd_move_parent_to_trash_on_remove",
    "rbd_move_to_trash_on_remove",
    "rbd_move_to_trash_on_remove_expire_seconds",
    "rbd_mtime_update_interval",
    "rbd_non_blocking_aio",
    "rbd_parent_cache_enabled",
    "rbd_persistent_cache_mode",
    "rbd_persistent_cache_path",
    "rbd_plugins",
    "rbd_qos_bps_burst",
    "rbd_qos_bps_burst_seconds",
    "rbd_qos_bps_limit",
    "rbd_qos_iops_burst",
    "rbd_qos_iops_burst_seconds",
    "rbd_qos_iops_limit",
    "rbd_qos_read_bps_burst",
    "rbd_qos_read_bps_burst_seconds",
    "rbd_qos_read_bps_limit",
    "rbd_qos_read_iops_burst",
    "rbd_qos_read_iops_burst_seconds",
    "rbd_qos_read_iops_limit",
    "rbd_qos_schedule_tick_min",
    "rbd_qos_write_bps_burst",
    "rbd_qos_write_bps_burst_seconds",
    "rbd_qos_write_bps_limit",
    "rbd_qos_write_iops_burst",
    "rbd_qos_write_iops_burst_seconds",
    "rbd_qos_write_iops_limit",
    "rbd_quiesce_notification_attempts",
    "rbd_read_from_replica_policy",
    "rbd_readahead_disable_after_bytes",
    "rbd_readahead_max_bytes",
    "rbd_readahead_trigger_requests",
    "rbd_request_timed_out_seconds",
    "rbd_skip_partial_discard",
    "rbd_sparse_read_threshold_bytes",
};

#define COUNT ((int)(sizeof names / sizeof *names))

static const char *own_value(const struct fake_image *image, const char *name)
{
    const struct fake_setting *setting;

    SLIST_FOREACH(setting, &image->options, next)
    {
        if (strcmp(setting->name, name) == 0)
            return setting->value;
    }
    return NULL;
}

const char *fake_handle_option(const struct fake_handle *handle, const char *name, char *value, size_t size)
{
    const char *own = own_value(handle->image, name);

    if (own)
        snprintf(value, size, "%s", own);
    else if (fake_config_get(&handle->ioctx->client->config, name, value, size) < 0)
        fake_abort("no option %s", name);
    return value;
}

static void fill(rbd_config_option_t *options, const struct fake_handle *handle)
{
    char value[4096];

    for (int i = 0; i < COUNT; i++) {
        options[i].name = fake_strdup(names[i]);
        options[i].value = fake_strdup(fake_handle_option(handle, names[i], value, sizeof value));
        options[i].source = own_value(handle->image, names[i]) ? RBD_CONFIG_SOURCE_IMAGE : RBD_CONFIG_SOURCE_CONFIG;
    }
}

int rbd_config_image_list(rbd_image_t image, rbd_config_option_t *options, int *max_options)
{
    int r = fake_enter(FN_rbd_config_image_list);
    const struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);
    int room = *max_options;

    if (r == 0 && fake_handle_is_fenced(handle))
        r = -ESHUTDOWN;
    if (r < 0)
        return fake_leave(r);
    *max_options = COUNT;
    if (room < COUNT)
        return fake_leave(-ERANGE);
    fill(options, handle);
    return fake_leave(0);
}

void rbd_config_image_list_cleanup(rbd_config_option_t *options, int max_options)
{
    fake_enter(FN_rbd_config_image_list_cleanup);
    for (int i = 0; i < max_options; i++) {
        free(options[i].name);
        free(options[i].value);
    }
    fake_leave(0);
}

void fake_image_free_options(struct fake_image *image)
{
    while (!SLIST_EMPTY(&image->options)) {
        struct fake_setting *setting = SLIST_FIRST(&image->options);

        SLIST_REMOVE_HEAD(&image->options, next);
        free(setting->name);
        free(setting->value);
        free(setting);
    }
}
