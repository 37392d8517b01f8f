/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies of what a call names: complete, the library's own, and wiped. */
#include "disk_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/open_args.h"
#include "wrap.h"

#define URI "rbd:pool/name\\/space/image@snap:key=secret-1:rbd_cache=\\:"

/* Memory that is to be zero when it is freed, and how much of it was. */
static struct {
    const char *memory[8];
    size_t size[8];
    size_t count;
    size_t wiped;
} watched;

void __real_free(void *memory);
void __wrap_free(void *memory);

void __wrap_free(void *memory)
{
    for (size_t i = 0; memory && i < watched.count; i++) {
        if (watched.memory[i] == memory && is_zero(memory, watched.size[i]))
            watched.wiped++;
    }
    __real_free(memory);
}

static void watch(const char *secret, size_t size)
{
    watched.memory[watched.count] = secret;
    watched.size[watched.count++] = size;
}

static int set_up(void **state)
{
    (void)state;
    memset(&watched, 0, sizeof watched);
    return 0;
}

/* All of what a caller can pass, in memory that can be freed after the call. */
struct passed {
    struct vdisk_uri *uri;
    struct vdisk_option *list;
    struct vdisk_open_options options;
};

static char *duplicate(const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    return copy;
}

static void make_passed(struct passed *passed)
{
    assert_int_equal(vdisk_uri_parse(&passed->uri, URI, NULL), 0);
    passed->list = calloc(2, sizeof *passed->list);
    assert_non_null(passed->list);
    passed->list[0] = (struct vdisk_option){duplicate("key"), duplicate("secret-2")};
    passed->list[1] = (struct vdisk_option){duplicate("mon_host"), duplicate("")};
    vdisk_open_options_init(&passed->options, sizeof passed->options);
    passed->options.flags = VDISK_OPEN_READ_ONLY;
    passed->options.uri_policy = VDISK_URI_ANY;
    passed->options.id = duplicate("me");
    passed->options.conf = duplicate("/etc/ceph.conf");
    passed->options.options = passed->list;
    passed->options.option_count = 2;
    passed->options.size_poll_ms = 17;
    passed->options.encryption = VDISK_ENCRYPTION_LUKS2;
    passed->options.passphrase = duplicate("secret-3");
    passed->options.passphrase_size = strlen("secret-3");
}

static void free_string(const void *string)
{
    free((void *)(uintptr_t)string);
}

static void free_passed(struct passed *passed)
{
    for (size_t i = 0; i < 2; i++) {
        free_string(passed->list[i].key);
        free_string(passed->list[i].value);
    }
    free(passed->list);
    free_string(passed->options.id);
    free_string(passed->options.conf);
    free_string(passed->options.passphrase);
    free_string(passed->options.passphrase_file);
    vdisk_uri_free(passed->uri);
}

static int init(struct vd_open_args *args, struct vd_cluster **cluster, const struct passed *passed,
                struct vdisk_error *err)
{
    *args = (struct vd_open_args){0};
    return vd_open_args_init(args, cluster, passed->uri, &passed->options, VDISK_OPEN_READ_ONLY, err);
}

