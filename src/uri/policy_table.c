/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uri/policy_table.h"

#include <vdisk/disk.h>

/*
 * The options that a URI may set, each with the reason why it does no harm. The bounds keep a URI from taking the
 * host's memory or threads, and from making it wait for ever. They are far above what tuning needs.
 *
 * Options that are missing are missing on purpose. docs/uri-policy.md says why, for those that a reader could expect
 * here.
 */
#define GUARDED (1u << VDISK_URI_GUARDED)
#define BOTH (1u << VDISK_URI_GUARDED | 1u << VDISK_URI_STRICT)

#define K UINT64_C(1024)
#define M (K * K)
#define G (K * M)
#define T (K * G)

/* The end of a row: the kind of its values, their bounds and the allowed words. */
#define BOOL VD_VALUE_BOOL, 0, 0, NULL
#define NUMBER(least, most) VD_VALUE_NUMBER, least, most, NULL
#define SIZE(least, most) VD_VALUE_SIZE, least, most, NULL
#define SECONDS(least, most) VD_VALUE_SECONDS, least, most, NULL
#define DECIMAL(least, most) VD_VALUE_DECIMAL, least, most, NULL
#define LEVEL VD_VALUE_LEVEL, 0, 0, NULL
#define WORD(words) VD_VALUE_WORD, 0, 0, words
#define FEATURES VD_VALUE_FEATURES, 0, 0, NULL
#define NAME VD_VALUE_NAME, 0, 0, NULL
#define KEY VD_VALUE_KEY, 0, 0, NULL
#define ANY_FILE VD_VALUE_FILE, 0, 0, NULL

#define DAY 86400
#define LIMIT GUARDED, NUMBER(0, VD_POLICY_UNBOUNDED), "limits this image; what pool or image are set to outranks it"
#define BURST GUARDED, NUMBER(1, 3600), "for how long this image may exceed its limit"
#define LOG GUARDED, LEVEL, "a log level; where the log goes is not the URI's to say"

