/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What random small worlds do not reach: full regions, large tables, long histories, refused calls. */
#include "qenex/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MUST(condition)                                                              \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                 \
        }                                                                            \
    } while (0)

#define SLOTS (1u << 20)
#define LAST ((1ull << 63) - 1)

typedef struct {
    qx_ledger *ledger;
    void *memory, *regions[QX_REGION_COUNT];
    uint8_t *segment;
    uint32_t slot;
    uint64_t time;
} bank;

static const uint64_t ROOMY[QX_REGION_COUNT] = {160 * 300000ull, 32ull << 20, 8ull * SLOTS, 80 * 50000, 16 * 100000, 4 * 100000,
                                                4 * 10000, 16 * 10000, 32ull << 20, 32ull << 20, 24 * 400000, 24 * 400000};
static const uint64_t SEED[2] = {0xA4093822299F31D0ull, 0x082EFA98EC4E6C89ull};

static void *zeroed(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    MUST(memory != NULL);
    memset(memory, 0, (bytes + 127) / 64 * 64);
    return memory;
}

static bank open_bank(const uint64_t sizes[QX_REGION_COUNT], uint32_t generation_max) {
    bank b;
    b.memory = zeroed(qx_size());
    for (int i = 0; i < QX_REGION_COUNT; i++) b.regions[i] = zeroed(sizes[i]);
    b.segment = zeroed((size_t)SLOTS * 128);
    b.slot = 1;
    b.time = 1;
    b.ledger = qx_init(b.memory, b.regions, sizes, SEED, generation_max);
    qx_set_segment(b.ledger, 0, b.segment);
    return b;
}

static void close_bank(bank *b) {
    for (int i = 0; i < QX_REGION_COUNT; i++) free(b->regions[i]);
    free(b->memory);
    free(b->segment);
}

static qx_result results[QX_BATCH_MAX];
static qx_applied applied;

static int apply(bank *b, uint32_t kind, const void *events, uint32_t n) {
    const uint64_t time = b->time + n;
    const int done = qx_apply(b->ledger, kind, events, n, time, NULL, b->segment + (size_t)b->slot * 128, b->slot, results,
                              NULL, &applied);
    if (done == QX_OK) {
        b->time = time;
        b->slot += applied.count + applied.resolved;
    }
    return done;
}

static void add_accounts(bank *b, uint32_t count) {
    static qx_account accounts[QX_BATCH_MAX];
    for (uint32_t first = 0; first < count; first += QX_BATCH_MAX) {
        const uint32_t n = count - first < QX_BATCH_MAX ? count - first : QX_BATCH_MAX;
        memset(accounts, 0, sizeof accounts);
        for (uint32_t i = 0; i < n; i++) {
            accounts[i].id.lo = first + i + 1;
            accounts[i].ledger = 1;
            accounts[i].code = 1;
            accounts[i].flags = QX_ACCOUNT_HISTORY;
        }
        MUST(apply(b, QX_KIND_ACCOUNTS, accounts, n) == QX_OK && applied.created == n);
    }
}

static qx_transfer transfer(uint64_t id, uint64_t debit, uint64_t credit, uint64_t amount) {
    qx_transfer t;
    memset(&t, 0, sizeof t);
    t.id.lo = id;
    t.debit_account_id.lo = debit;
    t.credit_account_id.lo = credit;
    t.amount.lo = amount;
    t.ledger = t.code = 1;
    return t;
}

/* Everything a ledger consists of, before and after a batch that was not taken. */
static uint8_t *all_memory(const bank *b, const uint64_t sizes[QX_REGION_COUNT], size_t *size) {
    *size = qx_size();
    for (int i = 0; i < QX_REGION_COUNT; i++) *size += sizes[i];
    uint8_t *copy = malloc(*size), *at = copy;
    MUST(copy != NULL);
    memcpy(at, b->memory, qx_size());
    at += qx_size();
    for (int i = 0; i < QX_REGION_COUNT; i++) {
        memcpy(at, b->regions[i], sizes[i]);
        at += sizes[i];
    }
    return copy;
}

