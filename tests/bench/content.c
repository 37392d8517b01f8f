/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "content.h"

/* The finishing step of splitmix64: neighbours look unrelated. */
static uint64_t word_at(unsigned int disk, uint64_t offset)
{
    uint64_t word = offset / 8 + ((uint64_t)disk << 56) + 1;

    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

void content_fill(void *buffer, uint64_t length, unsigned int disk, uint64_t offset)
{
    uint64_t *words = buffer;

    for (uint64_t i = 0; i < length / 8; i++)
        words[i] = word_at(disk, offset + i * 8);
}

bool content_is_right(const void *buffer, uint64_t length, unsigned int disk, uint64_t offset)
{
    const uint64_t *words = buffer;

    for (uint64_t i = 0; i < length / 8; i++) {
        if (words[i] != word_at(disk, offset + i * 8))
            return false;
    }
    return true;
}
