/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#include "world.h"

#include "qenex/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                              \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                 \
        }                                                                            \
    } while (0)

#define SLOTS 16384u
#define EVENTS_MAX 40u
#define STORED_MAX 8192u
#define SECOND 1000000000ull

uint32_t world_statuses[3][1200];

/* ---- a ledger and its memory ---- */

typedef struct {
    uint64_t *ids, *user_data[3];
    void *filter;
    uint64_t counts[4];
} sealed;

typedef struct {
    qx_ledger *ledger;
    void *memory;
    void *regions[QX_REGION_COUNT];
    uint8_t *segment;
    sealed runs[64];
    uint32_t run_count;
} bank;

static const uint64_t REGION_BYTES[QX_REGION_COUNT] = {
    160 * 2048, 128 * 1024, 8 * SLOTS, 80 * 2048, 16 * 4096, 4 * 8192, 4 * 8192, 16 * 4096,
    512 * 1024, 512 * 1024, 24 * 8192, 24 * 8192};
static const uint64_t SEED[2] = {0x243F6A8885A308D3ull, 0x13198A2E03707344ull};

static void *zeroed(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    MUST(memory != NULL);
    memset(memory, 0, (bytes + 127) / 64 * 64);
    return memory;
}

static void open_bank(bank *b, uint32_t generation_max) {
    b->memory = zeroed(qx_size());
    for (int i = 0; i < QX_REGION_COUNT; i++) {
        b->regions[i] = zeroed(REGION_BYTES[i]);
    }
    b->segment = zeroed((size_t)SLOTS * 128);
    b->run_count = 0;
    b->ledger = qx_init(b->memory, b->regions, REGION_BYTES, SEED, generation_max);
    qx_set_segment(b->ledger, 0, b->segment);
}

static void free_run(sealed *run) {
    free(run->ids);
    free(run->filter);
    for (int k = 0; k < 3; k++) {
        free(run->user_data[k]);
    }
}

static void close_bank(bank *b) {
    for (int i = 0; i < QX_REGION_COUNT; i++) {
        free(b->regions[i]);
    }
    for (uint32_t i = 0; i < b->run_count; i++) {
        free_run(&b->runs[i]);
    }
    free(b->memory);
    free(b->segment);
}

static void seal(bank *b) {
    sealed *run = &b->runs[b->run_count++];
    MUST(b->run_count <= 64);
    MUST(qx_seal_begin(b->ledger, run->counts) == QX_OK);
    uint64_t again[4];
    MUST(qx_seal_begin(b->ledger, again) == QX_FULL_INDEX);
    run->ids = zeroed(run->counts[0] * 8 + 8);
    for (int k = 0; k < 3; k++) {
        run->user_data[k] = zeroed(run->counts[1 + k] * 8 + 8);
    }
    run->filter = zeroed(qx_filter_bytes(run->counts[0]));
    qx_seal_sort(b->ledger, run->ids, run->user_data, run->filter);
    for (uint64_t i = 1; i < run->counts[0]; i++) {
        MUST(run->ids[i - 1] < run->ids[i]);
    }
}

static void finish_seal(bank *b) {
    const sealed *run = &b->runs[b->run_count - 1];
    MUST(qx_add_run(b->ledger, run->ids, run->counts[0], (const uint64_t *const *)run->user_data, &run->counts[1],
                    run->filter) == (int)b->run_count - 1);
    qx_seal_finish(b->ledger);
}

/* Runs [first, first + 2) become one. */
static void merge(bank *b, uint32_t first) {
    sealed *older = &b->runs[first], *newer = &b->runs[first + 1], one;
    one.counts[0] = older->counts[0] + newer->counts[0];
    one.ids = zeroed(one.counts[0] * 8 + 8);
    qx_merge(older->ids, older->counts[0], newer->ids, newer->counts[0], one.ids);
    for (int k = 0; k < 3; k++) {
        one.counts[1 + k] = older->counts[1 + k] + newer->counts[1 + k];
        one.user_data[k] = zeroed(one.counts[1 + k] * 8 + 8);
        qx_merge(older->user_data[k], older->counts[1 + k], newer->user_data[k], newer->counts[1 + k],
                 one.user_data[k]);
    }
    one.filter = zeroed(qx_filter_bytes(one.counts[0]));
    qx_build_filter(one.ids, one.counts[0], one.filter);
    MUST(qx_replace_runs(b->ledger, first, 2, one.ids, one.counts[0], (const uint64_t *const *)one.user_data,
                         &one.counts[1], one.filter) == 0);
    free_run(older);
    free_run(newer);
    *older = one;
    memmove(newer, newer + 1, (b->run_count - first - 2) * sizeof *newer);
    b->run_count--;
}