static void refuses(bank *b, const uint64_t sizes[], uint32_t kind, const void *events, uint32_t n, int reason) {
    size_t size;
    uint8_t *before = all_memory(b, sizes, &size);
    MUST(apply(b, kind, events, n) == reason);
    uint8_t *after = all_memory(b, sizes, &size);
    MUST(memcmp(before, after, size) == 0);
    free(before);
    free(after);
}

static void a_full_region_refuses_the_batch_and_nothing_changes(void) {
    static const uint64_t SMALL[QX_REGION_COUNT] = {160 * 4, 65536, 8 * 64, 80 * 100, 16 * 100, 4 * 100, 4 * 1, 16 * 100,
                                                    65536, 65536, 24 * 100, 24 * 50};
    static qx_account five[5];
    static qx_account_update updates[2];
    qx_transfer transfers[30];
    for (uint32_t i = 0; i < 30; i++) transfers[i] = transfer(i + 1, 1, 2, 1);

    bank b = open_bank(SMALL, 1000);
    refuses(&b, SMALL, QX_KIND_ACCOUNTS, five, 5, QX_FULL_ACCOUNTS);
    refuses(&b, SMALL, QX_KIND_ACCOUNT_UPDATES, updates, 2, QX_FULL_LISTS);
    add_accounts(&b, 2);
    b.slot = 30;
    refuses(&b, SMALL, QX_KIND_TRANSFERS, transfers, 20, QX_FULL_CHAIN);
    b.slot = 3;
    for (uint32_t i = 0; i < 25; i++) transfers[i].user_data_64 = 5;
    MUST(apply(&b, QX_KIND_TRANSFERS, transfers, 25) == QX_OK && applied.created == 25);
    b.slot = 3;
    for (uint32_t i = 0; i < 26; i++) transfers[i].id.hi = 1;
    refuses(&b, SMALL, QX_KIND_TRANSFERS, transfers, 26, QX_FULL_INDEX); /* user data: 25 + 26 > 50 */
    close_bank(&b);

    static const struct {
        int region;
        uint64_t bytes;
        int reason;
    } CASES[] = {{QX_REGION_MARKS, 80 * 10, QX_FULL_MARKS},
                 {QX_REGION_HOLDS, 16 * 5, QX_FULL_HOLDS},
                 {QX_REGION_BURNT, 4 * 5, QX_FULL_LISTS},
                 {QX_REGION_BATCHES, 15, QX_FULL_LISTS}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        uint64_t sizes[QX_REGION_COUNT];
        memcpy(sizes, SMALL, sizeof sizes);
        sizes[CASES[i].region] = CASES[i].bytes;
        b = open_bank(sizes, 1000);
        refuses(&b, sizes, QX_KIND_TRANSFERS, transfers, 10, CASES[i].reason);
        close_bank(&b);
    }

    b = open_bank(SMALL, 10);
    refuses(&b, SMALL, QX_KIND_TRANSFERS, transfers, 10, QX_FULL_INDEX); /* the generation's limit */
    close_bank(&b);

    uint64_t sizes[QX_REGION_COUNT];
    memcpy(sizes, ROOMY, sizeof sizes);
    sizes[QX_REGION_INDEX_A] = 65536; /* 2^12 entries and no more */
    sizes[QX_REGION_ACCOUNT_INDEX] = 65536;
    b = open_bank(sizes, 100000);
    static qx_transfer many[QX_BATCH_MAX];
    refuses(&b, sizes, QX_KIND_TRANSFERS, many, 2000, QX_FULL_INDEX);
    static qx_account accounts[3000];
    refuses(&b, sizes, QX_KIND_ACCOUNTS, accounts, 3000, QX_FULL_ACCOUNTS);
    close_bank(&b);
}

