/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* libFuzzer's door: clang -fsanitize=fuzzer,address,undefined. */
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    world_run(data, size);
    return 0;
}
