/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Reading: lookups, an account's chain, balances at an instant, queries by field. */
#include "internal.h"

#define TIMESTAMP_MAX 0x7FFFFFFFFFFFFFFFu

QX_API uint32_t qx_lookup_accounts(const qx_ledger *ledger, const qx_u128 *ids, uint32_t n, qx_account *out) {
    u32 count = 0;
    for (u32 i = 0; i < n; i++) {
        const u32 found = find_account(ledger, ids[i], hash_id(ledger, ids[i], KEY_ACCOUNT));
        if (found != 0) {
            store_account_record(ledger, found - 1, &out[count++]);
        }
    }
    return count;
}

QX_API uint32_t qx_lookup_transfers(const qx_ledger *ledger, const qx_u128 *ids, uint32_t n, qx_transfer *out) {
    u32 count = 0;
    for (u32 i = 0; i < n; i++) {
        const u32 slot = qx_find_transfer(ledger, &ids[i]);
        if (slot != 0) {
            memcpy(&out[count++], record_at(ledger, slot), QX_SLOT_BYTES);
        }
    }
    return count;
}

QX_API uint32_t qx_account_states(const qx_ledger *ledger, const qx_u128 *ids, uint32_t n, qx_account_state *out) {
    u32 count = 0;
    for (u32 i = 0; i < n; i++) {
        const u32 found = find_account(ledger, ids[i], hash_id(ledger, ids[i], KEY_ACCOUNT));
        if (found != 0) {
            const row *r = &ledger->rows[found - 1];
            qx_account_state *state = &out[count++];
            memset(state, 0, sizeof *state);
            state->id = r->id;
            state->limit = r->limit;
            state->freeze = r->freeze;
            state->has_limit = (r->flags & QX_ACCOUNT_OVERDRAFT) != 0;
        }
    }
    return count;
}

QX_API void qx_export_accounts(const qx_ledger *ledger, uint32_t first, uint32_t n, void *out) {
    u8 *at = out;
    for (u32 i = first; i < first + n; i++, at += 152) {
        const row *r = &ledger->rows[i];
        const u32 tail[2] = {r->freeze, 0};
        qx_account account;
        store_account_record(ledger, i, &account);
        memcpy(at, &account, 128);
        memcpy(at + 128, &r->limit, 16);
        memcpy(at + 144, tail, 8);
    }
}

QX_API void qx_read_records(const qx_ledger *ledger, const uint32_t *slots, uint32_t n, qx_transfer *out) {
    for (u32 i = 0; i < n; i++) {
        memcpy(&out[i], record_at(ledger, slots[i]), QX_SLOT_BYTES);
    }
}

/* ---- an account's chain, newest entry first ---- */

typedef struct {
    u128 debits_pending, debits_posted, credits_pending, credits_posted;
} balances4;

typedef struct {
    u32 slot;
    balances4 after; /* right after the entry at slot */
} place;

static place newest(const row *r) {
    return (place){r->head,
                   {wide(r->debits_pending), wide(r->debits_posted), wide(r->credits_pending),
                    wide(r->credits_posted)}};
}

static place at_mark(const mark *m) {
    return (place){m->slot,
                   {wide(m->debits_pending), wide(m->debits_posted), wide(m->credits_pending),
                    wide(m->credits_posted)}};
}