static void a_bad_batch_is_refused(void) {
    bank b = open_bank(ROOMY, 100000);
    qx_transfer t = transfer(1, 1, 2, 1);
    const uint8_t *none = NULL;
    uint8_t *log = b.segment + 128;
    MUST(qx_apply(b.ledger, 0, &t, 1, 1, NULL, log, 1, results, NULL, &applied) == QX_BAD_BATCH);
    MUST(qx_apply(b.ledger, 5, &t, 1, 1, NULL, log, 1, results, NULL, &applied) == QX_BAD_BATCH);
    MUST(qx_apply(b.ledger, 2, &t, QX_BATCH_MAX + 1, 9000, NULL, log, 1, results, NULL, &applied) == QX_BAD_BATCH);
    MUST(qx_apply(b.ledger, 2, &t, 1, LAST + 1, NULL, log, 1, results, NULL, &applied) == QX_BAD_BATCH);
    MUST(qx_apply(b.ledger, 2, &t, 1, 0, NULL, log, 1, results, NULL, &applied) == QX_BAD_BATCH);
    MUST(qx_apply(b.ledger, 2, none, 0, 1, NULL, log, 1, results, NULL, &applied) == QX_OK && applied.count == 0);
    MUST(qx_apply(b.ledger, 2, &t, 1, 100, NULL, log, 1, results, NULL, &applied) == QX_OK && results[0].status == 21);
    MUST(qx_apply(b.ledger, 4, NULL, 8190, 99, NULL, log, 2, results, NULL, &applied) == QX_BAD_BATCH);
    MUST(qx_apply(b.ledger, 4, NULL, 8190, 100, NULL, log, 2, results, NULL, &applied) == QX_OK && applied.count == 0);
    qx_set_segment(b.ledger, QX_SEGMENTS_MAX, log);
    close_bank(&b);
}

static void a_replay_that_says_something_else_is_noticed(void) {
    bank b = open_bank(ROOMY, 100000);
    add_accounts(&b, 2);
    qx_transfer t = transfer(1, 1, 2, 1);
    const uint32_t burnt = 21, created = QX_CREATED;
    uint8_t *log = b.segment + 128 * 100;
    MUST(qx_apply(b.ledger, 2, &t, 1, 100, &burnt, log, 100, results, NULL, &applied) == QX_REPLAY_DIFFERS);
    close_bank(&b);
    b = open_bank(ROOMY, 100000);
    add_accounts(&b, 2);
    t.flags = QX_TRANSFER_PENDING;
    MUST(qx_apply(b.ledger, 2, &t, 1, 100, &created, log = b.segment + 12800, 100, results, NULL, &applied) == QX_OK);
    MUST(qx_apply(b.ledger, 4, NULL, 1, 200, &created, log + 128, 101, results, NULL, &applied) == QX_REPLAY_DIFFERS);
    close_bank(&b);
}

/* Holds that were voided leave the heap when it has no room. */
static void the_heap_of_holds_is_tidied(void) {
    uint64_t sizes[QX_REGION_COUNT];
    memcpy(sizes, ROOMY, sizeof sizes);
    sizes[QX_REGION_HOLDS] = 16 * 1000;
    bank b = open_bank(sizes, 300000);
    add_accounts(&b, 2);
    static qx_transfer batch[QX_BATCH_MAX];
    uint64_t id = 1;
    for (int round = 0; round < 6; round++) {
        for (uint32_t i = 0; i < 400; i++, id++) {
            batch[i] = transfer(id, 1, 2, 10);
            batch[i].flags = QX_TRANSFER_PENDING;
            batch[i].timeout = 1 + (uint32_t)(id * 7919 % 50);
        }
        MUST(apply(&b, QX_KIND_TRANSFERS, batch, 400) == QX_OK && applied.created == 400);
        for (uint32_t i = 0; i < 390; i++) {
            batch[i] = transfer(id + 1000000, 0, 0, 0);
            batch[i].pending_id.lo = id - 390 + i;
            batch[i].id.lo += i;
            batch[i].flags = QX_TRANSFER_VOID_PENDING_TRANSFER;
        }
        MUST(apply(&b, QX_KIND_TRANSFERS, batch, 390) == QX_OK && applied.created == 390 && applied.resolved == 390);
    }
    uint64_t info[QX_INFO_COUNT];
    qx_get_info(b.ledger, info);
    MUST(info[QX_INFO_OPEN_HOLDS] == 60 && info[QX_INFO_HOLD_ENTRIES] < 1000);
    static uint32_t slots[1000];
    MUST(qx_open_holds(b.ledger, slots) == 60);
    static qx_transfer holds[60];
    qx_read_records(b.ledger, slots, 60, holds);
    for (int i = 0; i < 60; i++) MUST(holds[i].flags == QX_TRANSFER_PENDING);
    b.time += 100000000000ull;
    MUST(apply(&b, QX_KIND_EXPIRY, NULL, 7) == QX_OK && applied.count == 7);
    uint64_t before = 0, ended = 0;
    MUST(apply(&b, QX_KIND_EXPIRY, NULL, QX_BATCH_MAX) == QX_OK && applied.count == 53);
    const qx_transfer *released = (const qx_transfer *)(const void *)(b.segment + (size_t)(b.slot - 53) * 128);
    for (int i = 0; i < 53; i++) {
        MUST(released[i].flags == QX_RECORD_EXPIRY && released[i].timestamp > before);
        before = released[i].timestamp;
        qx_transfer hold;
        MUST(qx_lookup_transfers(b.ledger, &released[i].pending_id, 1, &hold) == 1);
        const uint64_t end = hold.timestamp + hold.timeout * 1000000000ull;
        MUST(end > ended); /* the hold that ends first goes first */
        ended = end;
    }
    close_bank(&b);
}

