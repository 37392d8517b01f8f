/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An option's value can be a key: what parsing a URI allocates is wiped before it is freed. */
#include "disk_fixture.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#define SECRET "AQDsecretsecretsecretsecretsecretsecret=="

/* How many blocks were freed that still held the secret. */
static unsigned int leaks;

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
    if (memory && memmem(memory, malloc_usable_size(memory), SECRET, strlen(SECRET)))
        leaks++;
    __real_free(memory);
}

static int parse(const char *text)
{
    struct vdisk_uri *uri;
    int r = vdisk_uri_parse(&uri, text, NULL);

    vdisk_uri_free(uri);
    return r;
}

static void nothing_is_left_of_a_uri(void **state)
{
    (void)state;
    leaks = 0;
    assert_int_equal(parse("rbd:p/i:key=" SECRET), 0);
    assert_int_equal(parse("rbd:p/i:key=" SECRET ":rbd_cache=false"), 0);
    assert_int_equal(leaks, 0);
}

static void nothing_is_left_of_a_refused_uri(void **state)
{
    (void)state;
    leaks = 0;
    assert_int_equal(parse("rbd:p/i:key=" SECRET ":"), -EINVAL);
    assert_int_equal(parse("rbd:p/i:key=" SECRET ":nonsense"), -EINVAL);
    assert_int_equal(parse("rbd:p/i:key=" SECRET "\\"), -EINVAL);
    assert_int_equal(leaks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_a_uri),
        cmocka_unit_test(nothing_is_left_of_a_refused_uri),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
