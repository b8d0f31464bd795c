/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Finding records by id: two hash tables of recent entries (active, sealing), and behind them sorted runs with filters. */
#include "internal.h"

static inline u64 *table_of(const generation *g) { return g->region + (1ull << g->bits); }

static inline u64 bucket_of(u64 hash, u32 bits) { return hash >> (64 - bits); }

void index_prefetch(const qx_ledger *ledger, u64 hash) {
    const generation *g = &ledger->generations[ledger->active];
    QX_PREFETCH(&table_of(g)[bucket_of(hash, g->bits)]);
    if (ledger->sealing) {
        const generation *s = &ledger->generations[1 - ledger->active];
        QX_PREFETCH(&table_of(s)[bucket_of(hash, s->bits)]);
    }
    for (u32 i = 0; i < ledger->runs; i++) {
        const run *r = &ledger->run_list[i];
        QX_PREFETCH(&r->filter[(((hash >> 32) * r->filter_blocks) >> 32) * 8]);
    }
}

static u64 *table_insert(u64 *table, u32 bits, u64 hash, u32 slot) {
    const u64 mask = (1ull << bits) - 1;
    u64 at = bucket_of(hash, bits);
    while (table[at] != 0) {
        at = (at + 1) & mask;
    }
    table[at] = (hash & 0xFFFFFFFF00000000u) | slot;
    return &table[at];
}

void index_insert(qx_ledger *ledger, u64 hash, u32 slot) {
    generation *g = &ledger->generations[ledger->active];
    u64 *entry = table_insert(table_of(g), g->bits, hash, slot);
    g->count++;
    if (ledger->in_chain) {
        ledger->undo_entry_list[ledger->undo_entries++].entry = entry;
    }
}

/* Room for `entries` more at a load of at most 5/8; grows the table, or says that it must be sealed. */
int index_reserve(qx_ledger *ledger, u32 entries) {
    generation *g = &ledger->generations[ledger->active];
    if (g->count + entries > ledger->generation_max) {
        return QX_FULL_INDEX;
    }
    while ((g->count + entries) * 8 > (1ull << g->bits) * 5) {
        if (g->bits >= g->bits_max) {
            return QX_FULL_INDEX;
        }
        const u64 *old = table_of(g);
        const u64 size = 1ull << g->bits;
        g->bits++;
        u64 *grown = table_of(g);
        memset(grown, 0, (size_t)(16ull << (g->bits - 1)));
        for (u64 i = 0; i < size; i++) {
            if (old[i] != 0) {
                table_insert(grown, g->bits, old[i] & 0xFFFFFFFF00000000u, (u32)old[i]);
            }
        }
    }
    return QX_OK;
}

/* Whether the record at a slot is what the key asks for. */
static inline int is_the_one(const qx_ledger *ledger, u32 slot, qx_u128 id, u32 key) {
    const qx_transfer *t = transfer_at(ledger, slot);
    if (key == KEY_TRANSFER) {
        return same_id(t->id, id) && !(t->flags & QX_RECORD_EXPIRY) && (t->ledger | t->code | t->flags) != 0;
    }
    if (key == KEY_RESOLVER) {
        return same_id(t->pending_id, id) && !(t->flags & QX_RECORD_BURNT) &&
               (t->flags & (QX_TRANSFER_POST_PENDING_TRANSFER | QX_TRANSFER_VOID_PENDING_TRANSFER | QX_RECORD_EXPIRY));
    }
    return same_id(t->id, id) && (t->ledger | t->code | t->flags) == 0;
}

static inline u32 table_find(const qx_ledger *ledger, const generation *g, u64 hash, qx_u128 id, u32 key) {
    const u64 *table = table_of(g);
    const u64 mask = (1ull << g->bits) - 1;
    const u32 top = (u32)(hash >> 32);
    for (u64 at = bucket_of(hash, g->bits); table[at] != 0; at = (at + 1) & mask) {
        if ((u32)(table[at] >> 32) == top && is_the_one(ledger, (u32)table[at], id, key)) {
            return (u32)table[at];
        }
    }
    return 0;
}

