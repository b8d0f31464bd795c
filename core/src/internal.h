/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What the core's files share: state layout and small helpers. */
#ifndef QENEX_CORE_INTERNAL_H
#define QENEX_CORE_INTERNAL_H

#include "qenex/core.h"

#define QX_API __attribute__((visibility("default")))
#define QX_LIKELY(x) __builtin_expect(!!(x), 1)
#define QX_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define QX_PREFETCH(p) __builtin_prefetch((p), 1, 3)

typedef unsigned __int128 u128;
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

void *memcpy(void *restrict destination, const void *restrict source, size_t bytes);
void *memset(void *destination, int value, size_t bytes);
/* Freestanding compilers would call these even for a few bytes. */
#define memcpy __builtin_memcpy
#define memset __builtin_memset

_Static_assert(sizeof(qx_account) == 128, "an account is 128 bytes");
_Static_assert(sizeof(qx_transfer) == 128, "a transfer is 128 bytes");
_Static_assert(sizeof(qx_account_update) == 128, "an account update is 128 bytes");
_Static_assert(sizeof(qx_balances) == 128, "balances are 128 bytes");
_Static_assert(sizeof(qx_account_balance) == 128, "an account balance is 128 bytes");
_Static_assert(sizeof(qx_account_state) == 64, "an account state is 64 bytes");
_Static_assert(sizeof(qx_result) == 16, "a result is 16 bytes");

static inline u128 wide(qx_u128 value) { return ((u128)value.hi << 64) | value.lo; }

static inline qx_u128 narrow(u128 value) { return (qx_u128){(u64)value, (u64)(value >> 64)}; }

static inline int same_id(qx_u128 a, qx_u128 b) { return ((a.lo ^ b.lo) | (a.hi ^ b.hi)) == 0; }

static inline int is_zero(qx_u128 a) { return (a.lo | a.hi) == 0; }

static inline int is_max(qx_u128 a) { return (a.lo & a.hi) == UINT64_MAX; }

/* Does a + b overflow 128 bits? */
static inline int overflows(u128 a, u128 b) { return a + b < a; }

/* What every transfer touches: two cache lines an account. Balances are kept as halves so that the row has no 16-byte
 * alignment to keep. */
typedef struct {
    qx_u128 debits_pending, debits_posted, credits_pending, credits_posted;
    qx_u128 id, limit;
    u64 timestamp;
    u32 ledger;
    u32 head;  /* slot of the last entry of this account's chain; 0 = none */
    u32 mark;  /* number of its last mark; 0 = none */
    u16 since; /* entries since that mark */
    u16 flags; /* live: the closed bit comes and goes */
    u16 freeze;
    u16 code;
    u32 unused;
} row;
_Static_assert(sizeof(row) == 128, "a row is two cache lines");

/* What only lookups read. */
typedef struct {
    qx_u128 user_data_128;
    u64 user_data_64;
    u32 user_data_32;
    u32 unused;
} row_more;
_Static_assert(sizeof(row_more) == 32, "the cold part of a row");

#define ROW_BYTES (sizeof(row) + sizeof(row_more))
#define MARK_EVERY 256u

typedef struct {
    u32 debit, credit; /* slot of the entry before in the chain of the debit account, of the credit account */
} link_;

/* Every 256th entry of an account's chain. `earliest`: no entry from here on is older. That is not always the entry's
 * own time: an imported transfer may be older than an expiry that came before it. */
typedef struct {
    qx_u128 debits_pending, debits_posted, credits_pending, credits_posted;
    u64 earliest;
    u32 slot;
    u32 previous;
} mark;
_Static_assert(sizeof(mark) == 80, "a mark is 80 bytes");

typedef struct {
    u64 expires_at; /* UINT64_MAX: never */
    u32 slot;
    u32 unused;
} hold;

/* Where a batch of transfers stands, for walking through all transfers by time. */
typedef struct {
    u64 last_timestamp; /* of its last created transfer */
    u32 first_slot;
    u16 count;
    u16 all_created;
} batch_entry;
_Static_assert(sizeof(batch_entry) == 16, "a batch entry is 16 bytes");

/* A hash table of entries (top 32 bits of the hash << 32 | slot), linear probing, bucket from the top bits, so that the
 * entries lie almost in order of their hash. 0 = empty; no slot is 0. A table of 2^bits entries occupies
 * [2^bits, 2^(bits+1)) of its region: growing takes fresh memory and never copies onto itself. */
typedef struct {
    u64 *region;
    u64 count;
    u64 user_data_count[3];
    u64 *user_data[3];
    u32 bits;
    u32 bits_max;
} generation;

typedef struct {
    const u64 *ids;
    u64 id_count;
    const u64 *user_data[3];
    u64 user_data_count[3];
    const u64 *filter;
    u64 filter_blocks;
} run;

typedef struct {
    u32 index;
    u32 unused[3];
    row before;
} undo_row;

typedef struct {
    u64 *entry;
} undo_entry;

typedef struct {
    u32 status;
    u64 timestamp;
} decision;

