/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A batch's way through the ledger: room, timestamps, imported events, linked chains; and the ledger's memory. */
#include "internal.h"
#include "status.h"

#define EXISTS_FIRST_BITS 12u

QX_API size_t qx_size(void) { return sizeof(qx_ledger); }

static u32 capacity(u64 bytes, u64 each) {
    const u64 count = bytes / each;
    return count > 0xFFFFFFF0u ? 0xFFFFFFF0u : (u32)count;
}

static void init_generation(generation *g, void *index, u64 index_bytes, void *user_data, u64 user_data_each) {
    g->region = index;
    g->bits = EXISTS_FIRST_BITS;
    g->bits_max = EXISTS_FIRST_BITS;
    while ((32ull << g->bits_max) <= index_bytes) {
        g->bits_max++;
    }
    for (u32 k = 0; k < 3; k++) {
        g->user_data[k] = (u64 *)user_data + k * user_data_each;
    }
}

QX_API qx_ledger *qx_init(void *memory, void *const regions[], const uint64_t bytes[], const uint64_t hash_seed[2],
                          uint32_t generation_max) {
    qx_ledger *ledger = memory;
    memset(ledger, 0, sizeof *ledger);
    ledger->seed[0] = hash_seed[0];
    ledger->seed[1] = hash_seed[1];
    ledger->accounts_max = capacity(bytes[QX_REGION_ACCOUNTS], ROW_BYTES);
    ledger->rows = regions[QX_REGION_ACCOUNTS];
    ledger->more = (row_more *)(void *)(ledger->rows + ledger->accounts_max);
    ledger->account_index = regions[QX_REGION_ACCOUNT_INDEX];
    ledger->account_index_bytes = bytes[QX_REGION_ACCOUNT_INDEX];
    ledger->account_bits = EXISTS_FIRST_BITS;
    ledger->chain = regions[QX_REGION_CHAIN];
    ledger->chain_slots_max = bytes[QX_REGION_CHAIN] / sizeof(link_);
    ledger->mark_list = regions[QX_REGION_MARKS];
    ledger->marks_max = capacity(bytes[QX_REGION_MARKS], sizeof(mark));
    ledger->heap = regions[QX_REGION_HOLDS];
    ledger->holds_max = capacity(bytes[QX_REGION_HOLDS], sizeof(hold));
    ledger->burnt_list = regions[QX_REGION_BURNT];
    ledger->burnt_max = capacity(bytes[QX_REGION_BURNT], sizeof(u32));
    ledger->update_list = regions[QX_REGION_UPDATES];
    ledger->updates_max = capacity(bytes[QX_REGION_UPDATES], sizeof(u32));
    ledger->batch_list = regions[QX_REGION_BATCHES];
    ledger->batches_max = capacity(bytes[QX_REGION_BATCHES], sizeof(batch_entry));
    ledger->user_data_max = bytes[QX_REGION_USER_DATA_A] / 24;
    if (bytes[QX_REGION_USER_DATA_B] / 24 < ledger->user_data_max) {
        ledger->user_data_max = bytes[QX_REGION_USER_DATA_B] / 24;
    }
    for (u32 i = 0; i < 2; i++) {
        init_generation(&ledger->generations[i], regions[QX_REGION_INDEX_A + i], bytes[QX_REGION_INDEX_A + i],
                        regions[QX_REGION_USER_DATA_A + i], ledger->user_data_max);
    }
    ledger->generation_max = generation_max;
    ledger->log_first = 0xFFFFFFFFu;
    return ledger;
}

QX_API void qx_set_segment(qx_ledger *ledger, uint32_t segment, const void *memory) {
    if (segment < QX_SEGMENTS_MAX) {
        ledger->segments[segment] = memory;
    }
}

/* ---- linked chains ---- */

