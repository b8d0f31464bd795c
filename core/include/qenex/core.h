/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The ledger's state machine: state + batch of events -> results. Freestanding C17: no heap, no libc but memcpy and
 * memset, memory handed in by the caller. src/qenex/ledger/reference.py says the same in readable form.
 *
 * All integers are little-endian; a u128 is two u64, low half first. One thread at a time may call into a ledger. */
#ifndef QENEX_CORE_H
#define QENEX_CORE_H

#include <stddef.h>
#include <stdint.h>

#define QX_BATCH_MAX 8190u
#define QX_SLOT_BYTES 128u
#define QX_SEGMENT_SHIFT 21u
#define QX_SEGMENTS_MAX 2048u
#define QX_RUNS_MAX 256u
#define QX_CREATED 0xFFFFFFFFu

/* What a batch's events are. */
enum { QX_KIND_ACCOUNTS = 1, QX_KIND_TRANSFERS = 2, QX_KIND_ACCOUNT_UPDATES = 3, QX_KIND_EXPIRY = 4 };

/* Account flags. */
enum {
    QX_ACCOUNT_LINKED = 1 << 0,
    QX_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS = 1 << 1,
    QX_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS = 1 << 2,
    QX_ACCOUNT_HISTORY = 1 << 3,
    QX_ACCOUNT_IMPORTED = 1 << 4,
    QX_ACCOUNT_CLOSED = 1 << 5,
    QX_ACCOUNT_OVERDRAFT = 1 << 15
};

/* Transfer flags. The last three stand only in records of the journal. */
enum {
    QX_TRANSFER_LINKED = 1 << 0,
    QX_TRANSFER_PENDING = 1 << 1,
    QX_TRANSFER_POST_PENDING_TRANSFER = 1 << 2,
    QX_TRANSFER_VOID_PENDING_TRANSFER = 1 << 3,
    QX_TRANSFER_BALANCING_DEBIT = 1 << 4,
    QX_TRANSFER_BALANCING_CREDIT = 1 << 5,
    QX_TRANSFER_CLOSING_DEBIT = 1 << 6,
    QX_TRANSFER_CLOSING_CREDIT = 1 << 7,
    QX_TRANSFER_IMPORTED = 1 << 8,
    QX_RECORD_RESOLVED = 1 << 13, /* an event whose stored form stands behind the events */
    QX_RECORD_BURNT = 1 << 14,    /* an event whose id is burnt */
    QX_RECORD_EXPIRY = 1 << 15    /* the release of a hold */
};

enum { QX_UPDATE_FREEZE_DEBITS = 1, QX_UPDATE_FREEZE_CREDITS = 2, QX_UPDATE_UNFREEZE = 4, QX_UPDATE_SET_LIMIT = 8 };
enum { QX_FREEZE_DEBITS = 1, QX_FREEZE_CREDITS = 2 };

typedef struct {
    uint64_t lo, hi;
} qx_u128;

typedef struct {
    qx_u128 id, debits_pending, debits_posted, credits_pending, credits_posted, user_data_128;
    uint64_t user_data_64;
    uint32_t user_data_32, reserved, ledger;
    uint16_t code, flags;
    uint64_t timestamp;
} qx_account;

typedef struct {
    qx_u128 id, debit_account_id, credit_account_id, amount, pending_id, user_data_128;
    uint64_t user_data_64;
    uint32_t user_data_32, timeout, ledger;
    uint16_t code, flags;
    uint64_t timestamp;
} qx_transfer;

typedef struct {
    qx_u128 id, account_id, value, user_data_128;
    uint8_t reserved[40];
    uint16_t kind, reason;
    uint32_t flags;
    uint64_t reserved2, timestamp;
} qx_account_update;

typedef struct {
    uint64_t timestamp;
    uint32_t status, reserved;
} qx_result;

typedef struct {
    qx_u128 debit_debits_pending, debit_debits_posted, debit_credits_pending, debit_credits_posted;
    qx_u128 credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted;
} qx_balances;

typedef struct {
    qx_u128 debits_pending, debits_posted, credits_pending, credits_posted;
    uint64_t timestamp;
    uint8_t reserved[56];
} qx_account_balance;

typedef struct {
    qx_u128 id, limit;
    uint32_t freeze, has_limit;
    uint8_t reserved[24];
} qx_account_state;

typedef struct {
    qx_u128 account_id, user_data_128;
    uint64_t user_data_64, timestamp_min, timestamp_max;
    uint32_t user_data_32, ledger, limit, flags;
    uint16_t code, reserved[3];
} qx_filter;

