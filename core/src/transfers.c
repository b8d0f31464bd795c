/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Transfers: the checks, in the order of the documentation, then the booking. */
#include "internal.h"
#include "status.h"

#define TRANSFER_FLAGS_VALID 0x1FFu
#define RESOLVES (QX_TRANSFER_POST_PENDING_TRANSFER | QX_TRANSFER_VOID_PENDING_TRANSFER)
#define BALANCES (QX_TRANSFER_BALANCING_DEBIT | QX_TRANSFER_BALANCING_CREDIT)
#define TIMESTAMP_MAX 0x7FFFFFFFFFFFFFFFu

static inline decision answer(int status, u64 timestamp) { return (decision){(u32)status, timestamp}; }

void remember_row(qx_ledger *ledger, u32 index) {
    if (ledger->in_chain) {
        undo_row *u = &ledger->undo_row_list[ledger->undo_rows++];
        u->index = index;
        u->before = ledger->rows[index];
    }
}

static inline void add_to_chain(qx_ledger *ledger, u32 slot, u64 earliest, row *r) {
    r->head = slot;
    r->since++;
    if (QX_UNLIKELY(r->since == MARK_EVERY)) {
        mark *m = &ledger->mark_list[ledger->marks++];
        m->debits_pending = r->debits_pending;
        m->debits_posted = r->debits_posted;
        m->credits_pending = r->credits_pending;
        m->credits_posted = r->credits_posted;
        m->earliest = earliest;
        m->slot = slot;
        m->previous = r->mark;
        r->mark = ledger->marks; /* its number: place + 1 */
        r->since = 0;
    }
}

/* Called with the balances after the entry. earliest: no entry from this one on will be older. */
void add_to_chains(qx_ledger *ledger, u32 slot, u64 earliest, row *debit, row *credit) {
    ledger->chain[slot] = (link_){debit->head, credit->head};
    add_to_chain(ledger, slot, earliest, debit);
    add_to_chain(ledger, slot, earliest, credit);
}

/* ---- an id that is known ---- */

static int exists_resolution(const qx_transfer *t, const qx_transfer *e, const qx_transfer *p) {
    if (!is_zero(t->debit_account_id) && !same_id(t->debit_account_id, e->debit_account_id)) {
        return T_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID;
    }
    if (!is_zero(t->credit_account_id) && !same_id(t->credit_account_id, e->credit_account_id)) {
        return T_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID;
    }
    const int all = t->flags & QX_TRANSFER_POST_PENDING_TRANSFER ? is_max(t->amount) : is_zero(t->amount);
    if (!same_id(all ? p->amount : t->amount, e->amount)) return T_EXISTS_WITH_DIFFERENT_AMOUNT;
    if (!same_id(is_zero(t->user_data_128) ? p->user_data_128 : t->user_data_128, e->user_data_128)) {
        return T_EXISTS_WITH_DIFFERENT_USER_DATA_128;
    }
    if ((t->user_data_64 ? t->user_data_64 : p->user_data_64) != e->user_data_64) {
        return T_EXISTS_WITH_DIFFERENT_USER_DATA_64;
    }
    if ((t->user_data_32 ? t->user_data_32 : p->user_data_32) != e->user_data_32) {
        return T_EXISTS_WITH_DIFFERENT_USER_DATA_32;
    }
    if (t->ledger != 0 && t->ledger != e->ledger) return T_EXISTS_WITH_DIFFERENT_LEDGER;
    if (t->code != 0 && t->code != e->code) return T_EXISTS_WITH_DIFFERENT_CODE;
    return T_EXISTS;
}