/* Which six bits of a 64-byte block stand for a key: nine bits of this for each. */
static inline u64 filter_bits(u32 top) {
    const u64 bits = ((u64)top + 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    return bits ^ (bits >> 32);
}

/* Looks at all six before it judges: nearly every answer is no, but where it turns out so is not to be predicted. */
static inline int filter_may_hold(const run *r, u32 top, u64 bits) {
    const u64 *block = &r->filter[(((u64)top * r->filter_blocks) >> 32) * 8];
    u64 missing = 0;
    for (int i = 0; i < 6; i++) {
        missing |= ~block[(bits >> 6) & 7] & (1ull << (bits & 63));
        bits >>= 9;
    }
    return missing == 0;
}

/* First entry with a hash part >= top: a guess by interpolation, then widening, then bisection. */
static u64 lower_bound(const u64 *entries, u64 count, u32 top) {
    u64 low = 0, high = count;
    if (count > 64) {
        const u64 guess = ((u64)top * count) >> 32;
        u64 step = 32;
        if ((u32)(entries[guess] >> 32) >= top) {
            high = guess;
            while (high >= step && (u32)(entries[high - step] >> 32) >= top) {
                high -= step;
                step *= 2;
            }
            low = high >= step ? high - step : 0;
        } else {
            low = guess;
            while (low + step < count && (u32)(entries[low + step] >> 32) < top) {
                low += step;
                step *= 2;
            }
            high = low + step < count ? low + step : count;
        }
    }
    while (low < high) {
        const u64 middle = low + (high - low) / 2;
        if ((u32)(entries[middle] >> 32) < top) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static u32 find(const qx_ledger *ledger, u64 hash, qx_u128 id, u32 key) {
    u32 slot = table_find(ledger, &ledger->generations[ledger->active], hash, id, key);
    if (slot == 0 && ledger->sealing) {
        slot = table_find(ledger, &ledger->generations[1 - ledger->active], hash, id, key);
    }
    const u32 top = (u32)(hash >> 32);
    const u64 bits = filter_bits(top);
    for (u32 i = ledger->runs; slot == 0 && i > 0; i--) {
        const run *r = &ledger->run_list[i - 1];
        if (QX_LIKELY(!filter_may_hold(r, top, bits))) {
            continue;
        }
        for (u64 at = lower_bound(r->ids, r->id_count, top); at < r->id_count && (u32)(r->ids[at] >> 32) == top; at++) {
            if (is_the_one(ledger, (u32)r->ids[at], id, key)) {
                slot = (u32)r->ids[at];
                break;
            }
        }
    }
    return slot;
}

u32 find_transfer(const qx_ledger *ledger, qx_u128 id, u64 hash) { return find(ledger, hash, id, KEY_TRANSFER); }

u32 find_resolver(const qx_ledger *ledger, qx_u128 pending_id) {
    return find(ledger, hash_id(ledger, pending_id, KEY_RESOLVER), pending_id, KEY_RESOLVER);
}

u32 find_update(const qx_ledger *ledger, qx_u128 id) {
    return find(ledger, hash_id(ledger, id, KEY_UPDATE), id, KEY_UPDATE);
}

QX_API uint32_t qx_find_transfer(const qx_ledger *ledger, const qx_u128 *id) {
    const u32 slot = find_transfer(ledger, *id, hash_id(ledger, *id, KEY_TRANSFER));
    return slot != 0 && !(transfer_at(ledger, slot)->flags & QX_RECORD_BURNT) ? slot : 0;
}

/* ---- accounts ---- */

static inline u64 *account_table(const qx_ledger *ledger) {
    return ledger->account_index + (1ull << ledger->account_bits);
}

void account_prefetch(const qx_ledger *ledger, u64 hash) {
    QX_PREFETCH(&account_table(ledger)[bucket_of(hash, ledger->account_bits)]);
}

u32 find_account(const qx_ledger *ledger, qx_u128 id, u64 hash) {
    const u64 *table = account_table(ledger);
    const u64 mask = (1ull << ledger->account_bits) - 1;
    const u32 top = (u32)(hash >> 32);
    for (u64 at = bucket_of(hash, ledger->account_bits); table[at] != 0; at = (at + 1) & mask) {
        if ((u32)(table[at] >> 32) == top && same_id(ledger->rows[(u32)table[at] - 1].id, id)) {
            return (u32)table[at];
        }
    }
    return 0;
}

u32 account_candidate(const qx_ledger *ledger, u64 hash) {
    const u64 *table = account_table(ledger);
    const u64 mask = (1ull << ledger->account_bits) - 1;
    u64 at = bucket_of(hash, ledger->account_bits);
    while (table[at] != 0 && (u32)(table[at] >> 32) != (u32)(hash >> 32)) {
        at = (at + 1) & mask;
    }
    return (u32)table[at];
}

void account_index_insert(qx_ledger *ledger, u64 hash, u32 row_number) {
    u64 *entry = table_insert(account_table(ledger), ledger->account_bits, hash, row_number + 1);
    if (ledger->in_chain) {
        ledger->undo_entry_list[ledger->undo_entries++].entry = entry;
    }
}

int account_index_reserve(qx_ledger *ledger, u32 more) {
    while (((u64)ledger->accounts + more) * 2 > (1ull << ledger->account_bits)) {
        if ((32ull << ledger->account_bits) > ledger->account_index_bytes) {
            return QX_FULL_ACCOUNTS;
        }
        ledger->account_bits++;
        memset(account_table(ledger), 0, (size_t)8 << ledger->account_bits);
        for (u32 i = 0; i < ledger->accounts; i++) {
            table_insert(account_table(ledger), ledger->account_bits,
                         hash_id(ledger, ledger->rows[i].id, KEY_ACCOUNT), i + 1);
        }
    }
    return QX_OK;
}

/* ---- user data ---- */

u64 hash_user_data(const qx_ledger *ledger, u32 which, qx_u128 value) {
    return hash_id(ledger, value, KEY_USER_DATA + which);
}

void note_user_data(qx_ledger *ledger, u32 which, qx_u128 value, u32 slot) {
    generation *g = &ledger->generations[ledger->active];
    g->user_data[which][g->user_data_count[which]++] =
        (hash_user_data(ledger, which, value) & 0xFFFFFFFF00000000u) | slot;
}

/* ---- sealing ---- */

QX_API int qx_seal_begin(qx_ledger *ledger, uint64_t counts[4]) {
    if (ledger->sealing) {
        return QX_FULL_INDEX;
    }
    const generation *g = &ledger->generations[ledger->active];
    counts[0] = g->count;
    for (u32 i = 0; i < 3; i++) {
        counts[1 + i] = g->user_data_count[i];
    }
    ledger->sealing = 1;
    ledger->active = 1 - ledger->active;
    return QX_OK;
}

QX_API uint64_t qx_filter_bytes(uint64_t ids) { return ((ids * 12 + 511) / 512 + 1) * 64; }

QX_API void qx_build_filter(const uint64_t *ids, uint64_t count, void *filter_out) {
    u64 *filter = filter_out;
    const u64 blocks = qx_filter_bytes(count) / 64;
    memset(filter, 0, (size_t)(blocks * 64));
    for (u64 i = 0; i < count; i++) {
        const u32 top = (u32)(ids[i] >> 32);
        u64 *block = &filter[(((u64)top * blocks) >> 32) * 8];
        u64 bits = filter_bits(top);
        for (int k = 0; k < 6; k++) {
            block[(bits >> 6) & 7] |= 1ull << (bits & 63);
            bits >>= 9;
        }
    }
}

/* Four passes of 16 bits would need scratch; entries come almost sorted from the table, user data not at all: an
 * in-place radix sort on bytes, most significant first, with insertion sort for short pieces. Depth is at most 8. */
static void sort_entries(u64 *entries, u64 count, u32 shift) {
    if (count <= 48) {
        for (u64 i = 1; i < count; i++) {
            const u64 value = entries[i];
            u64 at = i;
            while (at > 0 && entries[at - 1] > value) {
                entries[at] = entries[at - 1];
                at--;
            }
            entries[at] = value;
        }
        return;
    }
    u64 start[257];
    u64 next[256];
    memset(start, 0, sizeof start);
    for (u64 i = 0; i < count; i++) {
        start[((entries[i] >> shift) & 255) + 1]++;
    }
    for (u32 b = 0; b < 256; b++) {
        start[b + 1] += start[b];
        next[b] = start[b];
    }
    for (u32 b = 0; b < 256; b++) {
        while (next[b] < start[b + 1]) {
            u64 value = entries[next[b]];
            u32 home = (u32)(value >> shift) & 255;
            while (home != b) {
                const u64 other = entries[next[home]];
                entries[next[home]++] = value;
                value = other;
                home = (u32)(value >> shift) & 255;
            }
            entries[next[b]++] = value;
        }
    }
    if (shift > 0) {
        for (u32 b = 0; b < 256; b++) {
            sort_entries(entries + start[b], start[b + 1] - start[b], shift - 8);
        }
    }
}

QX_API void qx_seal_sort(const qx_ledger *ledger, uint64_t *ids_out, uint64_t *user_data_out[3], void *filter_out) {
    const generation *g = &ledger->generations[1 - ledger->active];
    const u64 *table = table_of(g);
    u64 count = 0;
    for (u64 i = 0; i < 1ull << g->bits; i++) {
        if (table[i] != 0) {
            ids_out[count++] = table[i];
        }
    }
    sort_entries(ids_out, count, 56);
    qx_build_filter(ids_out, count, filter_out);
    for (u32 k = 0; k < 3; k++) {
        memcpy(user_data_out[k], g->user_data[k], (size_t)(g->user_data_count[k] * 8));
        sort_entries(user_data_out[k], g->user_data_count[k], 56);
    }
}

QX_API void qx_seal_finish(qx_ledger *ledger) {
    generation *g = &ledger->generations[1 - ledger->active];
    g->bits = 12;
    g->count = 0;
    memset(table_of(g), 0, (size_t)8 << g->bits);
    for (u32 k = 0; k < 3; k++) {
        g->user_data_count[k] = 0;
    }
    ledger->sealing = 0;
}

static void fill_run(run *r, const u64 *ids, u64 id_count, const u64 *const user_data[3], const u64 counts[3],
                     const void *filter) {
    r->ids = ids;
    r->id_count = id_count;
    for (u32 k = 0; k < 3; k++) {
        r->user_data[k] = user_data[k];
        r->user_data_count[k] = counts[k];
    }
    r->filter = filter;
    r->filter_blocks = qx_filter_bytes(id_count) / 64;
}

QX_API int qx_add_run(qx_ledger *ledger, const uint64_t *ids, uint64_t id_count, const uint64_t *const user_data[3],
                      const uint64_t user_data_counts[3], const void *filter) {
    if (ledger->runs == QX_RUNS_MAX) {
        return -1;
    }
    fill_run(&ledger->run_list[ledger->runs], ids, id_count, user_data, user_data_counts, filter);
    return (int)ledger->runs++;
}

QX_API int qx_replace_runs(qx_ledger *ledger, uint32_t first, uint32_t n, const uint64_t *ids, uint64_t id_count,
                           const uint64_t *const user_data[3], const uint64_t user_data_counts[3],
                           const void *filter) {
    if (n == 0 || (u64)first + n > ledger->runs) {
        return -1;
    }
    fill_run(&ledger->run_list[first], ids, id_count, user_data, user_data_counts, filter);
    for (u32 i = first + n; i < ledger->runs; i++) {
        ledger->run_list[i - n + 1] = ledger->run_list[i];
    }
    ledger->runs -= n - 1;
    return 0;
}

QX_API void qx_merge(const uint64_t *a, uint64_t a_count, const uint64_t *b, uint64_t b_count, uint64_t *out) {
    u64 i = 0, j = 0;
    while (i < a_count && j < b_count) {
        *out++ = a[i] < b[j] ? a[i++] : b[j++];
    }
    memcpy(out, a + i, (size_t)((a_count - i) * 8));
    out += a_count - i;
    memcpy(out, b + j, (size_t)((b_count - j) * 8));
}