/* From an entry to the one before it: take its effect on this account back. */
static void step_back(const qx_ledger *ledger, const qx_transfer *t, int is_debit, place *at) {
    u128 pending_added = 0, pending_removed = 0, posted = 0;
    if (t->flags & QX_RECORD_EXPIRY) {
        pending_removed = wide(t->amount);
    } else if (t->flags & (QX_TRANSFER_POST_PENDING_TRANSFER | QX_TRANSFER_VOID_PENDING_TRANSFER)) {
        const u32 hold_slot = find_transfer(ledger, t->pending_id, hash_id(ledger, t->pending_id, KEY_TRANSFER));
        pending_removed = wide(transfer_at(ledger, hold_slot)->amount);
        if (t->flags & QX_TRANSFER_POST_PENDING_TRANSFER) {
            posted = wide(t->amount);
        }
    } else if (t->flags & QX_TRANSFER_PENDING) {
        pending_added = wide(t->amount);
    } else {
        posted = wide(t->amount);
    }
    if (is_debit) {
        at->after.debits_pending = at->after.debits_pending - pending_added + pending_removed;
        at->after.debits_posted -= posted;
        at->slot = ledger->chain[at->slot].debit;
    } else {
        at->after.credits_pending = at->after.credits_pending - pending_added + pending_removed;
        at->after.credits_posted -= posted;
        at->slot = ledger->chain[at->slot].credit;
    }
}

/* The newest entry, or an older one such that all entries behind it are later than `timestamp`. */
static place start_before(const qx_ledger *ledger, const row *r, u64 timestamp) {
    place at = newest(r);
    for (u32 number = r->mark; number != 0; number = ledger->mark_list[number - 1].previous) {
        const mark *m = &ledger->mark_list[number - 1];
        if (m->earliest <= timestamp) {
            break;
        }
        at = at_mark(m);
    }
    return at;
}

static void write_balance(qx_account_balance *out, const balances4 *b, u64 timestamp) {
    memset(out, 0, sizeof *out);
    out->debits_pending = narrow(b->debits_pending);
    out->debits_posted = narrow(b->debits_posted);
    out->credits_pending = narrow(b->credits_pending);
    out->credits_posted = narrow(b->credits_posted);
    out->timestamp = timestamp;
}

QX_API uint32_t qx_balance_at(const qx_ledger *ledger, const qx_u128 *account_id, uint64_t timestamp,
                              qx_account_balance *out) {
    const u32 found = find_account(ledger, *account_id, hash_id(ledger, *account_id, KEY_ACCOUNT));
    if (found == 0) {
        return 0;
    }
    place at = start_before(ledger, &ledger->rows[found - 1], timestamp);
    while (at.slot != 0) {
        const qx_transfer *t = transfer_at(ledger, at.slot);
        if (t->timestamp <= timestamp) {
            write_balance(out, &at.after, t->timestamp);
            return 1;
        }
        step_back(ledger, t, same_id(t->debit_account_id, *account_id), &at);
    }
    memset(out, 0, sizeof *out);
    return 1;
}

static int time_range_is_valid(const qx_filter *f) {
    return f->timestamp_min <= TIMESTAMP_MAX && f->timestamp_max <= TIMESTAMP_MAX &&
           (f->timestamp_max == 0 || f->timestamp_min <= f->timestamp_max) && f->limit != 0;
}

static int account_filter_is_valid(const qx_filter *f) {
    return !is_zero(f->account_id) && !is_max(f->account_id) && (f->flags & (QX_FILTER_DEBITS | QX_FILTER_CREDITS)) &&
           !(f->flags & ~(u32)(QX_FILTER_DEBITS | QX_FILTER_CREDITS | QX_FILTER_REVERSED)) && time_range_is_valid(f);
}

static inline int matches(const qx_filter *f, const qx_transfer *t) {
    return t->timestamp >= f->timestamp_min && (f->timestamp_max == 0 || t->timestamp <= f->timestamp_max) &&
           (is_zero(f->user_data_128) || same_id(f->user_data_128, t->user_data_128)) &&
           (f->user_data_64 == 0 || f->user_data_64 == t->user_data_64) &&
           (f->user_data_32 == 0 || f->user_data_32 == t->user_data_32) &&
           (f->ledger == 0 || f->ledger == t->ledger) && (f->code == 0 || f->code == t->code);
}

typedef struct {
    u8 unit[128];
} unit;

static void turn(unit *units, u32 from, u32 to) {
    while (from + 1 < to) {
        const unit other = units[from];
        units[from++] = units[--to];
        units[to] = other;
    }
}