static void chain_open(qx_ledger *ledger) {
    ledger->in_chain = 1;
    ledger->undo_rows = 0;
    ledger->undo_entries = 0;
    ledger->chain_hold_count = 0;
    ledger->chain_accounts = ledger->accounts;
    ledger->chain_open_holds = ledger->open_holds;
    ledger->chain_marks = ledger->marks;
    ledger->chain_resolved = ledger->log_resolved;
    ledger->chain_transfers = ledger->transfers;
    ledger->chain_last_account = ledger->last_account_timestamp;
    ledger->chain_last_transfer = ledger->last_transfer_timestamp;
    const generation *g = &ledger->generations[ledger->active];
    ledger->chain_index_count = g->count;
    for (u32 k = 0; k < 3; k++) {
        ledger->chain_user_data[k] = g->user_data_count[k];
    }
}

static void chain_commit(qx_ledger *ledger) {
    ledger->in_chain = 0;
    for (u32 i = 0; i < ledger->chain_hold_count; i++) {
        holds_push_now(ledger, ledger->chain_hold_list[i].expires_at, ledger->chain_hold_list[i].slot);
    }
}

/* Back to where the chain began. Entries leave the tables in the reverse order of their coming, so that every probe
 * sequence is again what it was. */
static void chain_undo(qx_ledger *ledger) {
    for (u32 i = ledger->undo_rows; i > 0; i--) {
        ledger->rows[ledger->undo_row_list[i - 1].index] = ledger->undo_row_list[i - 1].before;
    }
    for (u32 i = ledger->undo_entries; i > 0; i--) {
        *ledger->undo_entry_list[i - 1].entry = 0;
    }
    ledger->in_chain = 0;
    ledger->accounts = ledger->chain_accounts;
    ledger->open_holds = ledger->chain_open_holds;
    ledger->marks = ledger->chain_marks;
    ledger->log_resolved = ledger->chain_resolved;
    ledger->transfers = ledger->chain_transfers;
    ledger->last_account_timestamp = ledger->chain_last_account;
    ledger->last_transfer_timestamp = ledger->chain_last_transfer;
    generation *g = &ledger->generations[ledger->active];
    g->count = ledger->chain_index_count;
    for (u32 k = 0; k < 3; k++) {
        g->user_data_count[k] = ledger->chain_user_data[k];
    }
}

/* ---- room ---- */

static int make_room(qx_ledger *ledger, u32 kind, u32 n, u32 first_slot) {
    if ((u64)first_slot + 2ull * n > ledger->chain_slots_max) {
        return QX_FULL_CHAIN;
    }
    if (kind == QX_KIND_ACCOUNTS) {
        return (u64)ledger->accounts + n > ledger->accounts_max ? QX_FULL_ACCOUNTS : account_index_reserve(ledger, n);
    }
    if (kind == QX_KIND_ACCOUNT_UPDATES && (u64)ledger->updates + n > ledger->updates_max) {
        return QX_FULL_LISTS;
    }
    if (kind == QX_KIND_TRANSFERS) {
        if (ledger->holds > 2 * (u64)ledger->open_holds + 65536 || (u64)ledger->holds + n > ledger->holds_max) {
            holds_compact(ledger);
        }
        if ((u64)ledger->holds + n > ledger->holds_max) {
            return QX_FULL_HOLDS;
        }
        if ((u64)ledger->burnt + n > ledger->burnt_max || ledger->batches == ledger->batches_max) {
            return QX_FULL_LISTS;
        }
        const generation *g = &ledger->generations[ledger->active];
        for (u32 k = 0; k < 3; k++) {
            if (g->user_data_count[k] + n > ledger->user_data_max) {
                return QX_FULL_INDEX;
            }
        }
    }
    if ((u64)ledger->marks + 2ull * n > ledger->marks_max) {
        return QX_FULL_MARKS;
    }
    return index_reserve(ledger, 2 * n);
}

/* ---- events ---- */

/* Flags and timestamp stand at the same place in both records. */
static inline u32 event_flags(const u8 *event) {
    u16 flags;
    memcpy(&flags, event + 118, sizeof flags);
    return flags;
}

static inline u64 event_timestamp(const u8 *event) {
    u64 timestamp;
    memcpy(&timestamp, event + 120, sizeof timestamp);
    return timestamp;
}

