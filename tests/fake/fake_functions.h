/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists the functions of librbd and librados that the fake has. */
#ifndef FAKE_FUNCTIONS_H
#define FAKE_FUNCTIONS_H

enum {
    /* The function returns an error, so a test can make it fail. */
    FAKE_FALLIBLE = 1 << 0,
    /* The function waits for the cluster or for other threads, so a callback must not call it. */
    FAKE_BLOCKING = 1 << 1,
    /* Most functions are both. */
    FAKE_CALL = FAKE_FALLIBLE | FAKE_BLOCKING
};

/* Each function has an entry here. Its call count and its script are made from it. */
#define FAKE_FUNCTIONS(X)                                                                                              \
    X(rados_version, 0)                                                                                                \
    X(rados_create, FAKE_FALLIBLE)                                                                                     \
    X(rados_shutdown, FAKE_BLOCKING)                                                                                   \
    X(rados_conf_read_file, FAKE_FALLIBLE)                                                                             \
    X(rados_conf_parse_env, FAKE_FALLIBLE)                                                                             \
    X(rados_conf_parse_argv, FAKE_FALLIBLE)                                                                            \
    X(rados_conf_set, FAKE_FALLIBLE)                                                                                   \
    X(rados_conf_get, FAKE_FALLIBLE)                                                                                   \
    X(rados_connect, FAKE_CALL)                                                                                        \
    X(rados_get_instance_id, 0)                                                                                        \
    X(rados_getaddrs, FAKE_FALLIBLE)                                                                                   \
    X(rados_blocklist_add, FAKE_CALL)                                                                                  \
    X(rados_wait_for_latest_osdmap, FAKE_CALL)                                                                         \
    X(rados_ioctx_create, FAKE_CALL)                                                                                   \
    X(rados_ioctx_destroy, 0)                                                                                          \
    X(rados_ioctx_set_namespace, 0)                                                                                    \
    X(rados_ioctx_get_id, 0)                                                                                           \
    X(rbd_version, 0)                                                                                                  \
    X(rbd_namespace_create, FAKE_CALL)                                                                                 \
    X(rbd_namespace_exists, FAKE_CALL)                                                                                 \
    X(rbd_image_options_create, 0)                                                                                     \
    X(rbd_image_options_destroy, 0)                                                                                    \
    X(rbd_image_options_set_uint64, FAKE_FALLIBLE)                                                                     \
    X(rbd_image_options_set_string, FAKE_FALLIBLE)                                                                     \
    X(rbd_create4, FAKE_CALL)                                                                                          \
    X(rbd_clone3, FAKE_CALL)                                                                                           \
    X(rbd_remove, FAKE_CALL)                                                                                           \
    X(rbd_remove_with_progress, FAKE_CALL)                                                                             \
    X(rbd_rename, FAKE_CALL)                                                                                           \
    X(rbd_list2, FAKE_CALL)                                                                                            \
    X(rbd_image_spec_list_cleanup, 0)                                                                                  \
    X(rbd_open, FAKE_CALL)                                                                                             \
    X(rbd_open_read_only, FAKE_CALL)                                                                                   \
    X(rbd_close, FAKE_CALL)                                                                                            \
    X(rbd_stat, FAKE_CALL)                                                                                             \
    X(rbd_get_size, FAKE_CALL)                                                                                         \
    X(rbd_get_features, FAKE_CALL)                                                                                     \
    X(rbd_get_flags, FAKE_CALL)                                                                                        \
    X(rbd_get_stripe_unit, FAKE_CALL)                                                                                  \
    X(rbd_get_stripe_count, FAKE_CALL)                                                                                 \
    X(rbd_get_id, FAKE_FALLIBLE)                                                                                       \
    X(rbd_get_overlap, FAKE_CALL)                                                                                      \
    X(rbd_get_parent, FAKE_CALL)                                                                                       \
    X(rbd_linked_image_spec_cleanup, 0)                                                                                \
    X(rbd_snap_spec_cleanup, 0)                                                                                        \
    X(rbd_lock_acquire, FAKE_CALL)                                                                                     \
    X(rbd_lock_break, FAKE_CALL)                                                                                       \
    X(rbd_encryption_format, FAKE_CALL)                                                                                \
    X(rbd_encryption_load, FAKE_CALL)                                                                                  \
    X(rados_set_pool_full_try, 0)                                                                                      \
    X(rbd_lock_get_owners, FAKE_CALL)                                                                                  \
    X(rbd_lock_get_owners_cleanup, 0)                                                                                  \
    X(rbd_watchers_list, FAKE_CALL)                                                                                    \
    X(rbd_watchers_list_cleanup, 0)                                                                                    \
    X(rbd_flatten_with_progress, FAKE_CALL)                                                                            \
    X(rbd_resize2, FAKE_CALL)                                                                                          \
    X(rbd_flush, FAKE_CALL)                                                                                            \
    X(rbd_invalidate_cache, FAKE_CALL)                                                                                 \
    X(rbd_diff_iterate2, FAKE_CALL)                                                                                    \
    X(rbd_update_watch, FAKE_CALL)                                                                                     \
    X(rbd_update_unwatch, FAKE_CALL)                                                                                   \
    X(rbd_aio_create_completion, FAKE_FALLIBLE)                                                                        \
    X(rbd_aio_get_return_value, 0)                                                                                     \
    X(rbd_aio_get_arg, 0)                                                                                              \
    X(rbd_aio_release, 0)                                                                                              \
    X(rbd_aio_read, FAKE_FALLIBLE)                                                                                     \
    X(rbd_aio_readv, FAKE_FALLIBLE)                                                                                    \
    X(rbd_aio_write, FAKE_FALLIBLE)                                                                                    \
    X(rbd_aio_writev, FAKE_FALLIBLE)                                                                                   \
    X(rbd_aio_flush, FAKE_FALLIBLE)                                                                                    \
    X(rbd_aio_write2, FAKE_FALLIBLE)                                                                                   \
    X(rbd_aio_discard, FAKE_FALLIBLE)                                                                                  \
    X(rbd_aio_write_zeroes, FAKE_FALLIBLE)                                                                             \
    X(rbd_aio_compare_and_write, FAKE_FALLIBLE)                                                                        \
    X(rbd_config_image_list, FAKE_CALL)                                                                                \
    X(rbd_config_image_list_cleanup, 0)                                                                                \
    X(rbd_snap_list, FAKE_CALL)                                                                                        \
    X(rbd_snap_list_end, 0)                                                                                            \
    X(rbd_snap_create, FAKE_CALL)                                                                                      \
    X(rbd_snap_create2, FAKE_CALL)                                                                                     \
    X(rbd_snap_remove, FAKE_CALL)                                                                                      \
    X(rbd_snap_remove2, FAKE_CALL)                                                                                     \
    X(rbd_snap_rollback, FAKE_CALL)                                                                                    \
    X(rbd_snap_rollback_with_progress, FAKE_CALL)                                                                      \
    X(rbd_snap_protect, FAKE_CALL)                                                                                     \
    X(rbd_snap_unprotect, FAKE_CALL)                                                                                   \
    X(rbd_snap_get_id, FAKE_CALL)                                                                                      \
    X(rbd_snap_is_protected, FAKE_CALL)                                                                                \
    X(rbd_snap_get_namespace_type, FAKE_CALL)

enum fake_function {
#define FAKE_FUNCTION_ID(name, flags) FN_##name,
    FAKE_FUNCTIONS(FAKE_FUNCTION_ID)
#undef FAKE_FUNCTION_ID
        FAKE_FUNCTION_COUNT
};

#endif
