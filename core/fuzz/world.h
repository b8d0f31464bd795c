/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A small world made from bytes: accounts, transfers, updates, time, questions. The same batches go to five ledgers that
 * must never differ: one whose index never fills, one that seals and merges all the time, one that replays the journal of
 * the first, one that is saved and loaded again and again, and one that never sees a failed chain. Used by the test
 * driver (random bytes from a seed) and by the fuzzers (bytes that find new ways through the code). */
#ifndef QENEX_FUZZ_WORLD_H
#define QENEX_FUZZ_WORLD_H

#include <stddef.h>
#include <stdint.h>

/* Ends the program with a message when something that must hold does not. */
void world_run(const uint8_t *data, size_t size);

/* How often each status, and each kind of failure, was seen; for the driver's report. */
extern uint32_t world_statuses[3][1200];

#endif