static int exists(const qx_ledger *ledger, const qx_transfer *t, const qx_transfer *e) {
    if (t->flags != e->flags) return T_EXISTS_WITH_DIFFERENT_FLAGS;
    if (!same_id(t->pending_id, e->pending_id)) return T_EXISTS_WITH_DIFFERENT_PENDING_ID;
    if (t->timeout != e->timeout) return T_EXISTS_WITH_DIFFERENT_TIMEOUT;
    if (t->flags & RESOLVES) {
        const u32 hold_slot = find_transfer(ledger, t->pending_id, hash_id(ledger, t->pending_id, KEY_TRANSFER));
        return exists_resolution(t, e, transfer_at(ledger, hold_slot));
    }
    if (!same_id(t->debit_account_id, e->debit_account_id)) return T_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID;
    if (!same_id(t->credit_account_id, e->credit_account_id)) return T_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID;
    /* A balancing transfer asks for an upper bound; what was moved may be less. */
    if (t->flags & BALANCES ? wide(t->amount) < wide(e->amount) : !same_id(t->amount, e->amount)) {
        return T_EXISTS_WITH_DIFFERENT_AMOUNT;
    }
    if (!same_id(t->user_data_128, e->user_data_128)) return T_EXISTS_WITH_DIFFERENT_USER_DATA_128;
    if (t->user_data_64 != e->user_data_64) return T_EXISTS_WITH_DIFFERENT_USER_DATA_64;
    if (t->user_data_32 != e->user_data_32) return T_EXISTS_WITH_DIFFERENT_USER_DATA_32;
    if (t->ledger != e->ledger) return T_EXISTS_WITH_DIFFERENT_LEDGER;
    if (t->code != e->code) return T_EXISTS_WITH_DIFFERENT_CODE;
    return T_EXISTS;
}

/* ---- booking ---- */

/* Record a created transfer: its stored form, its place in both chains, its keys. `resolved`: the stored form differs
 * from the input by more than the timestamp and goes behind the events. Returns nothing: it cannot fail. */
static void book(qx_ledger *ledger, const qx_transfer *stored, u32 event_slot, int resolved, u64 hash, row *debit,
                 row *credit) {
    u32 slot = event_slot;
    if (resolved) {
        slot = ledger->log_first + ledger->log_count + ledger->log_resolved++;
        memcpy(ledger->log + (size_t)(slot - ledger->log_first) * QX_SLOT_BYTES, stored, QX_SLOT_BYTES);
        qx_transfer *event =
            (qx_transfer *)(void *)(ledger->log + (size_t)(event_slot - ledger->log_first) * QX_SLOT_BYTES);
        event->timestamp = stored->timestamp;
        event->flags = (u16)(event->flags | QX_RECORD_RESOLVED);
    }
    add_to_chains(ledger, slot, stored->timestamp, debit, credit);
    index_insert(ledger, hash, slot);
    if (!is_zero(stored->user_data_128)) note_user_data(ledger, 0, stored->user_data_128, event_slot);
    if (stored->user_data_64 != 0) note_user_data(ledger, 1, (qx_u128){stored->user_data_64, 0}, event_slot);
    if (stored->user_data_32 != 0) note_user_data(ledger, 2, (qx_u128){stored->user_data_32, 0}, event_slot);
    if (stored->flags & QX_TRANSFER_PENDING) {
        holds_push(ledger, expires_at_of(stored), slot);
        ledger->open_holds++;
    }
    ledger->last_transfer_timestamp = stored->timestamp;
    ledger->transfers++;
}

static int regresses(const qx_ledger *ledger, u64 timestamp) {
    if (timestamp <= ledger->last_transfer_timestamp) {
        return 1;
    }
    u32 low = 0, high = ledger->accounts; /* accounts stand in the order of their timestamps */
    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (ledger->rows[middle].timestamp < timestamp) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ledger->accounts && ledger->rows[low].timestamp == timestamp;
}

/* a - b - c, never below 0. */
static u128 what_is_left(u128 a, u128 b, u128 c) {
    if (overflows(b, c) || b + c >= a) {
        return 0;
    }
    return a - (b + c);
}

static int exceeds_credits(const row *debit, u128 amount) {
    const u128 debits = wide(debit->debits_pending) + wide(debit->debits_posted) + amount;
    if (debit->flags & QX_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) {
        return debits > wide(debit->credits_posted);
    }
    if (debit->flags & QX_ACCOUNT_OVERDRAFT) {
        const u128 credits = wide(debit->credits_posted), limit = wide(debit->limit);
        return !overflows(credits, limit) && debits > credits + limit;
    }
    return 0;
}

static int exceeds_debits(const row *credit, u128 amount) {
    return (credit->flags & QX_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) &&
           wide(credit->credits_pending) + wide(credit->credits_posted) + amount > wide(credit->debits_posted);
}

/* ---- post and void ---- */