/* Entries were written newest first, round and round a buffer of `limit`: bring the oldest ones into their order. */
static u32 oldest_first(unit *out, u64 written, u32 limit) {
    if (written <= limit) {
        turn(out, 0, (u32)written);
        return (u32)written;
    }
    const u32 next = (u32)(written % limit); /* where the next would go: the newest of those kept */
    turn(out, 0, limit);
    /* Reversed, the oldest stands at limit - next (or 0): rotate left by that. */
    const u32 by = next == 0 ? 0 : limit - next;
    turn(out, 0, by);
    turn(out, by, limit);
    turn(out, 0, limit);
    return limit;
}

#define MARKS_KEPT 64u

/* What an account's chain has for a filter; `as_balances`: the balances after each entry, not the entries. */
static u32 walk(const qx_ledger *ledger, const row *r, const qx_filter *f, unit *out, int as_balances) {
    const u32 limit = f->limit < QX_BATCH_MAX ? f->limit : QX_BATCH_MAX;
    const int reversed = (f->flags & QX_FILTER_REVERSED) != 0;
    const u64 latest = f->timestamp_max == 0 ? TIMESTAMP_MAX : f->timestamp_max;
    u32 kept[MARKS_KEPT]; /* oldest first asked for: the marks near the old end of the range, the oldest kept last */
    u32 seen = 0;
    for (u32 number = reversed ? 0 : r->mark; number != 0;
         number = ledger->mark_list[number - 1].previous) {
        const mark *m = &ledger->mark_list[number - 1];
        if (m->earliest < f->timestamp_min) {
            break;
        }
        if (m->earliest <= latest) {
            kept[seen % MARKS_KEPT] = number;
            seen++;
        }
    }
    /* Walk back from no further than it takes: first as many marks as hold `limit` entries, then all kept, then all. */
    for (u32 far = limit / MARK_EVERY + 2;; far = far < MARKS_KEPT ? MARKS_KEPT : UINT32_MAX) {
        const int all = seen <= far;
        const place begin = all ? start_before(ledger, r, latest)
                                : at_mark(&ledger->mark_list[kept[(seen - far) % MARKS_KEPT] - 1]);
        u64 written = 0;
        place at = begin;
        while (at.slot != 0) {
            const qx_transfer *t = transfer_at(ledger, at.slot);
            const int expiry = (t->flags & QX_RECORD_EXPIRY) != 0;
            if ((t->timestamp < f->timestamp_min && !expiry) || (reversed && written == limit)) {
                break; /* transfers stand in order of time among themselves */
            }
            const int is_debit = same_id(t->debit_account_id, r->id);
            if (!expiry &&
                (f->flags & (u32)(is_debit ? QX_FILTER_DEBITS : QX_FILTER_CREDITS)) && matches(f, t)) {
                unit *to = &out[written % limit];
                if (as_balances) {
                    qx_account_balance balance;
                    write_balance(&balance, &at.after, t->timestamp);
                    memcpy(to, &balance, sizeof balance);
                } else {
                    memcpy(to, t, sizeof *t);
                }
                written++;
            }
            step_back(ledger, t, is_debit, &at);
        }
        if (reversed) {
            return (u32)written;
        }
        if (all || written >= limit) {
            return oldest_first(out, written, limit);
        }
    }
}

QX_API uint32_t qx_account_transfers(const qx_ledger *ledger, const qx_filter *filter, qx_transfer *out) {
    if (!account_filter_is_valid(filter)) {
        return 0;
    }
    const u32 found = find_account(ledger, filter->account_id, hash_id(ledger, filter->account_id, KEY_ACCOUNT));
    return found == 0 ? 0 : walk(ledger, &ledger->rows[found - 1], filter, (unit *)(void *)out, 0);
}