static inline void set_event_timestamp(u8 *event, u64 timestamp) { memcpy(event + 120, &timestamp, sizeof timestamp); }

static inline void set_event_flags(u8 *event, u32 flags) {
    const u16 value = (u16)flags;
    memcpy(event + 118, &value, sizeof value);
}

static inline int is_transient(u32 status) {
    switch (status) {
    case T_DEBIT_ACCOUNT_NOT_FOUND:
    case T_CREDIT_ACCOUNT_NOT_FOUND:
    case T_PENDING_TRANSFER_NOT_FOUND:
    case T_DEBIT_ACCOUNT_ALREADY_CLOSED:
    case T_CREDIT_ACCOUNT_ALREADY_CLOSED:
    case T_DEBIT_ACCOUNT_FROZEN:
    case T_CREDIT_ACCOUNT_FROZEN:
    case T_EXCEEDS_CREDITS:
    case T_EXCEEDS_DEBITS:
        return 1;
    default:
        return 0;
    }
}

/* The input form of a journalled event whose status is known. */
static void restore_input(u8 *event, u32 kind, u32 status) {
    const u32 imported = kind == QX_KIND_ACCOUNTS ? QX_ACCOUNT_IMPORTED : QX_TRANSFER_IMPORTED;
    if (status == QX_CREATED) {
        if (kind == QX_KIND_ACCOUNT_UPDATES || !(event_flags(event) & imported)) {
            set_event_timestamp(event, 0);
        }
        if (kind == QX_KIND_TRANSFERS) {
            set_event_flags(event, event_flags(event) & ~(u32)QX_RECORD_RESOLVED);
        }
    } else if (kind == QX_KIND_TRANSFERS && is_transient(status)) {
        set_event_flags(event, event_flags(event) & ~(u32)QX_RECORD_BURNT);
    }
}

/* What both accounts of a transfer just created have now. */
static void write_balances(const qx_ledger *ledger, qx_balances *out, const u8 *event) {
    qx_transfer t;
    memcpy(&t, event, sizeof t);
    const u32 slot = find_transfer(ledger, t.id, hash_id(ledger, t.id, KEY_TRANSFER));
    const qx_transfer *stored = transfer_at(ledger, slot);
    const row *debit = &ledger->rows[find_account(ledger, stored->debit_account_id,
                                                  hash_id(ledger, stored->debit_account_id, KEY_ACCOUNT)) - 1];
    const row *credit = &ledger->rows[find_account(ledger, stored->credit_account_id,
                                                   hash_id(ledger, stored->credit_account_id, KEY_ACCOUNT)) - 1];
    *out = (qx_balances){debit->debits_pending,   debit->debits_posted,   debit->credits_pending,
                         debit->credits_posted,   credit->debits_pending, credit->debits_posted,
                         credit->credits_pending, credit->credits_posted};
}

/* Events are looked at in two steps ahead of their turn, a block each, so that memory is on its way into the cache before
 * it is needed: first their hashes, then the places of their accounts. */
#define BLOCK 8u
#define AHEAD (4 * BLOCK) /* a power of two: how many events' hashes and places are kept */

static inline u64 *hashes_of(qx_ledger *ledger, u32 i) { return &ledger->hashes[(size_t)(i % AHEAD) * 3]; }

static inline u32 *places_of(qx_ledger *ledger, u32 i) { return &ledger->found_rows[(size_t)(i % AHEAD) * 2]; }

static void look_at_ids(qx_ledger *ledger, const u8 *events, u32 from, u32 to) {
    for (u32 i = from; i < to; i++) {
        const u8 *event = events + (size_t)i * QX_SLOT_BYTES;
        qx_u128 ids[3]; /* of the transfer, its debit account, its credit account */
        memcpy(ids, event, sizeof ids);
        u64 *h = hashes_of(ledger, i);
        h[0] = hash_id(ledger, ids[0], KEY_TRANSFER);
        h[1] = hash_id(ledger, ids[1], KEY_ACCOUNT);
        h[2] = hash_id(ledger, ids[2], KEY_ACCOUNT);
        index_prefetch(ledger, h[0]);
        account_prefetch(ledger, h[1]);
        account_prefetch(ledger, h[2]);
        __builtin_prefetch(event + 64, 0, 3);
        QX_PREFETCH(ledger->log + (size_t)i * QX_SLOT_BYTES);
        QX_PREFETCH(ledger->log + (size_t)i * QX_SLOT_BYTES + 64);
    }
}