struct qx_ledger {
    u64 last_timestamp, last_account_timestamp, last_transfer_timestamp;
    u64 seed[2];
    u64 transfers;
    u32 accounts, accounts_max;
    u32 open_holds, holds, holds_max;
    u32 burnt, burnt_max;
    u32 updates, updates_max;
    u32 marks, marks_max;
    u32 batches, batches_max;
    u64 chain_slots_max;
    u64 user_data_max;
    u32 generation_max;
    u32 active; /* which generation takes entries */
    u32 sealing;
    u32 runs;
    row *rows;
    row_more *more;
    u64 *account_index;
    u64 account_index_bytes;
    u32 account_bits;
    link_ *chain;
    mark *mark_list;
    hold *heap;
    u32 *burnt_list;
    u32 *update_list;
    batch_entry *batch_list;
    generation generations[2];
    run run_list[QX_RUNS_MAX];
    const u8 *segments[QX_SEGMENTS_MAX];
    /* The batch being decided. */
    u8 *log;
    u32 log_first;
    u32 log_resolved; /* records behind the events so far */
    u32 log_count;
    u64 batch_timestamp;
    /* Undo of the open chain. */
    int in_chain;
    u32 undo_rows, undo_entries;
    u32 chain_accounts, chain_open_holds, chain_marks, chain_resolved;
    u64 chain_transfers, chain_last_account, chain_last_transfer, chain_index_count, chain_user_data[3];
    hold chain_hold_list[QX_BATCH_MAX];
    u32 chain_hold_count;
    undo_row undo_row_list[2 * QX_BATCH_MAX + 2];
    undo_entry undo_entry_list[3 * QX_BATCH_MAX + 3];
    u64 hashes[3 * 128]; /* of the events that are looked at ahead */
    u32 found_rows[2 * QX_BATCH_MAX];
};

/* ---- hashing: a mixer against chosen keys, not a cryptographic function; the seed is random and secret ---- */

static inline u64 mix(u64 a, u64 b) {
    const u128 product = (u128)a * b;
    return (u64)product ^ (u64)(product >> 64);
}

enum { KEY_TRANSFER = 0, KEY_RESOLVER = 1, KEY_UPDATE = 2, KEY_ACCOUNT = 3, KEY_USER_DATA = 4 };

static inline u64 hash_id(const qx_ledger *ledger, qx_u128 id, u64 key) {
    const u64 a = ledger->seed[0] ^ (key * 0x9E3779B97F4A7C15u);
    const u64 first = mix(id.lo ^ a ^ 0xA0761D6478BD642Fu, id.hi ^ ledger->seed[1] ^ 0xE7037ED1A0B428DBu);
    return mix(first ^ ledger->seed[1], id.lo ^ id.hi ^ a ^ 0x8EBC6AF09C88C6E3u);
}

static inline const u8 *record_at(const qx_ledger *ledger, u32 slot) {
    if (slot >= ledger->log_first) {
        return ledger->log + (size_t)(slot - ledger->log_first) * QX_SLOT_BYTES;
    }
    return ledger->segments[slot >> QX_SEGMENT_SHIFT] +
           (size_t)(slot & ((1u << QX_SEGMENT_SHIFT) - 1)) * QX_SLOT_BYTES;
}

static inline const qx_transfer *transfer_at(const qx_ledger *ledger, u32 slot) {
    return (const qx_transfer *)(const void *)record_at(ledger, slot);
}

/* ---- index.c ---- */
void index_prefetch(const qx_ledger *ledger, u64 hash);
void index_insert(qx_ledger *ledger, u64 hash, u32 slot);
int index_reserve(qx_ledger *ledger, u32 entries);
/* The slot of the stored transfer or burnt event with this id, or 0. */
u32 find_transfer(const qx_ledger *ledger, qx_u128 id, u64 hash);
u32 find_resolver(const qx_ledger *ledger, qx_u128 pending_id);
u32 find_update(const qx_ledger *ledger, qx_u128 id);
/* The account's row number + 1, or 0. */
u32 find_account(const qx_ledger *ledger, qx_u128 id, u64 hash);
void account_prefetch(const qx_ledger *ledger, u64 hash);
/* The first account whose hash has the same upper half, as find_account; its id is not compared. */
u32 account_candidate(const qx_ledger *ledger, u64 hash);
void account_index_insert(qx_ledger *ledger, u64 hash, u32 row_number);
int account_index_reserve(qx_ledger *ledger, u32 more);
void note_user_data(qx_ledger *ledger, u32 which, qx_u128 value, u32 slot);
u64 hash_user_data(const qx_ledger *ledger, u32 which, qx_u128 value);

/* ---- accounts.c, transfers.c, expiry.c ---- */
decision decide_account(qx_ledger *ledger, const qx_account *account, u64 assigned, u32 slot);
decision decide_transfer(qx_ledger *ledger, const qx_transfer *transfer, u64 assigned, u32 slot, u32 debit_row,
                         u32 credit_row, u64 hash);
decision decide_update(qx_ledger *ledger, const qx_account_update *update, u64 assigned, u32 slot);
int apply_expiry(qx_ledger *ledger, u32 n, u64 timestamp, int replay, u32 first_slot, qx_result *results,
                 qx_applied *applied);
void store_account_record(const qx_ledger *ledger, u32 index, qx_account *out);
void holds_push(qx_ledger *ledger, u64 expires_at, u32 slot);
void holds_push_now(qx_ledger *ledger, u64 expires_at, u32 slot);
int hold_is_open(const qx_ledger *ledger, u32 slot);
void holds_compact(qx_ledger *ledger);
void remember_row(qx_ledger *ledger, u32 index);
void add_to_chains(qx_ledger *ledger, u32 slot, u64 earliest, row *debit, row *credit);
static inline u64 expires_at_of(const qx_transfer *pending) {
    return pending->timeout == 0 ? UINT64_MAX : pending->timestamp + (u64)pending->timeout * 1000000000u;
}

#endif