QX_API uint32_t qx_account_balances(const qx_ledger *ledger, const qx_filter *filter, qx_account_balance *out) {
    if (!account_filter_is_valid(filter)) {
        return 0;
    }
    const u32 found = find_account(ledger, filter->account_id, hash_id(ledger, filter->account_id, KEY_ACCOUNT));
    if (found == 0 || !(ledger->rows[found - 1].flags & QX_ACCOUNT_HISTORY)) {
        return 0;
    }
    return walk(ledger, &ledger->rows[found - 1], filter, (unit *)(void *)out, 1);
}

/* ---- queries by field ---- */

static int query_filter_is_valid(const qx_filter *f) {
    return !(f->flags & ~(u32)QX_QUERY_REVERSED) && time_range_is_valid(f);
}

QX_API uint32_t qx_query_accounts(const qx_ledger *ledger, const qx_filter *f, qx_account *out) {
    if (!query_filter_is_valid(f)) {
        return 0;
    }
    const u32 limit = f->limit < QX_BATCH_MAX ? f->limit : QX_BATCH_MAX;
    u32 count = 0;
    for (u32 k = 0; k < ledger->accounts && count < limit; k++) {
        const u32 i = f->flags & QX_QUERY_REVERSED ? ledger->accounts - 1 - k : k;
        const row *r = &ledger->rows[i];
        const row_more *m = &ledger->more[i];
        if (r->timestamp >= f->timestamp_min && (f->timestamp_max == 0 || r->timestamp <= f->timestamp_max) &&
            (f->ledger == 0 || f->ledger == r->ledger) && (f->code == 0 || f->code == r->code) &&
            (is_zero(f->user_data_128) || same_id(f->user_data_128, m->user_data_128)) &&
            (f->user_data_64 == 0 || f->user_data_64 == m->user_data_64) &&
            (f->user_data_32 == 0 || f->user_data_32 == m->user_data_32)) {
            store_account_record(ledger, i, &out[count++]);
        }
    }
    return count;
}

/* The stored form of the event at a slot, or NULL when it was not created. */
static const qx_transfer *stored_form(const qx_ledger *ledger, u32 event_slot, int surely_created) {
    const qx_transfer *t = transfer_at(ledger, event_slot);
    const int resolved = (t->flags & QX_RECORD_RESOLVED) != 0;
    if (surely_created && !resolved) {
        return t;
    }
    const u32 slot = qx_find_transfer(ledger, &t->id);
    if (slot == 0) {
        return NULL;
    }
    if (slot == event_slot) {
        return t;
    }
    /* A resolved record stands behind its event and has its time; else another event created this id. */
    const qx_transfer *stored = transfer_at(ledger, slot);
    return resolved && slot > event_slot && stored->timestamp == t->timestamp ? stored : NULL;
}

/* Candidates in the order of their events, from slots [from, to). */
typedef struct {
    const qx_ledger *ledger;
    const qx_filter *filter;
    qx_transfer *out;
    u32 count, limit;
    u32 from, to;
} collector;

static int collect(collector *c, u32 event_slot, int surely_created) {
    const qx_transfer *t = stored_form(c->ledger, event_slot, surely_created);
    if (t != NULL && matches(c->filter, t)) {
        memcpy(&c->out[c->count++], t, sizeof *t);
    }
    return c->count == c->limit;
}

