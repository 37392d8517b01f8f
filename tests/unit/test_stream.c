/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams of pseudo-random bytes, each with a seed of its own that says all of it (tests/fuzz/stream.h). To look for
 * longer, VDISK_TEST_STREAMS sets how many; to look at one again, VDISK_TEST_SEED the first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "story.h"
#include "stream.h"

#define STREAMS 300
#define LONGEST 1024
/* Seconds that no stream takes. */
#define PATIENCE 120

static uint64_t current;

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* splitmix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void tell_seed(int signal)
{
    fprintf(stderr, "VDISK_TEST_SEED=%llu\n", (unsigned long long)current);
    if (signal == SIGALRM)
        story_fail(__FILE__, __LINE__, "nothing waits for ever");
}

static void run(uint64_t seed)
{
    uint8_t bytes[LONGEST];
    size_t length;

    current = seed;
    length = 64 + (size_t)(next_random(&seed) % (LONGEST - 64));
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)next_random(&seed);
    alarm(PATIENCE);
    stream_run(bytes, length);
    alarm(0);
}

static void streams_are_as_the_model_says(void **state)
{
    uint64_t first = number_from("VDISK_TEST_SEED", 1), count = number_from("VDISK_TEST_STREAMS", STREAMS);

    (void)state;
    signal(SIGALRM, tell_seed);
    signal(SIGABRT, tell_seed);
    for (uint64_t i = 0; i < count; i++)
        run(first + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_as_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
