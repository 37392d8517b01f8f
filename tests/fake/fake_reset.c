/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets the fake, and finds what a test has left open. */
#include "fake_internal.h"

static size_t count_leaks(struct fake_text *text)
{
    size_t blocked = fake_blocked_calls();

    if (blocked > 0)
        fake_text_add(text, "%zu blocked calls; ", blocked);
    return blocked + fake_objects_open(text) + fake_completions_open(text) + fake_snapshot_names_open(text) +
           fake_strings_open(text) + fake_watches_leaked(text);
}

size_t fake_leaks(char *text, size_t size)
{
    struct fake_text leaks = {text, text ? size : 0, 0};
    size_t count;

    if (text && size > 0)
        text[0] = '\0';
    fake_lock();
    count = count_leaks(&leaks);
    fake_unlock();
    return count;
}

static void check_leaks(void)
{
    char buffer[1024] = "";
    struct fake_text text = {buffer, sizeof buffer, 0};
    size_t count = count_leaks(&text);

    if (count > 0)
        fake_abort("%zu left over: %s", count, buffer);
}

void fake_reset(void)
{
    fake_lock();
    /* A test may have waited for the last callbacks by other means, so they may not have returned yet. */
    fake_wait_for(fake_engine_callbacks_over, NULL);
    check_leaks();
    fake_engine_reset();
    fake_hold_reset();
    fake_effect_reset();
    fake_script_reset();
    fake_config_reset();
    fake_objects_free();
    fake_completions_free();
    fake_cluster_reset();
    fake_unlock();
}