/* How many of the sorted entries are less than `value`, looking only at the bits of `mask`. */
static u64 first_at_least(const u64 *entries, u64 count, u64 value, u64 mask) {
    u64 low = 0, high = count;
    while (low < high) {
        const u64 middle = low + (high - low) / 2;
        if ((entries[middle] & mask) < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A run's entries are in order of (hash half, slot). */
static int collect_sorted(collector *c, const u64 *entries, u64 count, u64 top, int reversed) {
    const u64 from = first_at_least(entries, count, top | c->from, UINT64_MAX);
    const u64 to = first_at_least(entries, count, top | c->to, UINT64_MAX);
    for (u64 k = 0; k < to - from; k++) {
        if (collect(c, (u32)entries[reversed ? to - 1 - k : from + k], 1)) {
            return 1;
        }
    }
    return 0;
}

/* A generation's list is in order of slot. */
static int collect_listed(collector *c, const u64 *entries, u64 count, u64 top, int reversed) {
    const u64 from = first_at_least(entries, count, c->from, UINT32_MAX);
    const u64 to = first_at_least(entries, count, c->to, UINT32_MAX);
    for (u64 k = 0; k < to - from; k++) {
        const u64 entry = entries[reversed ? to - 1 - k : from + k];
        if ((entry & 0xFFFFFFFF00000000u) == top && collect(c, (u32)entry, 1)) {
            return 1;
        }
    }
    return 0;
}

static u32 query_by_user_data(collector *c, u32 which, qx_u128 value, int reversed) {
    const qx_ledger *ledger = c->ledger;
    const u64 top = hash_user_data(ledger, which, value) & 0xFFFFFFFF00000000u;
    const generation *active = &ledger->generations[ledger->active];
    const generation *sealing = &ledger->generations[1 - ledger->active];
    if (reversed) {
        if (collect_listed(c, active->user_data[which], active->user_data_count[which], top, 1) ||
            collect_listed(c, sealing->user_data[which], sealing->user_data_count[which], top, 1)) {
            return c->count;
        }
        for (u32 i = ledger->runs; i > 0; i--) {
            const run *r = &ledger->run_list[i - 1];
            if (collect_sorted(c, r->user_data[which], r->user_data_count[which], top, 1)) {
                return c->count;
            }
        }
        return c->count;
    }
    for (u32 i = 0; i < ledger->runs; i++) {
        const run *r = &ledger->run_list[i];
        if (collect_sorted(c, r->user_data[which], r->user_data_count[which], top, 0)) {
            return c->count;
        }
    }
    if (!collect_listed(c, sealing->user_data[which], sealing->user_data_count[which], top, 0)) {
        collect_listed(c, active->user_data[which], active->user_data_count[which], top, 0);
    }
    return c->count;
}

/* The first batch whose last created transfer is not before `timestamp`. */
static u32 first_batch_from(const qx_ledger *ledger, u64 timestamp) {
    u32 low = 0, high = ledger->batches;
    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (ledger->batch_list[middle].last_timestamp < timestamp) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

QX_API uint32_t qx_query_transfers(const qx_ledger *ledger, const qx_filter *f, qx_transfer *out) {
    if (!query_filter_is_valid(f)) {
        return 0;
    }
    const u32 limit = f->limit < QX_BATCH_MAX ? f->limit : QX_BATCH_MAX;
    const int reversed = (f->flags & QX_QUERY_REVERSED) != 0;
    const u32 from = first_batch_from(ledger, f->timestamp_min);
    u32 to = ledger->batches;
    if (f->timestamp_max != 0) {
        to = first_batch_from(ledger, f->timestamp_max);
        to = to < ledger->batches ? to + 1 : to;
    }
    if (from >= to) {
        return 0;
    }
    collector c = {ledger, f, out, 0, limit, ledger->batch_list[from].first_slot,
                   to < ledger->batches ? ledger->batch_list[to].first_slot : UINT32_MAX};
    if (!is_zero(f->user_data_128)) return query_by_user_data(&c, 0, f->user_data_128, reversed);
    if (f->user_data_64 != 0) return query_by_user_data(&c, 1, (qx_u128){f->user_data_64, 0}, reversed);
    if (f->user_data_32 != 0) return query_by_user_data(&c, 2, (qx_u128){f->user_data_32, 0}, reversed);

    for (u32 b = 0; b + from < to; b++) {
        const batch_entry *batch = &ledger->batch_list[reversed ? to - 1 - b : from + b];
        for (u32 i = 0; i < batch->count; i++) {
            const u32 at = reversed ? batch->count - 1u - i : i;
            if (collect(&c, batch->first_slot + at, batch->all_created)) {
                return c.count;
            }
        }
    }
    return c.count;
}