/* What the ledger is made of goes to a fresh one; the journal (segment) and the chain stay. */
static void save_and_load(bank *b) {
    uint64_t info[QX_INFO_COUNT];
    seal(b);
    finish_seal(b);
    qx_get_info(b->ledger, info);
    bank fresh;
    open_bank(&fresh, 200);
    const uint32_t accounts = (uint32_t)info[QX_INFO_ACCOUNTS];
    uint8_t *rows = zeroed(160u * accounts + 1);
    qx_save_rows(b->ledger, 0, accounts, rows);
    MUST(qx_load_rows(fresh.ledger, 100000, rows) == QX_FULL_ACCOUNTS);
    MUST(qx_load_rows(fresh.ledger, accounts, rows) == QX_OK);
    free(rows);
    memcpy(fresh.regions[QX_REGION_CHAIN], b->regions[QX_REGION_CHAIN], REGION_BYTES[QX_REGION_CHAIN]);
    for (int i = QX_REGION_MARKS; i <= QX_REGION_BATCHES; i++) {
        memcpy(fresh.regions[i], b->regions[i], qx_region_used(b->ledger, (qx_region)i));
    }
    MUST(qx_region_used(b->ledger, QX_REGION_CHAIN) == 0);
    memcpy(fresh.segment, b->segment, (size_t)SLOTS * 128);
    MUST(qx_restore(fresh.ledger, info) == QX_OK);
    for (uint32_t i = 0; i < b->run_count; i++) {
        fresh.runs[i] = b->runs[i];
        MUST(qx_add_run(fresh.ledger, b->runs[i].ids, b->runs[i].counts[0],
                        (const uint64_t *const *)b->runs[i].user_data, &b->runs[i].counts[1], b->runs[i].filter) >= 0);
    }
    fresh.run_count = b->run_count;
    b->run_count = 0;
    close_bank(b);
    *b = fresh;
}

/* ---- equality ---- */

static int by_value(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void must_be_equal(const bank *a, const bank *b) {
    static const int SAME[] = {QX_INFO_LAST_TIMESTAMP, QX_INFO_LAST_ACCOUNT_TIMESTAMP, QX_INFO_LAST_TRANSFER_TIMESTAMP,
                               QX_INFO_ACCOUNTS,       QX_INFO_OPEN_HOLDS,             QX_INFO_BURNT,
                               QX_INFO_UPDATES,        QX_INFO_TRANSFERS,              QX_INFO_MARKS};
    uint64_t x[QX_INFO_COUNT], y[QX_INFO_COUNT];
    qx_get_info(a->ledger, x);
    qx_get_info(b->ledger, y);
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        MUST(x[SAME[i]] == y[SAME[i]]);
    }
    static uint8_t p[152 * 2048], q[152 * 2048];
    qx_export_accounts(a->ledger, 0, (uint32_t)x[QX_INFO_ACCOUNTS], p);
    qx_export_accounts(b->ledger, 0, (uint32_t)x[QX_INFO_ACCOUNTS], q);
    MUST(memcmp(p, q, 152 * x[QX_INFO_ACCOUNTS]) == 0);
    static uint32_t s[4096], t[4096];
    const uint32_t holds = qx_open_holds(a->ledger, s);
    MUST(holds == x[QX_INFO_OPEN_HOLDS] && qx_open_holds(b->ledger, t) == holds);
    qsort(s, holds, sizeof *s, by_value);
    qsort(t, holds, sizeof *t, by_value);
    MUST(memcmp(s, t, holds * sizeof *s) == 0);
    MUST(memcmp(a->regions[QX_REGION_BURNT], b->regions[QX_REGION_BURNT], 4 * x[QX_INFO_BURNT]) == 0);
    MUST(memcmp(a->regions[QX_REGION_UPDATES], b->regions[QX_REGION_UPDATES], 4 * x[QX_INFO_UPDATES]) == 0);
}