static decision resolve_hold(qx_ledger *ledger, const qx_transfer *t, u64 assigned, u32 slot, u64 hash) {
    const u32 flags = t->flags;
    const int is_void = (flags & QX_TRANSFER_VOID_PENDING_TRANSFER) != 0;
    if ((flags & RESOLVES) == RESOLVES) return answer(T_FLAGS_ARE_MUTUALLY_EXCLUSIVE, assigned);
    if (flags & (QX_TRANSFER_PENDING | BALANCES | QX_TRANSFER_CLOSING_DEBIT | QX_TRANSFER_CLOSING_CREDIT)) {
        return answer(T_FLAGS_ARE_MUTUALLY_EXCLUSIVE, assigned);
    }
    if (is_zero(t->pending_id)) return answer(T_PENDING_ID_MUST_NOT_BE_ZERO, assigned);
    if (is_max(t->pending_id)) return answer(T_PENDING_ID_MUST_NOT_BE_INT_MAX, assigned);
    if (same_id(t->pending_id, t->id)) return answer(T_PENDING_ID_MUST_BE_DIFFERENT, assigned);
    if (t->timeout != 0) return answer(T_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, assigned);

    const u32 hold_slot = find_transfer(ledger, t->pending_id, hash_id(ledger, t->pending_id, KEY_TRANSFER));
    if (hold_slot == 0) return answer(T_PENDING_TRANSFER_NOT_FOUND, assigned);
    qx_transfer p;
    memcpy(&p, record_at(ledger, hold_slot), sizeof p);
    if (p.flags & QX_RECORD_BURNT) return answer(T_PENDING_TRANSFER_NOT_FOUND, assigned);
    if (!(p.flags & QX_TRANSFER_PENDING)) return answer(T_PENDING_TRANSFER_NOT_PENDING, assigned);
    if (!is_zero(t->debit_account_id) && !same_id(t->debit_account_id, p.debit_account_id)) {
        return answer(T_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID, assigned);
    }
    if (!is_zero(t->credit_account_id) && !same_id(t->credit_account_id, p.credit_account_id)) {
        return answer(T_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID, assigned);
    }
    if (t->ledger != 0 && t->ledger != p.ledger) return answer(T_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER, assigned);
    if (t->code != 0 && t->code != p.code) return answer(T_PENDING_TRANSFER_HAS_DIFFERENT_CODE, assigned);

    const u128 held = wide(p.amount);
    u128 amount = wide(t->amount);
    if (is_void ? amount == 0 : is_max(t->amount)) {
        amount = held;
    }
    if (amount > held) return answer(T_EXCEEDS_PENDING_TRANSFER_AMOUNT, assigned);
    if (is_void && amount < held) return answer(T_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT, assigned);

    const u32 resolver = find_resolver(ledger, t->pending_id);
    if (resolver != 0) {
        const u32 how = transfer_at(ledger, resolver)->flags;
        return answer(how & QX_TRANSFER_POST_PENDING_TRANSFER   ? T_PENDING_TRANSFER_ALREADY_POSTED
                      : how & QX_TRANSFER_VOID_PENDING_TRANSFER ? T_PENDING_TRANSFER_ALREADY_VOIDED
                                                                : T_PENDING_TRANSFER_EXPIRED,
                      assigned);
    }
    /* Over is over, also when nobody has swept yet. */
    if (p.timeout != 0 && expires_at_of(&p) <= assigned) return answer(T_PENDING_TRANSFER_EXPIRED, assigned);

    if ((flags & QX_TRANSFER_IMPORTED) && regresses(ledger, t->timestamp)) {
        return answer(T_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS, assigned);
    }

    const u32 debit_row = find_account(ledger, p.debit_account_id, hash_id(ledger, p.debit_account_id, KEY_ACCOUNT));
    const u32 credit_row = find_account(ledger, p.credit_account_id, hash_id(ledger, p.credit_account_id, KEY_ACCOUNT));
    row *debit = &ledger->rows[debit_row - 1];
    row *credit = &ledger->rows[credit_row - 1];
    if (!is_void) {
        if (debit->flags & QX_ACCOUNT_CLOSED) return answer(T_DEBIT_ACCOUNT_ALREADY_CLOSED, assigned);
        if (credit->flags & QX_ACCOUNT_CLOSED) return answer(T_CREDIT_ACCOUNT_ALREADY_CLOSED, assigned);
        if (debit->freeze & QX_FREEZE_DEBITS) return answer(T_DEBIT_ACCOUNT_FROZEN, assigned);
    }

    /* From here on the transfer must succeed. */
    const u64 timestamp = flags & QX_TRANSFER_IMPORTED ? t->timestamp : assigned;
    qx_transfer stored = *t;
    stored.debit_account_id = p.debit_account_id;
    stored.credit_account_id = p.credit_account_id;
    stored.amount = narrow(amount);
    if (is_zero(t->user_data_128)) stored.user_data_128 = p.user_data_128;
    if (t->user_data_64 == 0) stored.user_data_64 = p.user_data_64;
    if (t->user_data_32 == 0) stored.user_data_32 = p.user_data_32;
    stored.ledger = p.ledger;
    stored.code = p.code;
    stored.timestamp = timestamp;

    remember_row(ledger, debit_row - 1);
    remember_row(ledger, credit_row - 1);
    debit->debits_pending = narrow(wide(debit->debits_pending) - held);
    credit->credits_pending = narrow(wide(credit->credits_pending) - held);
    if (is_void) {
        if (p.flags & QX_TRANSFER_CLOSING_DEBIT) debit->flags = (u16)(debit->flags & ~QX_ACCOUNT_CLOSED);
        if (p.flags & QX_TRANSFER_CLOSING_CREDIT) credit->flags = (u16)(credit->flags & ~QX_ACCOUNT_CLOSED);
    } else {
        debit->debits_posted = narrow(wide(debit->debits_posted) + amount);
        credit->credits_posted = narrow(wide(credit->credits_posted) + amount);
    }
    index_insert(ledger, hash_id(ledger, t->pending_id, KEY_RESOLVER),
                 ledger->log_first + ledger->log_count + ledger->log_resolved);
    ledger->open_holds--;
    book(ledger, &stored, slot, 1, hash, debit, credit);
    return answer(CREATED, timestamp);
}

