/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry of clusters: what counts as the same one, and how long it is kept. */
#include "disk_fixture.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "cluster/cluster.h"
#include "wrap.h"

/* One way to name a cluster. */
struct naming {
    const char *uri;
    const char *id;
    const char *conf;
    struct vdisk_option options[2];
    size_t option_count;
};

/* Each is another cluster. */
static const struct naming namings[] = {
    {.uri = "rbd:p/i"},
    {.uri = "rbd:p/i", .id = "a"},
    {.uri = "rbd:p/i", .id = "b"},
    {.uri = "rbd:p/i", .id = "="},
    {.uri = "rbd:p/i", .conf = "a"},
    {.uri = "rbd:p/i", .conf = "="},
    {.uri = "rbd:p/i", .id = "a", .conf = "a"},
    {.uri = "rbd:p/i:id=a"},
    {.uri = "rbd:p/i:conf=a"},
    {.uri = "rbd:p/i:a=b"},
    {.uri = "rbd:p/i:a=c"},
    {.uri = "rbd:p/i:ab=c"},
    {.uri = "rbd:p/i:a=bc"},
    {.uri = "rbd:p/i:a="},
    {.uri = "rbd:p/i:a=b:a=b"},
    {.uri = "rbd:p/i:a=b:c=d"},
    {.uri = "rbd:p/i:c=d:a=b"},
    {.uri = "rbd:p/i", .options = {{"a", "b"}}, .option_count = 1},
    {.uri = "rbd:p/i", .options = {{"a", "c"}}, .option_count = 1},
    {.uri = "rbd:p/i", .options = {{"a", ""}}, .option_count = 1},
    {.uri = "rbd:p/i", .options = {{"", "a"}}, .option_count = 1},
    {.uri = "rbd:p/i", .options = {{"a", "b"}, {"c", "d"}}, .option_count = 2},
    {.uri = "rbd:p/i:a=b", .options = {{"c", "d"}}, .option_count = 1},
    {.uri = "rbd:p/i", .id = "a", .options = {{"a", "b"}}, .option_count = 1},
};

#define NAMINGS (sizeof namings / sizeof *namings)

static struct vdisk_uri *parse(const char *text)
{
    struct vdisk_uri *uri;

    assert_int_equal(vdisk_uri_parse(&uri, text, NULL), 0);
    return uri;
}

static struct vd_cluster *get(const struct naming *naming)
{
    struct vdisk_uri *uri = parse(naming->uri);
    struct vdisk_open_options options;
    struct vd_cluster *cluster;

    vdisk_open_options_init(&options, sizeof options);
    options.id = naming->id;
    options.conf = naming->conf;
    options.options = naming->options;
    options.option_count = naming->option_count;
    cluster = vd_cluster_find(uri, &options);
    vdisk_uri_free(uri);
    return cluster;
}

static struct vd_cluster *get_uri(const char *uri)
{
    return get(&(struct naming){.uri = uri});
}

static void get_all(struct vd_cluster *clusters[NAMINGS])
{
    for (size_t i = 0; i < NAMINGS; i++) {
        clusters[i] = get(&namings[i]);
        assert_non_null(clusters[i]);
    }
}

static void put_all(struct vd_cluster *clusters[NAMINGS])
{
    for (size_t i = 0; i < NAMINGS; i++)
        vd_cluster_put(clusters[i]);
}

static void what_is_named_alike_is_one_cluster(void **state)
{
    struct vd_cluster *first[NAMINGS], *second[NAMINGS];

    (void)state;
    get_all(first);
    get_all(second);
    assert_memory_equal(first, second, sizeof first);
    put_all(first);
    put_all(second);
}

static void everything_that_is_named_counts(void **state)
{
    struct vd_cluster *clusters[NAMINGS];

    (void)state;
    get_all(clusters);
    for (size_t i = 0; i < NAMINGS; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_ptr_not_equal(clusters[i], clusters[j]);
            assert_ptr_not_equal(clusters[i]->executor, clusters[j]->executor);
        }
    }
    put_all(clusters);
}

static void which_image_it_is_does_not_count(void **state)
{
    static const char *const uris[] = {"rbd:q/i:a=b", "rbd:p/j:a=b", "rbd:p/n/i:a=b", "rbd:p/i@s:a=b"};
    struct vd_cluster *cluster = get_uri("rbd:p/i:a=b");

    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct vd_cluster *other = get_uri(uris[i]);

        assert_ptr_equal(other, cluster);
        vd_cluster_put(other);
    }
    vd_cluster_put(cluster);
}