const struct vd_policy_row vd_policy_rows[] = {
    /* These say who the client is. */
    {"id", BOTH, NAME, "the user; the key must still be one that the caller can read"},
    {"key", GUARDED, KEY, "a secret, but one that whoever wrote the URI knows"},
    {"keyring", GUARDED, ANY_FILE, "a file nobody but root and the caller could have written"},
    {"conf", GUARDED, ANY_FILE, "a file nobody but root and the caller could have written"},

    /* These say how long to wait. */
    {"client_mount_timeout", GUARDED, SECONDS(1, 600), "bounds connecting; 0 would wait for ever"},
    {"rados_mon_op_timeout", GUARDED, SECONDS(0, DAY), "bounds requests to monitors"},
    {"rados_osd_op_timeout", GUARDED, SECONDS(0, DAY), "bounds requests to this image; a timed-out write is an error"},
    {"rbd_request_timed_out_seconds", GUARDED, NUMBER(1, 3600), "bounds requests to the owner of this image's lock"},
    {"objecter_timeout", GUARDED, DECIMAL(1, 3600), "when to ask monitors about a slow request; less would flood them"},

    /* These say how much may be done at once. */
    {"objecter_inflight_ops", GUARDED, NUMBER(1, 65536), "requests in flight; 0 would lift the limit"},
    {"objecter_inflight_op_bytes", GUARDED, SIZE(1, G), "memory of requests in flight; 0 would lift the limit"},
    {"librados_thread_count", GUARDED, NUMBER(1, 16), "threads, as bounded"},
    {"rbd_op_threads", GUARDED, NUMBER(1, 16), "threads, as bounded"},
    {"rbd_concurrent_management_ops", GUARDED, NUMBER(1, 256), "how parallel a resize or removal of this image is"},

    /* These tune the cache. Write-around is not allowed, because it can lose a write in silence. */
    {"rbd_cache", BOTH, BOOL, "caching of this image; what is flushed is durable"},
    {"rbd_cache_policy", BOTH, WORD("writethrough, writeback"),
     "as rbd_cache; writearound can lose a write in silence"},
    {"rbd_cache_writethrough_until_flush", GUARDED, BOOL,
     "a program that flushes loses nothing, one that never does may"},
    {"rbd_cache_size", BOTH, SIZE(0, G), "memory, as bounded"},
    {"rbd_cache_max_dirty", BOTH, SIZE(0, G), "memory, as bounded"},
    {"rbd_cache_target_dirty", BOTH, SIZE(0, G), "when to start writing back"},
    {"rbd_cache_max_dirty_age", BOTH, DECIMAL(0, 3600), "when to start writing back"},
    {"rbd_cache_max_dirty_object", GUARDED, NUMBER(0, 65536), "when to start writing back"},

    /* These tune reading. */
    {"rbd_readahead_trigger_requests", BOTH, NUMBER(0, 65536), "when to read ahead"},
    {"rbd_readahead_max_bytes", BOTH, SIZE(0, 64 * M), "memory, as bounded"},
    {"rbd_readahead_disable_after_bytes", BOTH, SIZE(0, T), "when to stop reading ahead"},
    {"rbd_sparse_read_threshold_bytes", BOTH, SIZE(0, G), "how to ask for data, not which"},
    {"rbd_read_from_replica_policy", GUARDED, WORD("default, balance, localize"), "which copy to read"},
    {"rbd_balance_snap_reads", GUARDED, BOOL, "which copy to read"},
    {"rbd_localize_snap_reads", GUARDED, BOOL, "which copy to read"},
    {"rbd_balance_parent_reads", GUARDED, BOOL, "which copy to read"},
    {"rbd_localize_parent_reads", GUARDED, BOOL, "which copy to read"},
    {"rbd_clone_copy_on_read", GUARDED, BOOL, "moves data the image shows anyway into the image"},

    /* These tune writing and discarding. */
    {"rbd_skip_partial_discard", BOTH, BOOL, "a discard promises nothing about the data"},
    {"rbd_discard_granularity_bytes", BOTH, SIZE(4 * K, 32 * M), "a discard promises nothing about the data"},
    {"rbd_discard_on_zeroed_write_same", GUARDED, BOOL, "zeroes, stored or not"},
    {"rbd_enable_alloc_hint", BOTH, BOOL, "a hint to the cluster"},
    {"rbd_compression_hint", BOTH, WORD("none, compressible, incompressible"), "a hint to the cluster"},
    {"rbd_io_scheduler", GUARDED, WORD("none, simple"), "the order of requests that have none"},
    {"rbd_io_scheduler_simple_max_delay", GUARDED, NUMBER(0, 1000), "delays this image only"},
    {"rbd_mtime_update_interval", GUARDED, NUMBER(0, DAY), "a date of this image"},
    {"rbd_atime_update_interval", GUARDED, NUMBER(0, DAY), "a date of this image"},

    /* These set the form of an image that is created. */
    {"rbd_default_order", GUARDED, NUMBER(12, 25), "form of a new image"},
    {"rbd_default_stripe_unit", GUARDED, SIZE(0, 32 * M), "form of a new image"},
    {"rbd_default_stripe_count", GUARDED, NUMBER(0, 1024), "form of a new image"},
    {"rbd_default_features", GUARDED, FEATURES, "form of a new image"},
    {"rbd_default_data_pool", GUARDED, NAME, "a pool; the URI names one already"},

    /* These limit this image. An operator sets limits on the pool or the image, where they outrank the URI. */
    {"rbd_qos_iops_limit", LIMIT},
    {"rbd_qos_iops_burst", LIMIT},
    {"rbd_qos_iops_burst_seconds", BURST},
    {"rbd_qos_bps_limit", LIMIT},
    {"rbd_qos_bps_burst", LIMIT},
    {"rbd_qos_bps_burst_seconds", BURST},
    {"rbd_qos_read_iops_limit", LIMIT},
    {"rbd_qos_read_iops_burst", LIMIT},
    {"rbd_qos_read_iops_burst_seconds", BURST},
    {"rbd_qos_read_bps_limit", LIMIT},
    {"rbd_qos_read_bps_burst", LIMIT},
    {"rbd_qos_read_bps_burst_seconds", BURST},
    {"rbd_qos_write_iops_limit", LIMIT},
    {"rbd_qos_write_iops_burst", LIMIT},
    {"rbd_qos_write_iops_burst_seconds", BURST},
    {"rbd_qos_write_bps_limit", LIMIT},
    {"rbd_qos_write_bps_burst", LIMIT},
    {"rbd_qos_write_bps_burst_seconds", BURST},
    {"rbd_qos_schedule_tick_min", GUARDED, NUMBER(10, 1000), "how often limits are looked at"},

    /* These are log levels of what a client of librbd runs. debug_auth is not allowed: it prints session keys. */
    {"debug_rbd", LOG},
    {"debug_rados", LOG},
    {"debug_objecter", LOG},
    {"debug_objectcacher", LOG},
    {"debug_striper", LOG},
    {"debug_monc", LOG},
    {"debug_ms", LOG},
    {"debug_finisher", LOG},
    {"debug_timer", LOG},
    {"debug_tp", LOG},
    {"debug_throttle", LOG},
};

const size_t vd_policy_row_count = sizeof vd_policy_rows / sizeof *vd_policy_rows;
