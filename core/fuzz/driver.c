/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* driver SEED COUNT: that many random worlds. driver FILE...: the worlds of those files (what a fuzzer found). */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define BYTES 150000u

static uint64_t state;

static uint64_t next_random(void) { /* splitmix64 */
    uint64_t z = state += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

int main(int count, char **arguments) {
    static uint8_t data[BYTES];
    char *end;
    if (count == 3 && (state = strtoull(arguments[1], &end, 10), *end == 0)) {
        const unsigned long worlds = strtoul(arguments[2], NULL, 10);
        for (unsigned long i = 0; i < worlds; i++) {
            const size_t size = 2000 + next_random() % (i % 8 == 0 ? BYTES - 2000 : BYTES / 16);
            for (size_t k = 0; k < size; k++) {
                data[k] = (uint8_t)(next_random() >> 32);
            }
            world_run(data, size);
        }
    } else {
        for (int i = 1; i < count; i++) {
            FILE *file = fopen(arguments[i], "rb");
            if (file == NULL) return 1;
            const size_t size = fread(data, 1, sizeof data, file);
            fclose(file);
            world_run(data, size);
        }
    }
    static const char *const KINDS[3] = {"accounts", "transfers", "updates"};
    for (int kind = 0; kind < 3; kind++) {
        printf("%s", KINDS[kind]);
        for (int status = 0; status < 1200; status++) {
            if (world_statuses[kind][status]) printf(" %d:%u", status, world_statuses[kind][status]);
        }
        printf("\n");
    }
    return 0;
}