/* One account with a long history, asked from everywhere. Account 1 pays account 2 one more each time. */
static void long_histories_are_found(void) {
    bank b = open_bank(ROOMY, 1000000);
    add_accounts(&b, 2);
    static qx_transfer batch[QX_BATCH_MAX], out[QX_BATCH_MAX];
    static qx_account_balance balances[QX_BATCH_MAX];
    const uint32_t total = 40000;
    static uint64_t times[40000];
    for (uint32_t first = 0; first < total; first += 4000) {
        for (uint32_t i = 0; i < 4000; i++) {
            batch[i] = transfer(first + i + 1, 1, 2, 1);
            batch[i].user_data_32 = (first + i) % 1000 == 7;
            batch[i].user_data_64 = first + i + 1;
            batch[i].code = (uint16_t)(1 + (first + i) % 10000 / 9999);
        }
        MUST(apply(&b, QX_KIND_TRANSFERS, batch, 4000) == QX_OK && applied.created == 4000);
        for (uint32_t i = 0; i < 4000; i++) times[first + i] = results[i].timestamp;
    }
    const qx_u128 one = {1, 0};
    for (uint32_t i = 0; i < total; i += 397) {
        qx_account_balance at;
        MUST(qx_balance_at(b.ledger, &one, times[i], &at) == 1);
        MUST(at.debits_posted.lo == i + 1 && at.timestamp == times[i]);
        qx_filter f;
        memset(&f, 0, sizeof f);
        f.account_id = one;
        f.flags = QX_FILTER_DEBITS;
        f.timestamp_min = times[i];
        f.limit = 100;
        uint32_t n = qx_account_transfers(b.ledger, &f, out);
        MUST(n == (total - i < 100 ? total - i : 100));
        for (uint32_t k = 0; k < n; k++) MUST(out[k].id.lo == i + k + 1);
        f.flags |= QX_FILTER_REVERSED;
        f.timestamp_max = times[i];
        f.timestamp_min = 0;
        n = qx_account_balances(b.ledger, &f, balances);
        MUST(n == (i + 1 < 100 ? i + 1 : 100));
        for (uint32_t k = 0; k < n; k++) MUST(balances[k].debits_posted.lo == i + 1 - k);
        f.flags = QX_FILTER_DEBITS | QX_FILTER_CREDITS;
        f.timestamp_max = 0;
        f.timestamp_min = times[i];
        f.user_data_32 = 1; /* thin: the first look at the far end does not suffice */
        f.limit = 50;
        n = qx_account_transfers(b.ledger, &f, out);
        uint32_t expected = 0;
        for (uint32_t k = i; k < total && expected < 50; k++) {
            if (k % 1000 == 7) MUST(out[expected++].id.lo == k + 1);
        }
        MUST(n == expected);
    }
    qx_filter f;
    memset(&f, 0, sizeof f);
    f.limit = 3;
    for (uint32_t i = 3999; i < total; i += 4000) { /* by field, up to the last of a batch and from the first of one */
        f.user_data_64 = i + 1;
        f.timestamp_max = times[i];
        MUST(qx_query_transfers(b.ledger, &f, out) == 1);
        f.timestamp_max = times[i] - 1;
        MUST(qx_query_transfers(b.ledger, &f, out) == 0);
        f.user_data_64 = i - 3998;
        f.timestamp_min = times[i - 3999];
        MUST(qx_query_transfers(b.ledger, &f, out) == 1);
        f.timestamp_min++;
        MUST(qx_query_transfers(b.ledger, &f, out) == 0);
        f.timestamp_min = f.timestamp_max = f.user_data_64 = 0;
    }
    f.user_data_32 = 1;
    f.flags = QX_QUERY_REVERSED;
    MUST(qx_query_transfers(b.ledger, &f, out) == 3 && out[2].id.lo == 37008);
    uint64_t counts[4];
    MUST(qx_seal_begin(b.ledger, counts) == QX_OK);
    MUST(qx_query_transfers(b.ledger, &f, out) == 3 && out[2].id.lo == 37008); /* from the sealing one */
    uint64_t *ids = zeroed(8 * counts[0] + 8), *user_data[3];
    for (int k = 0; k < 3; k++) user_data[k] = zeroed(8 * counts[1 + k] + 8);
    void *filter = zeroed(qx_filter_bytes(counts[0]));
    qx_seal_sort(b.ledger, ids, user_data, filter);
    for (int k = 0; k < 3; k++) {
        for (uint64_t i = 1; i < counts[1 + k]; i++) MUST(user_data[k][i - 1] < user_data[k][i]);
    }
    MUST(qx_add_run(b.ledger, ids, counts[0], (const uint64_t *const *)user_data, counts + 1, filter) == 0);
    qx_seal_finish(b.ledger);
    for (uint32_t i = 1; i <= total; i += 7) {
        MUST(qx_find_transfer(b.ledger, &(qx_u128){i, 0}) != 0);
        MUST(qx_find_transfer(b.ledger, &(qx_u128){i, 1}) == 0);
    }
    f.user_data_32 = 0;
    f.user_data_64 = 12345;
    MUST(qx_query_transfers(b.ledger, &f, out) == 1 && out[0].id.lo == 12345);
    f.user_data_64 = 0;
    f.code = 2;
    MUST(qx_query_transfers(b.ledger, &f, out) == 3 && out[0].id.lo == 40000);
    MUST(qx_replace_runs(b.ledger, 0, 0, ids, 0, (const uint64_t *const *)user_data, counts + 1, filter) == -1);
    MUST(qx_replace_runs(b.ledger, 1, 1, ids, 0, (const uint64_t *const *)user_data, counts + 1, filter) == -1);
    for (uint32_t i = 1; i < QX_RUNS_MAX; i++) {
        MUST(qx_add_run(b.ledger, ids, 0, (const uint64_t *const *)user_data, (const uint64_t[3]){0}, filter) == (int)i);
    }
    MUST(qx_add_run(b.ledger, ids, 0, (const uint64_t *const *)user_data, (const uint64_t[3]){0}, filter) == -1);
    close_bank(&b);
    free(ids);
    free(filter);
    for (int k = 0; k < 3; k++) free(user_data[k]);
}