/* ---- all transfers so far: what must be found again, in a list instead of an index ---- */

typedef struct {
    qx_transfer record;
    qx_balances after;
} stored;

static stored *past_transfers; /* STORED_MAX */
static uint32_t past_count;

/* ---- bytes to events ---- */

typedef struct {
    const uint8_t *at, *end;
} bytes;

static uint32_t next(bytes *in) { return in->at < in->end ? *in->at++ : 0; }

static qx_u128 small_id(bytes *in, uint32_t of) {
    const uint32_t b = next(in);
    if (b == 255) return (qx_u128){UINT64_MAX, UINT64_MAX};
    return (qx_u128){b % of, b >= 128 && b % of != 0};
}

/* Mostly a new id, sometimes one of the last. */
static uint64_t newest_id;

static qx_u128 transfer_id(bytes *in) {
    const uint32_t b = next(in);
    if (b == 255) return (qx_u128){UINT64_MAX, UINT64_MAX};
    if (b == 254) return (qx_u128){0, 0};
    if (b < 210) return (qx_u128){++newest_id, b & 1};
    return (qx_u128){newest_id > b - 210 ? newest_id - (b - 210) : 1, b & 1};
}

/* Mostly one of a few, so that their histories grow long. */
static qx_u128 account_id(bytes *in) {
    const uint32_t b = next(in);
    return b < 100 ? (qx_u128){1 + b % 3, 0} : small_id(in, 12);
}

static qx_u128 amount(bytes *in) {
    const uint32_t b = next(in);
    if (b < 200) return (qx_u128){b % 60, 0};
    if (b < 230) return (qx_u128){0, 0};
    if (b < 250) return (qx_u128){UINT64_MAX, UINT64_MAX};
    return (qx_u128){b, UINT64_MAX};
}

static uint64_t now;
static uint64_t last_timestamp;

static uint64_t past(bytes *in) {
    const uint32_t b = next(in);
    if (b == 0) return 0;
    if (b == 255) return UINT64_MAX;
    if (b == 254) return now + 100;
    return last_timestamp > b ? last_timestamp + 200 - b : b;
}

static void make_account(bytes *in, qx_account *a, int imported) {
    memset(a, 0, sizeof *a);
    a->id = small_id(in, 12);
    const uint32_t b = next(in), odd = next(in);
    static const uint16_t FLAGS[] = {0, 0, 2, 4, 8, 8, 10, 1 << 15, (1 << 15) | 8, 8, 32, 6, (1 << 15) | 2, 64, 12};
    a->flags = FLAGS[b % (odd < 200 ? 10 : 15)];
    if (odd & 1 && odd < 60) a->flags |= 1;
    if (imported != (odd == 61)) {
        a->flags |= QX_ACCOUNT_IMPORTED;
        a->timestamp = past(in);
    }
    a->ledger = b % 16 == 7 ? 2 : odd == 62 ? 0 : 1;
    a->code = odd == 63 ? 0 : (uint16_t)(1 + (b & 1));
    a->user_data_64 = a->flags & (1 << 15) ? b : b % 3;
    a->user_data_32 = odd % 2;
    a->user_data_128.lo = b % 2;
    if (odd == 64) a->reserved = 1;
    if (odd == 65) a->debits_pending.lo = 1;
    if (odd == 66) a->debits_posted.hi = 1;
    if (odd == 67) a->credits_pending.lo = 1;
    if (odd == 68) a->credits_posted.lo = 1;
    if (odd == 69) a->timestamp = 5;
}