static void look_at_accounts(qx_ledger *ledger, u32 from, u32 to) {
    for (u32 i = from; i < to; i++) {
        const u64 *h = hashes_of(ledger, i);
        u32 *places = places_of(ledger, i);
        places[0] = account_candidate(ledger, h[1]);
        places[1] = account_candidate(ledger, h[2]);
        for (u32 k = 0; k < 2; k++) {
            const row *r = &ledger->rows[places[k] - (places[k] != 0)];
            QX_PREFETCH(r);
            QX_PREFETCH((const u8 *)r + 64);
        }
    }
}

/* Before event i is decided, where i begins a block. */
static void look_ahead(qx_ledger *ledger, const u8 *events, u32 i, u32 n) {
    const u32 next = i + BLOCK < n ? i + BLOCK : n;
    const u32 after = i + 2 * BLOCK < n ? i + 2 * BLOCK : n;
    if (i == 0) {
        look_at_ids(ledger, events, 0, next);
        look_at_accounts(ledger, 0, next);
        look_at_ids(ledger, events, next, after);
    }
    look_at_accounts(ledger, next, after);
    look_at_ids(ledger, events, after, i + 3 * BLOCK < n ? i + 3 * BLOCK : n);
}

/* A candidate has the hash's upper half; it is the account nearly always. */
static inline u32 confirmed(const qx_ledger *ledger, u32 candidate, qx_u128 id, u64 hash) {
    if (candidate == 0 || QX_LIKELY(same_id(ledger->rows[candidate - 1].id, id))) {
        return candidate;
    }
    return find_account(ledger, id, hash);
}

static decision decide(qx_ledger *ledger, u32 kind, u8 *logged, u64 assigned, u32 slot, u32 i) {
    if (kind == QX_KIND_TRANSFERS) {
        qx_transfer t;
        memcpy(&t, logged, sizeof t);
        const u64 *h = hashes_of(ledger, i);
        const u32 *places = places_of(ledger, i);
        const u32 debit = confirmed(ledger, places[0], t.debit_account_id, h[1]);
        const u32 credit = confirmed(ledger, places[1], t.credit_account_id, h[2]);
        return decide_transfer(ledger, &t, assigned, slot, debit, credit, h[0]);
    }
    if (kind == QX_KIND_ACCOUNTS) {
        qx_account a;
        memcpy(&a, logged, sizeof a);
        const decision d = decide_account(ledger, &a, assigned, slot);
        if (d.status == QX_CREATED) {
            set_event_timestamp(logged, d.timestamp);
        }
        return d;
    }
    qx_account_update u;
    memcpy(&u, logged, sizeof u);
    const decision d = decide_update(ledger, &u, assigned, slot);
    if (d.status == QX_CREATED) {
        set_event_timestamp(logged, d.timestamp);
    }
    return d;
}

/* The checks that look at an event's place in its batch. 0: none applies. */
static u32 check_place(u32 kind, u32 flags, u64 timestamp, int batch_imported, u64 batch_timestamp) {
    if (kind == QX_KIND_ACCOUNT_UPDATES) {
        return 0;
    }
    const int accounts = kind == QX_KIND_ACCOUNTS;
    const int imported = (flags & (accounts ? (u32)QX_ACCOUNT_IMPORTED : (u32)QX_TRANSFER_IMPORTED)) != 0;
    if (batch_imported && !imported) return accounts ? A_IMPORTED_EVENT_EXPECTED : T_IMPORTED_EVENT_EXPECTED;
    if (!batch_imported && imported) return accounts ? A_IMPORTED_EVENT_NOT_EXPECTED : T_IMPORTED_EVENT_NOT_EXPECTED;
    if (!imported) return timestamp != 0 ? (u32)TIMESTAMP_MUST_BE_ZERO : 0;
    if (timestamp == 0 || timestamp > 0x7FFFFFFFFFFFFFFFu) {
        return accounts ? A_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE : T_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE;
    }
    if (timestamp >= batch_timestamp) {
        return accounts ? A_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE : T_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE;
    }
    return 0;
}