static void how_the_image_is_opened_does_not_count(void **state)
{
    struct vd_cluster *cluster = get_uri("rbd:p/i"), *other;
    struct vdisk_uri *uri = parse("rbd:p/i");
    struct vdisk_open_options options;

    (void)state;
    vdisk_open_options_init(&options, sizeof options);
    options.flags = VDISK_OPEN_READ_ONLY;
    options.uri_policy = VDISK_URI_ANY;
    options.size_poll_ms = 1;
    other = vd_cluster_find(uri, &options);
    assert_ptr_equal(other, cluster);
    vdisk_uri_free(uri);
    vd_cluster_put(other);
    vd_cluster_put(cluster);
}

static void every_reference_keeps_a_cluster(void **state)
{
    struct vd_cluster *cluster = get_uri("rbd:p/i"), *again;

    (void)state;
    assert_ptr_equal(vd_cluster_get(cluster), cluster);
    vd_cluster_put(cluster);
    again = get_uri("rbd:p/i");
    assert_ptr_equal(again, cluster);
    assert_int_equal(cluster->references, 2);
    vd_cluster_put(again);
    vd_cluster_put(cluster);
    vd_cluster_put(NULL);
}

static void after_the_last_reference_it_is_a_new_one(void **state)
{
    struct vd_cluster *cluster = get_uri("rbd:p/i");

    (void)state;
    vd_cluster_put(vd_cluster_get(cluster));
    vd_cluster_put(cluster);
    cluster = get_uri("rbd:p/i");
    assert_int_equal(cluster->references, 1);
    vd_cluster_put(cluster);
}

/* The one dropped is the newest, the oldest, or between them. */
static void the_others_stay_when_one_goes(void **state)
{
    static const char *const uris[] = {"rbd:p/i:a=1", "rbd:p/i:a=2", "rbd:p/i:a=3"};

    (void)state;
    for (size_t gone = 0; gone < 3; gone++) {
        struct vd_cluster *clusters[3];

        for (size_t i = 0; i < 3; i++)
            clusters[i] = get_uri(uris[i]);
        vd_cluster_put(clusters[gone]);
        for (size_t i = 0; i < 3; i++) {
            struct vd_cluster *again = get_uri(uris[i]);

            assert_int_equal(again->references, i == gone ? 1 : 2);
            vd_cluster_put(again);
            if (i != gone)
                vd_cluster_put(clusters[i]);
        }
    }
}

static void without_memory_there_is_none(void **state)
{
    struct vdisk_open_options options = {.struct_size = sizeof options, .id = "me"};
    struct vdisk_uri *uri = parse("rbd:p/i:a=b");
    struct vd_cluster *cluster;
    unsigned int failed = 0;

    (void)state;
    for (;;) {
        wrap_fail_nth(failed + 1);
        cluster = vd_cluster_find(uri, &options);
        if (!wrap_disarm())
            break;
        assert_null(cluster);
        failed++;
    }
    assert_true(failed >= 3);
    assert_int_equal(cluster->references, 1);
    vd_cluster_put(cluster);
    vdisk_uri_free(uri);
}

static int get_and_put(void *argument)
{
    (void)argument;
    for (int i = 0; i < 1000; i++) {
        struct vdisk_open_options options = {.struct_size = sizeof options, .id = i % 2 ? "a" : "b"};
        struct vd_cluster *cluster;
        struct vdisk_uri *uri;

        if (vdisk_uri_parse(&uri, "rbd:p/i", NULL) < 0)
            return -1;
        cluster = vd_cluster_find(uri, &options);
        vdisk_uri_free(uri);
        if (!cluster || strcmp(cluster->key, "=") != 0 || cluster->key[2] != options.id[0])
            return -1;
        vd_cluster_put(vd_cluster_get(cluster));
        vd_cluster_put(cluster);
    }
    return 0;
}

static void any_thread_may_get_and_put(void **state)
{
    static struct background threads[3];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        start_background(&threads[i], get_and_put, NULL);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(end_background(&threads[i]), 0);
}

/* It lacks the threads that its parent may have by now, or soon. */
static void a_child_forked_after_the_first_cluster_is_marked(void **state)
{
    struct vd_cluster *cluster = get_uri("rbd:p/i");
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(vd_process_forked() ? 0 : 1);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_false(vd_process_forked());
    vd_cluster_put(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_alike_is_one_cluster),
        cmocka_unit_test(everything_that_is_named_counts),
        cmocka_unit_test(which_image_it_is_does_not_count),
        cmocka_unit_test(how_the_image_is_opened_does_not_count),
        cmocka_unit_test(every_reference_keeps_a_cluster),
        cmocka_unit_test(after_the_last_reference_it_is_a_new_one),
        cmocka_unit_test(the_others_stay_when_one_goes),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(any_thread_may_get_and_put),
        cmocka_unit_test(a_child_forked_after_the_first_cluster_is_marked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