static void make_transfer(bytes *in, qx_transfer *t, int imported) {
    memset(t, 0, sizeof *t);
    t->id = transfer_id(in);
    const uint32_t what = next(in), odd = next(in);
    static const uint16_t FLAGS[] = {0, 0,  0, 2, 2, 2,  4,  4,   8,   8,  16, 32, 48, 18,
                                     0, 0,  66, 130, 194, 12, 64, 6, 20, 24, 68, 132, 40};
    t->flags = FLAGS[what % (odd < 236 ? 16 : sizeof FLAGS / sizeof *FLAGS)];
    if (odd & 1 && odd < 40) t->flags |= 1;
    if (odd == 81) t->flags |= 1 << (9 + what % 7);
    if (imported != (odd == 82)) {
        t->flags |= QX_TRANSFER_IMPORTED;
        t->timestamp = past(in);
    }
    const int resolves = (t->flags & 12) != 0;
    if (!resolves || odd > 230) {
        t->debit_account_id = account_id(in);
        t->credit_account_id = account_id(in);
    }
    if (resolves || odd == 83) {
        t->pending_id = small_id(in, 100);
        for (uint32_t k = 0; k < past_count && k < 200 && odd != 90; k++) { /* a hold from not long ago */
            const qx_transfer *hold = &past_transfers[past_count - 1 - (k + odd % 8) % past_count].record;
            if (hold->flags & QX_TRANSFER_PENDING) {
                t->pending_id = hold->id;
                break;
            }
        }
    }
    t->amount = amount(in);
    if (resolves && odd > 60 && odd < 220) {
        t->amount = t->flags & 8 ? (qx_u128){0, 0} : odd & 1 ? (qx_u128){UINT64_MAX, UINT64_MAX} : (qx_u128){odd % 3, 0};
    }
    if (t->flags & 2 || odd == 84) t->timeout = next(in) % 4;
    if (odd == 85) t->timeout = UINT32_MAX;
    t->ledger = resolves && odd < 200 ? 0 : what == 250 ? 2 : odd == 86 ? 0 : 1;
    t->code = resolves && odd < 220 ? 0 : odd == 87 ? 0 : (uint16_t)(1 + (odd == 88 || odd > 250));
    t->user_data_128.lo = odd % 5 == 0 ? odd % 3 : 0;
    t->user_data_64 = odd % 7 == 0 ? odd % 4 : 0;
    t->user_data_32 = odd % 3 == 0 ? odd % 5 : 0;
    if (odd == 89) t->timestamp = 5;
    if (odd >= 92 && odd < 112 && past_count > 0) { /* once more, perhaps not quite the same */
        const qx_transfer *before = &past_transfers[past_count - 1 - what * 3u % past_count].record;
        const uint64_t timestamp = t->timestamp;
        *t = *before;
        t->timestamp = t->flags & QX_TRANSFER_IMPORTED ? timestamp | 1 : 0;
        if (odd == 92) t->amount.lo++;
        if (odd == 93) t->debit_account_id.lo++;
        if (odd == 94) t->credit_account_id.lo++;
        if (odd == 95) t->user_data_128.hi++;
        if (odd == 96) t->user_data_64++;
        if (odd == 97) t->user_data_32++;
        if (odd == 98) t->ledger++;
        if (odd == 99) t->code++;
        if (odd == 100) t->timeout++;
        if (odd == 101) t->pending_id.lo++;
        if (odd == 102) t->flags ^= QX_TRANSFER_PENDING;
        if (odd > 104 && t->flags & 12) {
            t->debit_account_id = t->credit_account_id = (qx_u128){0, 0};
            t->ledger = t->code = 0;
        }
        if (odd > 106 && t->flags & 12) t->user_data_128.lo = t->user_data_64 = t->user_data_32 = 0;
        if (odd == 108 && t->flags & 8) t->amount = (qx_u128){0, 0};
        if (odd == 109 && t->flags & 4) t->amount = (qx_u128){UINT64_MAX, UINT64_MAX};
        if (odd == 110) t->user_data_128.lo = t->user_data_64 = t->user_data_32 = 1;
    }
}

static void make_update(bytes *in, qx_account_update *u) {
    memset(u, 0, sizeof *u);
    u->id = next(in) < 150 ? (qx_u128){++newest_id, 9} : small_id(in, 40);
    const uint32_t odd = next(in);
    u->account_id = small_id(in, 24);
    u->kind = (uint16_t)(odd == 1 ? 3 : odd < 100 ? 1u << odd % 4 : odd < 220 ? 4 : 8);
    if (u->kind == QX_UPDATE_SET_LIMIT || odd == 2) u->value = amount(in);
    u->reason = (uint16_t)(odd == 3);
    u->user_data_128.lo = odd == 4;
    if (odd == 5) u->reserved[39] = 1;
    if (odd == 6) u->reserved2 = 1;
    if (odd == 7) u->flags = 1;
    if (odd == 8) u->timestamp = 1;
}