static int apply_events(qx_ledger *ledger, u32 kind, const u8 *events, u32 n, u64 timestamp, const u32 *replayed,
                        u32 first_slot, qx_result *results, qx_balances *balances, qx_applied *applied) {
    u8 *log = ledger->log;
    const u32 linked_flag = kind == QX_KIND_ACCOUNT_UPDATES ? 0 : 1;
    const u32 imported_flag = kind == QX_KIND_ACCOUNTS ? QX_ACCOUNT_IMPORTED : QX_TRANSFER_IMPORTED;
    int batch_imported = 0;
    int chain = 0, broken = 0, differs = 0;
    u32 chain_start = 0, created = 0, burnt = 0;

    if (kind != QX_KIND_TRANSFERS) {
        balances = NULL;
    }
    for (u32 i = 0; i < n; i++) {
        if (kind == QX_KIND_TRANSFERS && i % BLOCK == 0) {
            look_ahead(ledger, events, i, n);
        }
        u8 *logged = log + (size_t)i * QX_SLOT_BYTES;
        memcpy(logged, events + (size_t)i * QX_SLOT_BYTES, QX_SLOT_BYTES);
        if (replayed != NULL) {
            restore_input(logged, kind, replayed[i]);
        }
        const u32 flags = event_flags(logged);
        const u32 linked = flags & linked_flag;
        const u64 assigned = timestamp - n + i + 1;
        if (i == 0) {
            batch_imported = kind != QX_KIND_ACCOUNT_UPDATES && (flags & imported_flag) != 0;
        }
        if (linked && !chain) {
            chain = 1;
            broken = 0;
            chain_start = i;
            chain_open(ledger);
        }

        decision d = {0, assigned};
        if (linked && i == n - 1) {
            d.status = LINKED_EVENT_CHAIN_OPEN;
        } else if (chain && broken) {
            d.status = LINKED_EVENT_FAILED;
        } else {
            d.status = check_place(kind, flags, event_timestamp(logged), batch_imported, timestamp);
            if (d.status == 0) {
                d = decide(ledger, kind, logged, assigned, first_slot + i, i);
            }
        }
        results[i] = (qx_result){d.timestamp, d.status, 0};

        if (QX_LIKELY(d.status == QX_CREATED)) {
            created++;
            if (balances != NULL) {
                write_balances(ledger, &balances[i], logged);
            }
        } else {
            if (balances != NULL) {
                memset(&balances[i], 0, sizeof balances[i]);
            }
            if (chain && !broken) {
                broken = 1;
                chain_undo(ledger);
                for (u32 k = chain_start; k < i; k++) {
                    created--; /* up to here every event of the chain was created */
                    results[k].status = LINKED_EVENT_FAILED;
                    u8 *undone = log + (size_t)k * QX_SLOT_BYTES;
                    memcpy(undone, events + (size_t)k * QX_SLOT_BYTES, QX_SLOT_BYTES);
                    if (replayed != NULL) {
                        restore_input(undone, kind, replayed[k]);
                    }
                    if (balances != NULL) {
                        memset(&balances[k], 0, sizeof balances[k]);
                    }
                }
            }
            if (kind == QX_KIND_TRANSFERS && is_transient(d.status)) {
                set_event_flags(logged, flags | QX_RECORD_BURNT);
                qx_u128 id;
                memcpy(&id, logged, sizeof id);
                index_insert(ledger, hash_id(ledger, id, KEY_TRANSFER), first_slot + i);
                ledger->burnt_list[ledger->burnt++] = first_slot + i;
                burnt++;
            }
        }
        if (chain && (!linked || d.status == LINKED_EVENT_CHAIN_OPEN)) {
            if (!broken) {
                chain_commit(ledger);
            }
            chain = 0;
        }
        if (replayed != NULL && replayed[i] != d.status) {
            differs = 1;
        }
    }
    if (differs) {
        /* The status of a chain's earlier events is only known at its end: compare again before judging. */
        differs = 0;
        for (u32 i = 0; i < n; i++) {
            differs |= results[i].status != replayed[i];
        }
    }
    ledger->last_timestamp = timestamp;
    if (kind == QX_KIND_TRANSFERS && created > 0) {
        ledger->batch_list[ledger->batches++] =
            (batch_entry){ledger->last_transfer_timestamp, first_slot, (u16)n, (u16)(created == n)};
    }
    applied->count = n;
    applied->resolved = ledger->log_resolved;
    applied->created = created;
    applied->burnt = burnt;
    applied->timestamp = timestamp;
    return differs ? QX_REPLAY_DIFFERS : QX_OK;
}