/* So many accounts and transfers that some share the upper half of their hash: ids must decide. */
static void equal_hash_halves_are_told_apart(void) {
    bank b = open_bank(ROOMY, 1000000);
    const uint32_t count = 250000;
    add_accounts(&b, count);
    static qx_transfer batch[QX_BATCH_MAX];
    for (uint32_t first = 0; first < count - 1; first += 8000) {
        const uint32_t n = count - 1 - first < 8000 ? count - 1 - first : 8000;
        for (uint32_t i = 0; i < n; i++) {
            batch[i] = transfer(first + i + 1, first + i + 1, first + i + 2, 5);
            if (i % 1000 == 0) batch[i].user_data_64 = i + 1;
        }
        MUST(apply(&b, QX_KIND_TRANSFERS, batch, n) == QX_OK && applied.created == n);
    }
    for (uint32_t i = 1; i < count; i++) {
        qx_transfer t;
        MUST(qx_lookup_transfers(b.ledger, &(qx_u128){i, 0}, 1, &t) == 1 && t.debit_account_id.lo == i);
        qx_account a;
        MUST(qx_lookup_accounts(b.ledger, &(qx_u128){i, 0}, 1, &a) == 1 && a.debits_posted.lo == 5);
        MUST(a.credits_posted.lo == (i == 1 ? 0 : 5));
        MUST(qx_find_transfer(b.ledger, &(qx_u128){i, 77}) == 0);
    }
    /* An imported account may not have a transfer's time, and may have a time between. */
    qx_transfer stored;
    MUST(qx_lookup_transfers(b.ledger, &(qx_u128){100, 0}, 1, &stored) == 1);
    close_bank(&b);
}