/* ---- questions ---- */

static int same(qx_u128 a, qx_u128 b) { return a.lo == b.lo && a.hi == b.hi; }
static int zero(qx_u128 a) { return a.lo == 0 && a.hi == 0; }

static void note_stored(const bank *b, const qx_transfer *log, uint32_t n, uint32_t first_slot, const qx_result *results,
                        const qx_balances *balances) {
    uint32_t resolved = n;
    for (uint32_t i = 0; i < n; i++) {
        if (results[i].status != QX_CREATED) continue;
        MUST(past_count < STORED_MAX);
        stored *s = &past_transfers[past_count++];
        s->record = log[i].flags & QX_RECORD_RESOLVED ? log[resolved] : log[i];
        MUST(qx_find_transfer(b->ledger, &s->record.id) ==
             (log[i].flags & QX_RECORD_RESOLVED ? first_slot + resolved++ : first_slot + i));
        MUST(s->record.timestamp == results[i].timestamp);
        s->after = balances[i];
    }
}

static int passes(const qx_filter *f, const qx_transfer *t) {
    return t->timestamp >= f->timestamp_min && (f->timestamp_max == 0 || t->timestamp <= f->timestamp_max) &&
           (zero(f->user_data_128) || same(f->user_data_128, t->user_data_128)) &&
           (!f->user_data_64 || f->user_data_64 == t->user_data_64) &&
           (!f->user_data_32 || f->user_data_32 == t->user_data_32) && (!f->ledger || f->ledger == t->ledger) &&
           (!f->code || f->code == t->code);
}