enum { QX_FILTER_DEBITS = 1, QX_FILTER_CREDITS = 2, QX_FILTER_REVERSED = 4, QX_QUERY_REVERSED = 1 };

typedef struct {
    uint32_t count;    /* events in the batch: the input's, or for an expiry the holds released */
    uint32_t resolved; /* records behind the events */
    uint32_t created;
    uint32_t burnt;
    uint64_t timestamp; /* of the batch */
} qx_applied;

/* Why a batch was not taken: some region is too small for it. Nothing was changed. */
enum {
    QX_OK = 0,
    QX_FULL_ACCOUNTS = 1,
    QX_FULL_INDEX = 2, /* seal the generation, then try again */
    QX_FULL_HOLDS = 3,
    QX_FULL_LISTS = 4,
    QX_FULL_MARKS = 5,
    QX_FULL_CHAIN = 6,
    QX_BAD_BATCH = 7, /* more than QX_BATCH_MAX events, an unknown kind, or a time that runs backwards */
    QX_REPLAY_DIFFERS = 8
};

/* Memory regions, each zero at first, 64-byte aligned, at addresses that never change. `bytes` is the capacity; pages
 * that are not touched cost nothing when the caller only reserves them. */
typedef enum {
    QX_REGION_ACCOUNTS,      /* 160 bytes an account */
    QX_REGION_ACCOUNT_INDEX, /* 32 bytes an account */
    QX_REGION_CHAIN,         /* 8 bytes a slot */
    QX_REGION_MARKS,         /* 80 bytes for each 256 entries of an account */
    QX_REGION_HOLDS,         /* 16 bytes a hold */
    QX_REGION_BURNT,         /* 4 bytes a burnt id */
    QX_REGION_UPDATES,       /* 4 bytes an account update */
    QX_REGION_BATCHES,       /* 16 bytes a batch of transfers */
    QX_REGION_INDEX_A,       /* 32 bytes an id of one generation */
    QX_REGION_INDEX_B,
    QX_REGION_USER_DATA_A, /* 24 bytes a transfer of one generation */
    QX_REGION_USER_DATA_B,
    QX_REGION_COUNT
} qx_region;

typedef struct qx_ledger qx_ledger;

/* Bytes of memory for the ledger itself (undo log included). */
size_t qx_size(void);

/* requires: memory of qx_size() bytes, 64-byte aligned; regions[QX_REGION_COUNT] with their capacities in bytes;
 *           hash_seed random, so that nobody can choose ids that collide.
 * ensures:  an empty ledger. generation_max is the number of index entries after which a generation must be sealed. */
qx_ledger *qx_init(void *memory, void *const regions[], const uint64_t bytes[], const uint64_t hash_seed[2],
                   uint32_t generation_max);

/* Where past records are: segments[s] holds slots s << 21 and up. Records of the batch being decided are read from its
 * log_out; once qx_apply has returned, the segment must show them. */
void qx_set_segment(qx_ledger *ledger, uint32_t segment, const void *memory);

/* Decide a batch. log_out: room for 2 * n records (for an expiry n); gets the journal form, events first, resolved
 * records behind them. first_slot: the slot of event 0. For an expiry `events` is NULL and n is the number of holds to
 * release at most (QX_BATCH_MAX normally); timestamp is the time now. replayed: NULL, or the statuses that the journal has
 * for these events; then events are journal events, whose input form is restored first, and a different outcome is
 * QX_REPLAY_DIFFERS (the ledger is then unusable). A replayed expiry releases exactly n holds. */
int qx_apply(qx_ledger *ledger, uint32_t kind, const void *events, uint32_t n, uint64_t timestamp,
             const uint32_t *replayed, void *log_out, uint32_t first_slot, qx_result *results, qx_balances *balances, qx_applied *applied);

/* Counters and times. */
enum {
    QX_INFO_LAST_TIMESTAMP,
    QX_INFO_LAST_ACCOUNT_TIMESTAMP,
    QX_INFO_LAST_TRANSFER_TIMESTAMP,
    QX_INFO_ACCOUNTS,
    QX_INFO_OPEN_HOLDS,
    QX_INFO_HOLD_ENTRIES,
    QX_INFO_BURNT,
    QX_INFO_UPDATES,
    QX_INFO_MARKS,
    QX_INFO_BATCHES,
    QX_INFO_INDEX_ENTRIES,
    QX_INFO_INDEX_BITS,
    QX_INFO_ACTIVE,
    QX_INFO_TRANSFERS,
    QX_INFO_NEXT_EXPIRY,
    QX_INFO_RUNS,
    QX_INFO_SEALING,
    QX_INFO_COUNT
};
void qx_get_info(const qx_ledger *ledger, uint64_t out[QX_INFO_COUNT]);