QX_API int qx_apply(qx_ledger *ledger, uint32_t kind, const void *events, uint32_t n, uint64_t timestamp,
                    const uint32_t *replayed, void *log_out, uint32_t first_slot, qx_result *results,
                    qx_balances *balances, qx_applied *applied) {
    memset(applied, 0, sizeof *applied);
    applied->timestamp = timestamp;
    if (n > QX_BATCH_MAX || kind < QX_KIND_ACCOUNTS || kind > QX_KIND_EXPIRY || timestamp > 0x7FFFFFFFFFFFFFFFu) {
        return QX_BAD_BATCH;
    }
    if (kind == QX_KIND_EXPIRY) {
        if (timestamp < ledger->last_timestamp) {
            return QX_BAD_BATCH;
        }
        if (n > ledger->holds) {
            n = ledger->holds;
        }
    } else if (timestamp < ledger->last_timestamp + n) {
        return QX_BAD_BATCH;
    }
    if (n == 0) {
        return QX_OK;
    }
    const int full = make_room(ledger, kind, n, first_slot);
    if (full != QX_OK) {
        return full;
    }
    ledger->log = log_out;
    ledger->log_first = first_slot;
    ledger->log_count = n;
    ledger->log_resolved = 0;
    const int status = kind == QX_KIND_EXPIRY
                           ? apply_expiry(ledger, n, timestamp, replayed != NULL, first_slot, results, applied)
                           : apply_events(ledger, kind, events, n, timestamp, replayed, first_slot, results, balances,
                                          applied);
    ledger->log = NULL;
    ledger->log_first = 0xFFFFFFFFu;
    return status;
}

/* ---- what it is made of ---- */

QX_API void qx_get_info(const qx_ledger *ledger, uint64_t out[QX_INFO_COUNT]) {
    const generation *g = &ledger->generations[ledger->active];
    out[QX_INFO_LAST_TIMESTAMP] = ledger->last_timestamp;
    out[QX_INFO_LAST_ACCOUNT_TIMESTAMP] = ledger->last_account_timestamp;
    out[QX_INFO_LAST_TRANSFER_TIMESTAMP] = ledger->last_transfer_timestamp;
    out[QX_INFO_ACCOUNTS] = ledger->accounts;
    out[QX_INFO_OPEN_HOLDS] = ledger->open_holds;
    out[QX_INFO_HOLD_ENTRIES] = ledger->holds;
    out[QX_INFO_BURNT] = ledger->burnt;
    out[QX_INFO_UPDATES] = ledger->updates;
    out[QX_INFO_MARKS] = ledger->marks;
    out[QX_INFO_BATCHES] = ledger->batches;
    out[QX_INFO_INDEX_ENTRIES] = g->count;
    out[QX_INFO_INDEX_BITS] = g->bits;
    out[QX_INFO_ACTIVE] = ledger->active;
    out[QX_INFO_TRANSFERS] = ledger->transfers;
    out[QX_INFO_NEXT_EXPIRY] =
        ledger->holds > 0 && ledger->heap[0].expires_at != UINT64_MAX ? ledger->heap[0].expires_at : 0;
    out[QX_INFO_RUNS] = ledger->runs;
    out[QX_INFO_SEALING] = ledger->sealing;
}