static void ask(bytes *in, bank *banks, uint32_t count) {
    qx_filter f;
    memset(&f, 0, sizeof f);
    const uint32_t odd = next(in), what = next(in);
    f.account_id = account_id(in);
    f.flags = odd % 8 + (odd == 79 ? 8 : 0);
    f.ledger = what % 17 == 3 ? 1 + odd % 2 : 0;
    f.limit = what % 4 == 0 ? what / 4 % 8 : 10000;
    if (odd >= 128) f.timestamp_min = past_count ? past_transfers[what * 7 % past_count].record.timestamp : 1;
    if (odd % 3 == 0) f.timestamp_max = past_count ? past_transfers[what * 3 % past_count].record.timestamp : 1;
    if (what == 1) f.timestamp_max = UINT64_MAX;
    if (what == 2) f.timestamp_min = UINT64_MAX;
    if (what % 5 == 0) f.code = 1;
    if (what % 7 == 0) f.user_data_32 = 1 + odd % 3;
    if (what % 11 == 0) f.user_data_64 = 1 + odd % 3;
    if (what % 13 == 0) f.user_data_128.lo = 1 + odd % 2;
    static qx_transfer transfers[QX_BATCH_MAX], wanted[QX_BATCH_MAX];
    static qx_account_balance balances[QX_BATCH_MAX];
    static qx_account accounts[2][QX_BATCH_MAX];

    const int time_is_valid = f.timestamp_min < 1ull << 63 && f.timestamp_max < 1ull << 63 && f.limit != 0 &&
                              (f.timestamp_max == 0 || f.timestamp_min <= f.timestamp_max);
    const int by_account = time_is_valid && !zero(f.account_id) && f.account_id.lo != UINT64_MAX && (f.flags & 3) && f.flags < 8;
    uint32_t n = 0;
    for (uint32_t k = 0; k < past_count && by_account && n < f.limit; k++) {
        const stored *s = &past_transfers[f.flags & 4 ? past_count - 1 - k : k];
        if (((f.flags & 1 && same(s->record.debit_account_id, f.account_id)) ||
             (f.flags & 2 && same(s->record.credit_account_id, f.account_id))) &&
            passes(&f, &s->record)) {
            wanted[n++] = s->record;
        }
    }
    for (uint32_t b = 0; b < count; b++) {
        MUST(qx_account_transfers(banks[b].ledger, &f, transfers) == n);
        MUST(memcmp(transfers, wanted, n * sizeof *wanted) == 0);
    }
    qx_account account;
    const int known = qx_lookup_accounts(banks[0].ledger, &f.account_id, 1, &account) == 1;
    const uint32_t history = known && account.flags & QX_ACCOUNT_HISTORY ? n : 0;
    for (uint32_t b = 0; b < count; b++) {
        MUST(qx_account_balances(banks[b].ledger, &f, balances) == history);
        for (uint32_t i = 0; i < history; i++) {
            MUST(balances[i].timestamp == wanted[i].timestamp);
            const stored *s = past_transfers;
            while (s->record.timestamp != wanted[i].timestamp) s++;
            const qx_u128 *after = same(s->record.debit_account_id, f.account_id) ? &s->after.debit_debits_pending
                                                                                  : &s->after.credit_debits_pending;
            MUST(memcmp(&balances[i], after, 64) == 0);
        }
    }

    f.flags = odd == 77 ? 2u : f.flags & 1;
    const int by_field = time_is_valid && f.flags < 2;
    n = 0;
    for (uint32_t k = 0; k < past_count && by_field && n < f.limit; k++) {
        const stored *s = &past_transfers[f.flags & 1 ? past_count - 1 - k : k];
        if (passes(&f, &s->record)) {
            wanted[n++] = s->record;
        }
    }
    for (uint32_t b = 0; b < count; b++) {
        MUST(qx_query_transfers(banks[b].ledger, &f, transfers) == n);
        MUST(memcmp(transfers, wanted, n * sizeof *wanted) == 0);
    }
    n = qx_query_accounts(banks[0].ledger, &f, accounts[0]);
    for (uint32_t b = 1; b < count; b++) {
        MUST(qx_query_accounts(banks[b].ledger, &f, accounts[1]) == n);
        MUST(memcmp(accounts[0], accounts[1], n * sizeof(qx_account)) == 0);
    }
    qx_account_balance x, y;
    const uint64_t moment = past_count ? past_transfers[what % past_count].record.timestamp + odd % 3 : odd;
    const uint32_t found = qx_balance_at(banks[0].ledger, &f.account_id, moment, &x);
    MUST(found == (uint32_t)known);
    for (uint32_t b = 1; b < count; b++) {
        MUST(qx_balance_at(banks[b].ledger, &f.account_id, moment, &y) == found);
        MUST(!found || memcmp(&x, &y, sizeof x) == 0);
    }
    if (known) {
        MUST(qx_balance_at(banks[0].ledger, &f.account_id, (1ull << 63) - 1, &x) == 1);
        MUST(memcmp(&x, &account.debits_pending, 64) == 0);
        qx_account_state state;
        MUST(qx_account_states(banks[0].ledger, &f.account_id, 1, &state) == 1);
        MUST(state.has_limit == (account.flags >> 15));
    }
    qx_u128 ids[2] = {transfer_id(in), past_count ? past_transfers[odd * 5 % past_count].record.id : f.account_id};
    n = qx_lookup_transfers(banks[0].ledger, ids, 2, wanted);
    for (uint32_t b = 1; b < count; b++) {
        MUST(qx_lookup_transfers(banks[b].ledger, ids, 2, transfers) == n);
        MUST(memcmp(transfers, wanted, n * sizeof *wanted) == 0);
    }
    MUST(qx_account_states(banks[0].ledger, &(qx_u128){999, 999}, 1, &(qx_account_state){0}) == 0);
}

/* Debits and credits are one sum, posted and pending. */
static void must_balance(const bank *b) {
    uint64_t info[QX_INFO_COUNT];
    qx_get_info(b->ledger, info);
    static uint8_t out[152 * 2048];
    qx_export_accounts(b->ledger, 0, (uint32_t)info[QX_INFO_ACCOUNTS], out);
    unsigned __int128 sums[4] = {0, 0, 0, 0};
    for (uint64_t i = 0; i < info[QX_INFO_ACCOUNTS]; i++) {
        for (int k = 0; k < 4; k++) {
            qx_u128 v;
            memcpy(&v, out + 152 * i + 16 + 16 * k, 16);
            sums[k] += (unsigned __int128)v.hi << 64 | v.lo; /* modulo 2^128, on both sides alike */
        }
    }
    MUST(sums[0] == sums[2] && sums[1] == sums[3]);
}