static void an_imported_account_never_shares_a_transfers_time(void) {
    bank b = open_bank(ROOMY, 100000);
    qx_account a[2];
    memset(a, 0, sizeof a);
    for (int i = 0; i < 2; i++) {
        a[i].id.lo = (uint64_t)i + 1;
        a[i].ledger = a[i].code = 1;
        a[i].flags = QX_ACCOUNT_IMPORTED;
        a[i].timestamp = 10 + (uint64_t)i;
    }
    b.time = 1000;
    MUST(apply(&b, QX_KIND_ACCOUNTS, a, 2) == QX_OK && applied.created == 2);
    /* The second is burnt, the third is its retry, with a time of its own that no transfer has. */
    qx_transfer t[4] = {transfer(1, 1, 2, 1), transfer(2, 9, 2, 1), transfer(2, 1, 2, 1), transfer(3, 1, 2, 1)};
    for (int i = 0; i < 4; i++) {
        t[i].flags = QX_TRANSFER_IMPORTED;
        t[i].timestamp = (const uint64_t[]){50, 60, 60, 70}[i];
    }
    MUST(apply(&b, QX_KIND_TRANSFERS, t, 4) == QX_OK && applied.created == 2 && applied.burnt == 1);
    /* The burnt id again, in a batch with a created transfer, its time unused. */
    qx_transfer u[2] = {transfer(2, 1, 2, 1), transfer(4, 1, 2, 1)};
    for (int i = 0; i < 2; i++) {
        u[i].flags = QX_TRANSFER_IMPORTED;
        u[i].timestamp = 80 + 10 * (uint64_t)i;
    }
    MUST(apply(&b, QX_KIND_TRANSFERS, u, 2) == QX_OK && applied.created == 1 && results[0].status == 68);
    static const struct {
        uint64_t timestamp;
        uint32_t status;
    } CASES[] = {{10, 26}, {50, 26}, {60, QX_CREATED}, {70, 26}, {80, QX_CREATED}, {90, 26}, {95, QX_CREATED}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        qx_account one = a[0];
        one.id.lo = 100 + i;
        one.timestamp = CASES[i].timestamp;
        MUST(apply(&b, QX_KIND_ACCOUNTS, &one, 1) == QX_OK && results[0].status == CASES[i].status);
    }
    close_bank(&b);
}