/* Lookups. Return how many were found and written, in request order. */
uint32_t qx_lookup_accounts(const qx_ledger *ledger, const qx_u128 *ids, uint32_t n, qx_account *out);
uint32_t qx_lookup_transfers(const qx_ledger *ledger, const qx_u128 *ids, uint32_t n, qx_transfer *out);
uint32_t qx_account_states(const qx_ledger *ledger, const qx_u128 *ids, uint32_t n, qx_account_state *out);
/* The slot of a stored transfer's record, or 0. */
uint32_t qx_find_transfer(const qx_ledger *ledger, const qx_u128 *id);

/* Queries. out has room for QX_BATCH_MAX records. */
uint32_t qx_account_transfers(const qx_ledger *ledger, const qx_filter *filter, qx_transfer *out);
uint32_t qx_account_balances(const qx_ledger *ledger, const qx_filter *filter, qx_account_balance *out);
uint32_t qx_balance_at(const qx_ledger *ledger, const qx_u128 *account_id, uint64_t timestamp, qx_account_balance *out);
uint32_t qx_query_accounts(const qx_ledger *ledger, const qx_filter *filter, qx_account *out);
uint32_t qx_query_transfers(const qx_ledger *ledger, const qx_filter *filter, qx_transfer *out);

/* Canonical state, in parts: accounts first .. first + n as 152-byte entries; open holds' slots (unsorted; returns the
 * count; out may be NULL); burnt ids and update ids are read through their slot lists. */
void qx_export_accounts(const qx_ledger *ledger, uint32_t first, uint32_t n, void *out);
uint32_t qx_open_holds(const qx_ledger *ledger, uint32_t *slots_out);
void qx_read_records(const qx_ledger *ledger, const uint32_t *slots, uint32_t n, qx_transfer *out);

/* Sealing. begin: the active generation becomes the sealing one, still searched; a fresh one takes its place (fails with
 * QX_FULL_INDEX while another is sealing). counts gets the entries of: ids, user_data_128, user_data_64, user_data_32.
 * sort: writes the four sorted arrays and the filter; may run on another thread beside qx_apply.
 * add_run + finish: the run replaces the sealing generation. */
int qx_seal_begin(qx_ledger *ledger, uint64_t counts[4]);
uint64_t qx_filter_bytes(uint64_t ids);
void qx_seal_sort(const qx_ledger *ledger, uint64_t *ids_out, uint64_t *user_data_out[3], void *filter_out);
void qx_seal_finish(qx_ledger *ledger);
/* A run covers generations sealed one after the other; runs are given in slot order. Returns its place or -1. */
int qx_add_run(qx_ledger *ledger, const uint64_t *ids, uint64_t id_count, const uint64_t *const user_data[3],
               const uint64_t user_data_counts[3], const void *filter);
/* Replace runs [first, first + n) by one. */
int qx_replace_runs(qx_ledger *ledger, uint32_t first, uint32_t n, const uint64_t *ids, uint64_t id_count,
                    const uint64_t *const user_data[3], const uint64_t user_data_counts[3], const void *filter);
/* Merge two sorted arrays (a older than b) and build the filter of a sorted id array; no ledger needed. */
void qx_merge(const uint64_t *a, uint64_t a_count, const uint64_t *b, uint64_t b_count, uint64_t *out);
void qx_build_filter(const uint64_t *ids, uint64_t count, void *filter_out);

/* Snapshot: the rows (160 bytes an account), the regions MARKS, HOLDS, BURNT, UPDATES, BATCHES (their used bytes) and the
 * info words are all a ledger is made of once its generation is sealed; CHAIN is a file of the caller's. */
void qx_save_rows(const qx_ledger *ledger, uint32_t first, uint32_t n, void *out);
int qx_load_rows(qx_ledger *ledger, uint32_t n, const void *in);
uint64_t qx_region_used(const qx_ledger *ledger, qx_region region);
/* requires: the regions hold what they held; info as qx_get_info gave it. Rebuilds the account index. */
int qx_restore(qx_ledger *ledger, const uint64_t info[QX_INFO_COUNT]);

/* Tests only: overwrite live balances. Returns 0 when the account is unknown. */
int qx_test_set_balances(qx_ledger *ledger, const qx_u128 *account_id, const qx_u128 balances[4]);

#endif