/* ---- the world ---- */

enum { ROOMY, SEALING, REPLAYED, RELOADED, CHAINLESS, BANKS };

static int apply(bank *b, uint32_t kind, const void *events, uint32_t n, uint64_t timestamp, uint32_t slot,
                 const uint32_t *replayed, qx_result *results, qx_balances *balances, qx_applied *applied) {
    return qx_apply(b->ledger, kind, events, n, timestamp, replayed, b->segment + (size_t)slot * 128, slot, results,
                    balances, applied);
}

static int transient(uint32_t status) {
    return status == 21 || status == 22 || status == 25 || status == 65 || status == 66 || status == 54 || status == 55 ||
           status == 1000 || status == 1001;
}

void world_run(const uint8_t *data, size_t size) {
    static bank banks[BANKS];
    static uint8_t events[EVENTS_MAX * 128], input[EVENTS_MAX * 128];
    static qx_result results[QX_BATCH_MAX], other[QX_BATCH_MAX];
    static qx_balances balances[EVENTS_MAX], other_balances[EVENTS_MAX];
    static uint32_t statuses[QX_BATCH_MAX];
    static const uint32_t GENERATION[BANKS] = {100000, 200, 100000, 200, 100000};
    bytes in = {data, data + size};
    for (int b = 0; b < BANKS; b++) {
        open_bank(&banks[b], GENERATION[b]);
    }
    past_transfers = zeroed(STORED_MAX * sizeof *past_transfers);
    past_count = 0;
    newest_id = 0;
    uint32_t slot = 1;
    last_timestamp = 0;
    now = 1000;
    for (int batch = 0; in.at < in.end && batch < 3000; batch++) {
        const uint32_t what = next(&in);
        if (what >= 224) {
            ask(&in, banks, BANKS);
            continue;
        }
        uint32_t kind = what < 40 ? QX_KIND_ACCOUNTS : what < 176 ? QX_KIND_TRANSFERS
                      : what < 200 ? QX_KIND_ACCOUNT_UPDATES : QX_KIND_EXPIRY;
        uint32_t n = kind == QX_KIND_EXPIRY ? 1 + what % 3 * 4 : 1 + what % EVENTS_MAX;
        const int imported = kind != QX_KIND_ACCOUNT_UPDATES && (what & 7) == 7;
        now += (uint64_t)next(&in) * 10000019;
        for (uint32_t i = 0; i < n && kind != QX_KIND_EXPIRY; i++) {
            uint8_t *event = events + i * 128;
            if (kind == QX_KIND_ACCOUNTS) make_account(&in, (qx_account *)(void *)event, imported);
            if (kind == QX_KIND_TRANSFERS) make_transfer(&in, (qx_transfer *)(void *)event, imported);
            if (kind == QX_KIND_ACCOUNT_UPDATES) make_update(&in, (qx_account_update *)(void *)event);
        }
        if (slot + 2 * EVENTS_MAX >= SLOTS || past_count + EVENTS_MAX >= STORED_MAX) break;
        uint64_t timestamp = now;
        if (kind == QX_KIND_EXPIRY) {
            if (timestamp < last_timestamp) timestamp = last_timestamp;
        } else if (timestamp < last_timestamp + n) {
            timestamp = last_timestamp + n;
        }
        memcpy(input, events, n * 128);

        qx_applied applied, also;
        int done = apply(&banks[ROOMY], kind, events, n, timestamp, slot, NULL, results, balances, &applied);
        MUST(done == QX_OK);
        MUST(memcmp(input, events, n * 128) == 0);
        const uint32_t units = applied.count + applied.resolved;
        const uint8_t *log = banks[ROOMY].segment + (size_t)slot * 128;
        if (kind != QX_KIND_EXPIRY) {
            n = applied.count;
            for (uint32_t i = 0; i < n; i++) {
                const uint32_t status = results[i].status;
                world_statuses[kind - 1][status == QX_CREATED ? 0 : status]++;
            }
        }
        for (uint32_t i = 0; i < applied.count; i++) {
            statuses[i] = results[i].status;
        }
        if (kind == QX_KIND_TRANSFERS) {
            note_stored(&banks[ROOMY], (const qx_transfer *)(const void *)log, n, slot, results, balances);
        }

        /* Sealing and merging change nothing. */
        for (int b = SEALING; b <= RELOADED; b += RELOADED - SEALING) {
            done = apply(&banks[b], kind, events, n, timestamp, slot, NULL, other, other_balances, &also);
            if (done == QX_FULL_INDEX) {
                seal(&banks[b]);
                done = apply(&banks[b], kind, events, n, timestamp, slot, NULL, other, other_balances, &also);
                if (b == SEALING) { /* batches and questions may come while another thread sorts */
                    ask(&in, banks, 2);
                }
                finish_seal(&banks[b]);
            }
            MUST(done == QX_OK && memcmp(&also, &applied, sizeof also) == 0);
            MUST(memcmp(other, results, applied.count * sizeof *other) == 0);
            MUST(memcmp(banks[b].segment + (size_t)slot * 128, log, units * 128) == 0);
            MUST(kind != QX_KIND_TRANSFERS || memcmp(balances, other_balances, n * sizeof *balances) == 0);
        }
        if (banks[SEALING].run_count > 3) merge(&banks[SEALING], what % 3);
        if (what % 16 == 3) {
            if (banks[RELOADED].run_count > 8) merge(&banks[RELOADED], 0);
            save_and_load(&banks[RELOADED]);
        }
        while (banks[RELOADED].run_count > 20) merge(&banks[RELOADED], what % 3);

        /* The journal alone says the same again. */
        if (kind != QX_KIND_EXPIRY || applied.count > 0) {
            done = apply(&banks[REPLAYED], kind, kind == QX_KIND_EXPIRY ? NULL : log, applied.count, applied.timestamp,
                         slot, statuses, other, NULL, &also);
            MUST(done == QX_OK && memcmp(banks[REPLAYED].segment + (size_t)slot * 128, log, units * 128) == 0);
        }

        /* Failed chains leave nothing behind: harmless events in their place do the same. */
        int burnt_in_chain = 0;
        uint32_t chains = 0;
        for (uint32_t i = 0; i < n && (kind == QX_KIND_ACCOUNTS || kind == QX_KIND_TRANSFERS); i++) {
            uint16_t flags, before = 0;
            memcpy(&flags, events + i * 128 + 118, 2);
            if (i > 0) memcpy(&before, input + (i - 1) * 128 + 118, 2);
            if (((flags | before) & 1) && results[i].status != QX_CREATED) {
                chains++;
                burnt_in_chain |= kind == QX_KIND_TRANSFERS && transient(results[i].status);
                const int in_chain_of_imported = i == 0; /* the first event decides for the batch */
                if (in_chain_of_imported) burnt_in_chain = 1;
            }
        }
        if (!burnt_in_chain && chains > 0) {
            for (uint32_t i = 0; i < n; i++) {
                uint16_t flags, before = 0;
                memcpy(&flags, input + i * 128 + 118, 2);
                if (i > 0) memcpy(&before, input + (i - 1) * 128 + 118, 2);
                if (((flags | before) & 1) && results[i].status != QX_CREATED) {
                    memset(events + i * 128, 0, 128);
                }
            }
        }
        done = apply(&banks[CHAINLESS], kind, events, n, timestamp, slot, NULL, other, NULL, &also);
        MUST(done == QX_OK && also.created == applied.created && also.resolved == applied.resolved);

        slot += units;
        uint64_t info[QX_INFO_COUNT];
        qx_get_info(banks[ROOMY].ledger, info);
        last_timestamp = info[QX_INFO_LAST_TIMESTAMP];
        MUST(last_timestamp <= timestamp + 16 || kind != QX_KIND_EXPIRY);
        now = now < last_timestamp ? last_timestamp : now;
        if (batch % 8 == 0 || in.at >= in.end) {
            for (int b = 1; b < BANKS; b++) {
                must_be_equal(&banks[ROOMY], &banks[b]);
            }
            must_balance(&banks[ROOMY]);
        }
    }
    for (int b = 0; b < BANKS; b++) {
        close_bank(&banks[b]);
    }
    free(past_transfers);
}