static void an_imported_transfer_older_than_an_expiry_is_found(void) {
    bank b = open_bank(ROOMY, 100000);
    add_accounts(&b, 2);
    static qx_transfer batch[255];
    for (uint32_t i = 0; i < 255; i++) batch[i] = transfer(i + 1, 1, 2, 1);
    batch[254].flags = QX_TRANSFER_PENDING;
    batch[254].timeout = 1;
    MUST(apply(&b, QX_KIND_TRANSFERS, batch, 255) == QX_OK && applied.created == 255);
    const uint64_t older = b.time + 5;
    b.time += 10000000000ull;
    MUST(apply(&b, QX_KIND_EXPIRY, NULL, 8) == QX_OK && applied.count == 1); /* the 256th entry: a mark */
    qx_transfer t = transfer(1000, 1, 2, 7);
    t.flags = QX_TRANSFER_IMPORTED;
    t.timestamp = older;
    MUST(apply(&b, QX_KIND_TRANSFERS, &t, 1) == QX_OK && results[0].status == QX_CREATED);
    qx_account_balance balance;
    MUST(qx_balance_at(b.ledger, &(qx_u128){1, 0}, older, &balance) == 1);
    MUST(balance.timestamp == older && balance.debits_posted.lo == 254 + 7);
    static qx_transfer out[QX_BATCH_MAX];
    qx_filter f;
    memset(&f, 0, sizeof f);
    f.account_id.lo = 1;
    f.flags = QX_FILTER_DEBITS;
    f.limit = 1000;
    f.timestamp_max = older;
    MUST(qx_account_transfers(b.ledger, &f, out) == 256 && out[255].id.lo == 1000);
    close_bank(&b);
}

/* Marks made in a chain that failed are gone with it. */
static void a_failed_chain_leaves_no_mark(void) {
    bank b = open_bank(ROOMY, 100000);
    add_accounts(&b, 2);
    static qx_transfer batch[600];
    for (uint32_t i = 0; i < 600; i++) {
        batch[i] = transfer(i + 1, 1, i == 599 ? 1 : 2, 1); /* the last one fails: equal accounts */
        batch[i].flags = i < 599 ? QX_TRANSFER_LINKED : 0;
    }
    MUST(apply(&b, QX_KIND_TRANSFERS, batch, 600) == QX_OK && applied.created == 0 && results[599].status == 12);
    uint64_t info[QX_INFO_COUNT];
    qx_get_info(b.ledger, info);
    MUST(info[QX_INFO_MARKS] == 0 && info[QX_INFO_TRANSFERS] == 0 && info[QX_INFO_INDEX_ENTRIES] == 0);
    batch[599].credit_account_id.lo = 2;
    MUST(apply(&b, QX_KIND_TRANSFERS, batch, 600) == QX_OK && applied.created == 600);
    qx_get_info(b.ledger, info);
    MUST(info[QX_INFO_MARKS] == 4);
    close_bank(&b);
}

static void a_snapshot_that_does_not_fit_is_refused(void) {
    bank b = open_bank(ROOMY, 100000);
    static const int COUNTS[] = {QX_INFO_ACCOUNTS, QX_INFO_MARKS,   QX_INFO_HOLD_ENTRIES,
                                 QX_INFO_BURNT,    QX_INFO_UPDATES, QX_INFO_BATCHES};
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
        uint64_t info[QX_INFO_COUNT] = {0};
        info[COUNTS[i]] = 1000000;
        MUST(qx_restore(b.ledger, info) == QX_BAD_BATCH);
    }
    uint64_t sizes[QX_REGION_COUNT];
    memcpy(sizes, ROOMY, sizeof sizes);
    sizes[QX_REGION_ACCOUNT_INDEX] = 65536;
    bank c = open_bank(sizes, 100000);
    uint64_t info[QX_INFO_COUNT] = {0};
    info[QX_INFO_ACCOUNTS] = 5000;
    MUST(qx_restore(c.ledger, info) == QX_FULL_ACCOUNTS);
    close_bank(&b);
    close_bank(&c);
    /* A region of more units than there are numbers for. */
    memcpy(sizes, ROOMY, sizeof sizes);
    sizes[QX_REGION_BURNT] = 1ull << 40;
    void *memory = zeroed(qx_size());
    void *regions[QX_REGION_COUNT];
    for (int i = 0; i < QX_REGION_COUNT; i++) regions[i] = memory; /* not touched */
    MUST(qx_init(memory, regions, sizes, SEED, 1000) == memory);
    free(memory);
}