static void check_uri(const struct vdisk_uri *uri, const char *expected)
{
    char *text;

    assert_int_equal(vdisk_uri_format(&text, uri), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void everything_is_copied(void **state)
{
    struct vd_cluster *cluster;
    struct vd_open_args args;
    struct passed passed;
    struct vdisk_error err;

    (void)state;
    make_passed(&passed);
    assert_int_equal(init(&args, &cluster, &passed, &err), 0);
    free_passed(&passed);
    check_uri(args.uri, URI);
    assert_int_equal(args.options.struct_size, sizeof args.options);
    assert_int_equal(args.options.flags, VDISK_OPEN_READ_ONLY);
    assert_int_equal(args.options.uri_policy, VDISK_URI_ANY);
    assert_int_equal(args.options.size_poll_ms, 17);
    assert_string_equal(args.options.id, "me");
    assert_string_equal(args.options.conf, "/etc/ceph.conf");
    assert_int_equal(args.options.option_count, 2);
    assert_string_equal(args.options.options[0].key, "key");
    assert_string_equal(args.options.options[0].value, "secret-2");
    assert_string_equal(args.options.options[1].key, "mon_host");
    assert_string_equal(args.options.options[1].value, "");
    assert_int_equal(args.options.encryption, VDISK_ENCRYPTION_LUKS2);
    assert_int_equal(args.options.passphrase_size, strlen("secret-3"));
    assert_memory_equal(args.options.passphrase, "secret-3", strlen("secret-3"));
    assert_null(args.options.passphrase_file);
    vd_open_args_destroy(&args);
    vd_cluster_put(cluster);
}

static void the_name_of_a_file_is_copied_not_the_file(void **state)
{
    struct vd_cluster *cluster;
    struct vd_open_args args;
    struct passed passed;

    (void)state;
    make_passed(&passed);
    free_string(passed.options.passphrase);
    passed.options.passphrase = NULL;
    passed.options.passphrase_size = 0;
    passed.options.passphrase_file = duplicate("/nowhere");
    assert_int_equal(init(&args, &cluster, &passed, NULL), 0);
    free_passed(&passed);
    assert_null(args.options.passphrase);
    assert_string_equal(args.options.passphrase_file, "/nowhere");
    vd_open_args_destroy(&args);
    vd_cluster_put(cluster);
}

static void no_options_are_the_defaults(void **state)
{
    struct vd_open_args args = {0};
    struct vd_cluster *cluster;
    struct vdisk_uri *uri;

    (void)state;
    assert_int_equal(vdisk_uri_parse(&uri, "rbd:p/i", NULL), 0);
    assert_int_equal(vd_open_args_init(&args, &cluster, uri, NULL, 0, NULL), 0);
    vdisk_uri_free(uri);
    check_uri(args.uri, "rbd:p/i");
    assert_null(args.options.id);
    assert_null(args.options.conf);
    assert_null(args.options.options);
    assert_int_equal(args.options.option_count, 0);
    assert_null(args.options.passphrase);
    assert_null(args.options.passphrase_file);
    vd_open_args_destroy(&args);
    vd_cluster_put(cluster);
}

static void it_is_the_cluster_of_the_original(void **state)
{
    struct vd_cluster *cluster, *original;
    struct vd_open_args args;
    struct passed passed;

    (void)state;
    make_passed(&passed);
    original = vd_cluster_find(passed.uri, &passed.options);
    assert_int_equal(init(&args, &cluster, &passed, NULL), 0);
    assert_ptr_equal(cluster, original);
    assert_int_equal(cluster->references, 2);
    vd_open_args_destroy(&args);
    vd_cluster_put(cluster);
    vd_cluster_put(original);
    free_passed(&passed);
}

static void secrets_are_wiped(void **state)
{
    struct vd_cluster *cluster;
    struct vd_open_args args;
    struct passed passed;
    const char *value;

    (void)state;
    make_passed(&passed);
    assert_int_equal(init(&args, &cluster, &passed, NULL), 0);
    free_passed(&passed);
    watch(args.options.options[0].value, strlen("secret-2"));
    assert_int_equal(vdisk_uri_option(NULL, &value, args.uri, 0), 0);
    watch(value, strlen("secret-1"));
    watch(cluster->key, cluster->key_size);
    watch(args.passphrase.bytes, args.passphrase.size);
    vd_open_args_destroy(&args);
    vd_cluster_put(cluster);
    assert_int_equal(watched.wiped, 4);
}

static void clearing_leaves_it_empty(void **state)
{
    struct vd_open_args args = {0};

    (void)state;
    vd_open_args_destroy(&args);
    vd_open_args_destroy(&args);
    assert_true(is_zero(&args, sizeof args));
}

/* At every allocation, of which there are as many as things to copy, and more. */
static void without_memory_there_is_nothing_left(void **state)
{
    struct vd_cluster *cluster;
    struct vd_open_args args;
    struct passed passed;
    unsigned int failed = 0;
    int r;

    (void)state;
    make_passed(&passed);
    for (;;) {
        struct vdisk_error err = {0};

        wrap_fail_nth(failed + 1);
        r = init(&args, &cluster, &passed, &err);
        if (!wrap_disarm())
            break;
        assert_int_equal(r, -ENOMEM);
        assert_says(&err, -ENOMEM, "ut of memory");
        assert_null(cluster);
        vd_open_args_destroy(&args);
        failed++;
    }
    assert_int_equal(r, 0);
    assert_true(failed >= 20);
    vd_open_args_destroy(&args);
    vd_cluster_put(cluster);
    free_passed(&passed);
}

static void what_is_not_valid_is_refused(void **state)
{
    struct vd_cluster *cluster = (struct vd_cluster *)state;
    struct vd_open_args args;
    struct passed passed;
    struct vdisk_error err;

    make_passed(&passed);
    passed.options.flags = 1u << 31;
    assert_int_equal(init(&args, &cluster, &passed, &err), -EINVAL);
    assert_says(&err, -EINVAL, "flags");
    assert_null(cluster);
    vd_open_args_destroy(&args);
    passed.options.flags = 0;
    passed.options.uri_policy = VDISK_URI_GUARDED;
    assert_int_equal(init(&args, &cluster, &passed, &err), -EPERM);
    assert_says(&err, -EPERM, "key");
    assert_null(cluster);
    vd_open_args_destroy(&args);
    free_passed(&passed);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_copied),
        TEST(the_name_of_a_file_is_copied_not_the_file),
        TEST(no_options_are_the_defaults),
        TEST(it_is_the_cluster_of_the_original),
        TEST(secrets_are_wiped),
        TEST(clearing_leaves_it_empty),
        TEST(without_memory_there_is_nothing_left),
        TEST(what_is_not_valid_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