QX_API uint64_t qx_region_used(const qx_ledger *ledger, qx_region region) {
    switch (region) {
    case QX_REGION_MARKS:
        return (u64)ledger->marks * sizeof(mark);
    case QX_REGION_HOLDS:
        return (u64)ledger->holds * sizeof(hold);
    case QX_REGION_BURNT:
        return (u64)ledger->burnt * sizeof(u32);
    case QX_REGION_UPDATES:
        return (u64)ledger->updates * sizeof(u32);
    case QX_REGION_BATCHES:
        return (u64)ledger->batches * sizeof(batch_entry);
    default:
        return 0;
    }
}

/* The rows' two parts stand in one region, the cold one behind room for all hot ones. */
QX_API void qx_save_rows(const qx_ledger *ledger, uint32_t first, uint32_t n, void *out) {
    u8 *at = out;
    memcpy(at, ledger->rows + first, (size_t)n * sizeof(row));
    memcpy(at + (size_t)n * sizeof(row), ledger->more + first, (size_t)n * sizeof(row_more));
}

QX_API int qx_load_rows(qx_ledger *ledger, uint32_t n, const void *in) {
    if (n > ledger->accounts_max) {
        return QX_FULL_ACCOUNTS;
    }
    const u8 *at = in;
    memcpy(ledger->rows, at, (size_t)n * sizeof(row));
    memcpy(ledger->more, at + (size_t)n * sizeof(row), (size_t)n * sizeof(row_more));
    return QX_OK;
}

QX_API int qx_restore(qx_ledger *ledger, const uint64_t info[QX_INFO_COUNT]) {
    if (info[QX_INFO_ACCOUNTS] > ledger->accounts_max || info[QX_INFO_MARKS] > ledger->marks_max ||
        info[QX_INFO_HOLD_ENTRIES] > ledger->holds_max || info[QX_INFO_BURNT] > ledger->burnt_max ||
        info[QX_INFO_UPDATES] > ledger->updates_max || info[QX_INFO_BATCHES] > ledger->batches_max) {
        return QX_BAD_BATCH;
    }
    ledger->last_timestamp = info[QX_INFO_LAST_TIMESTAMP];
    ledger->last_account_timestamp = info[QX_INFO_LAST_ACCOUNT_TIMESTAMP];
    ledger->last_transfer_timestamp = info[QX_INFO_LAST_TRANSFER_TIMESTAMP];
    ledger->open_holds = (u32)info[QX_INFO_OPEN_HOLDS];
    ledger->holds = (u32)info[QX_INFO_HOLD_ENTRIES];
    ledger->burnt = (u32)info[QX_INFO_BURNT];
    ledger->updates = (u32)info[QX_INFO_UPDATES];
    ledger->marks = (u32)info[QX_INFO_MARKS];
    ledger->batches = (u32)info[QX_INFO_BATCHES];
    ledger->transfers = info[QX_INFO_TRANSFERS];
    ledger->accounts = 0;
    const int full = account_index_reserve(ledger, (u32)info[QX_INFO_ACCOUNTS]);
    if (full != QX_OK) {
        return full;
    }
    for (u32 i = 0; i < (u32)info[QX_INFO_ACCOUNTS]; i++) {
        account_index_insert(ledger, hash_id(ledger, ledger->rows[i].id, KEY_ACCOUNT), i);
    }
    ledger->accounts = (u32)info[QX_INFO_ACCOUNTS];
    return QX_OK;
}

QX_API int qx_test_set_balances(qx_ledger *ledger, const qx_u128 *account_id, const qx_u128 balances[4]) {
    const u32 found = find_account(ledger, *account_id, hash_id(ledger, *account_id, KEY_ACCOUNT));
    if (found == 0) {
        return 0;
    }
    row *r = &ledger->rows[found - 1];
    r->debits_pending = balances[0];
    r->debits_posted = balances[1];
    r->credits_pending = balances[2];
    r->credits_posted = balances[3];
    return 1;
}