static void balances_set_by_a_test_meet_every_overflow(void) {
    static const uint64_t M = UINT64_MAX;
    static const struct {
        uint64_t hi[8]; /* debit account's four, credit account's four: upper half, lower half all ones when not 0 */
        uint16_t flags;
        uint32_t timeout, status;
    } CASES[] = {
        {{M, 0, 0, 0, 0, 0, 0, 0}, 2, 0, 47}, {{0, 0, 0, 0, 0, 0, M, 0}, 2, 0, 48}, {{0, M, 0, 0, 0, 0, 0, 0}, 0, 0, 49},
        {{0, 0, 0, 0, 0, 0, 0, M}, 0, 0, 50}, {{M, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 51}, {{0, 0, 0, 0, 0, 0, M, 0}, 0, 0, 52},
        {{M - 1, M - 1, 0, 0, 0, 0, 0, 0}, 0, 0, 51}, {{0, 0, 0, 0, 0, 0, M - 1, M - 1}, 0, 0, 52},
        {{0, 0, 0, 0, 0, 0, 0, 0}, 2, UINT32_MAX, 53}, {{M - 1, M - 1, 0, M, 0, 0, 0, 0}, 16, 0, 51},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        bank b = open_bank(ROOMY, 100000);
        add_accounts(&b, 2);
        qx_u128 balances[8];
        for (int k = 0; k < 8; k++) balances[k] = (qx_u128){CASES[i].hi[k] ? M : 0, CASES[i].hi[k]};
        MUST(qx_test_set_balances(b.ledger, &(qx_u128){1, 0}, balances) == 1);
        MUST(qx_test_set_balances(b.ledger, &(qx_u128){2, 0}, balances + 4) == 1);
        MUST(qx_test_set_balances(b.ledger, &(qx_u128){3, 0}, balances) == 0);
        qx_transfer t = transfer(1, 1, 2, 1);
        t.flags = CASES[i].flags;
        t.timeout = CASES[i].timeout;
        if (t.timeout) b.time = LAST - 10;
        MUST(apply(&b, QX_KIND_TRANSFERS, &t, 1) == QX_OK);
        if (results[0].status != CASES[i].status) {
            fprintf(stderr, "case %zu: status %u, not %u\n", i, results[0].status, CASES[i].status);
            abort();
        }
        close_bank(&b);
    }
}

static void an_update_again_must_be_the_same(void) {
    bank b = open_bank(ROOMY, 100000);
    add_accounts(&b, 1);
    qx_account_update u;
    memset(&u, 0, sizeof u);
    u.id.lo = 1;
    u.account_id.lo = 1;
    u.kind = 1;
    MUST(apply(&b, 3, &u, 1) == QX_OK && results[0].status == QX_CREATED);
    const uint64_t at = results[0].timestamp;
    qx_account_update v = u;
    MUST(apply(&b, 3, &v, 1) == QX_OK && results[0].status == 1110 && results[0].timestamp == at);
    v.user_data_128.hi = 1;
    MUST(apply(&b, 3, &v, 1) == QX_OK && results[0].status == 1109);
    v.reason = 1;
    MUST(apply(&b, 3, &v, 1) == QX_OK && results[0].status == 1108);
    v.value.lo = 1;
    MUST(apply(&b, 3, &v, 1) == QX_OK && results[0].status == 1107);
    v.kind = 2;
    MUST(apply(&b, 3, &v, 1) == QX_OK && results[0].status == 1106);
    v.account_id.lo = 2;
    MUST(apply(&b, 3, &v, 1) == QX_OK && results[0].status == 1105);
    close_bank(&b);
}

int main(void) {
    a_full_region_refuses_the_batch_and_nothing_changes();
    a_bad_batch_is_refused();
    a_replay_that_says_something_else_is_noticed();
    the_heap_of_holds_is_tidied();
    long_histories_are_found();
    equal_hash_halves_are_told_apart();
    an_imported_account_never_shares_a_transfers_time();
    an_imported_transfer_older_than_an_expiry_is_found();
    a_failed_chain_leaves_no_mark();
    a_snapshot_that_does_not_fit_is_refused();
    balances_set_by_a_test_meet_every_overflow();
    an_update_again_must_be_the_same();
    return 0;
}