/* ---- the rest ---- */

decision decide_transfer(qx_ledger *ledger, const qx_transfer *t, u64 assigned, u32 slot, u32 debit_row, u32 credit_row,
                         u64 hash) {
    const u32 flags = t->flags;
    if (QX_UNLIKELY(flags & ~TRANSFER_FLAGS_VALID)) return answer(T_RESERVED_FLAG, assigned);
    if (QX_UNLIKELY(is_zero(t->id))) return answer(T_ID_MUST_NOT_BE_ZERO, assigned);
    if (QX_UNLIKELY(is_max(t->id))) return answer(T_ID_MUST_NOT_BE_INT_MAX, assigned);

    const u32 known = find_transfer(ledger, t->id, hash);
    if (QX_UNLIKELY(known != 0)) {
        const qx_transfer *e = transfer_at(ledger, known);
        if (e->flags & QX_RECORD_BURNT) return answer(T_ID_ALREADY_FAILED, assigned);
        const int status = exists(ledger, t, e);
        return answer(status, status == T_EXISTS ? e->timestamp : assigned);
    }
    if (flags & RESOLVES) return resolve_hold(ledger, t, assigned, slot, hash);

    const int is_pending = (flags & QX_TRANSFER_PENDING) != 0;
    if (is_zero(t->debit_account_id)) return answer(T_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, assigned);
    if (is_max(t->debit_account_id)) return answer(T_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, assigned);
    if (is_zero(t->credit_account_id)) return answer(T_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, assigned);
    if (is_max(t->credit_account_id)) return answer(T_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, assigned);
    if (same_id(t->debit_account_id, t->credit_account_id)) return answer(T_ACCOUNTS_MUST_BE_DIFFERENT, assigned);
    if (!is_zero(t->pending_id)) return answer(T_PENDING_ID_MUST_BE_ZERO, assigned);
    if (t->timeout != 0 && !is_pending) return answer(T_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, assigned);
    if ((flags & (QX_TRANSFER_CLOSING_DEBIT | QX_TRANSFER_CLOSING_CREDIT)) && !is_pending) {
        return answer(T_CLOSING_TRANSFER_MUST_BE_PENDING, assigned);
    }
    if (t->ledger == 0) return answer(T_LEDGER_MUST_NOT_BE_ZERO, assigned);
    if (t->code == 0) return answer(T_CODE_MUST_NOT_BE_ZERO, assigned);

    if (debit_row == 0) return answer(T_DEBIT_ACCOUNT_NOT_FOUND, assigned);
    if (credit_row == 0) return answer(T_CREDIT_ACCOUNT_NOT_FOUND, assigned);
    row *debit = &ledger->rows[debit_row - 1];
    row *credit = &ledger->rows[credit_row - 1];
    if (debit->ledger != credit->ledger) return answer(T_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER, assigned);
    if (t->ledger != debit->ledger) return answer(T_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS, assigned);

    if (flags & QX_TRANSFER_IMPORTED) {
        if (regresses(ledger, t->timestamp)) return answer(T_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS, assigned);
        if (t->timestamp <= debit->timestamp) {
            return answer(T_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT, assigned);
        }
        if (t->timestamp <= credit->timestamp) {
            return answer(T_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT, assigned);
        }
        if (t->timeout != 0) return answer(T_IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO, assigned);
    }

    if (debit->flags & QX_ACCOUNT_CLOSED) return answer(T_DEBIT_ACCOUNT_ALREADY_CLOSED, assigned);
    if (credit->flags & QX_ACCOUNT_CLOSED) return answer(T_CREDIT_ACCOUNT_ALREADY_CLOSED, assigned);
    if (debit->freeze & QX_FREEZE_DEBITS) return answer(T_DEBIT_ACCOUNT_FROZEN, assigned);
    if (credit->freeze & QX_FREEZE_CREDITS) return answer(T_CREDIT_ACCOUNT_FROZEN, assigned);

    const u64 timestamp = flags & QX_TRANSFER_IMPORTED ? t->timestamp : assigned;
    const u128 debits_pending = wide(debit->debits_pending), debits_posted = wide(debit->debits_posted);
    const u128 credits_pending = wide(credit->credits_pending), credits_posted = wide(credit->credits_posted);
    u128 amount = wide(t->amount);
    if (flags & QX_TRANSFER_BALANCING_DEBIT) {
        const u128 most = what_is_left(wide(debit->credits_posted), debits_posted, debits_pending);
        if (amount > most) amount = most;
    }
    if (flags & QX_TRANSFER_BALANCING_CREDIT) {
        const u128 most = what_is_left(wide(credit->debits_posted), credits_posted, credits_pending);
        if (amount > most) amount = most;
    }
    if (is_pending && overflows(amount, debits_pending)) return answer(T_OVERFLOWS_DEBITS_PENDING, assigned);
    if (is_pending && overflows(amount, credits_pending)) return answer(T_OVERFLOWS_CREDITS_PENDING, assigned);
    if (overflows(amount, debits_posted)) return answer(T_OVERFLOWS_DEBITS_POSTED, assigned);
    if (overflows(amount, credits_posted)) return answer(T_OVERFLOWS_CREDITS_POSTED, assigned);
    if (overflows(debits_pending, debits_posted) || overflows(amount, debits_pending + debits_posted)) {
        return answer(T_OVERFLOWS_DEBITS, assigned);
    }
    if (overflows(credits_pending, credits_posted) || overflows(amount, credits_pending + credits_posted)) {
        return answer(T_OVERFLOWS_CREDITS, assigned);
    }
    if (timestamp + (u64)t->timeout * 1000000000u > TIMESTAMP_MAX) return answer(T_OVERFLOWS_TIMEOUT, assigned);

    if (exceeds_credits(debit, amount)) return answer(T_EXCEEDS_CREDITS, assigned);
    if (exceeds_debits(credit, amount)) return answer(T_EXCEEDS_DEBITS, assigned);

    /* From here on the transfer must succeed. */
    remember_row(ledger, debit_row - 1);
    remember_row(ledger, credit_row - 1);
    if (is_pending) {
        debit->debits_pending = narrow(debits_pending + amount);
        credit->credits_pending = narrow(credits_pending + amount);
    } else {
        debit->debits_posted = narrow(debits_posted + amount);
        credit->credits_posted = narrow(credits_posted + amount);
    }
    if (flags & QX_TRANSFER_CLOSING_DEBIT) debit->flags = (u16)(debit->flags | QX_ACCOUNT_CLOSED);
    if (flags & QX_TRANSFER_CLOSING_CREDIT) credit->flags = (u16)(credit->flags | QX_ACCOUNT_CLOSED);

    qx_transfer *event = (qx_transfer *)(void *)(ledger->log + (size_t)(slot - ledger->log_first) * QX_SLOT_BYTES);
    if (flags & BALANCES) {
        qx_transfer stored = *t;
        stored.amount = narrow(amount);
        stored.timestamp = timestamp;
        book(ledger, &stored, slot, 1, hash, debit, credit);
    } else {
        event->timestamp = timestamp; /* the event as journalled is the stored form */
        book(ledger, event, slot, 0, hash, debit, credit);
    }
    return answer(CREATED, timestamp);
}
