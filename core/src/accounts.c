/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Accounts and their updates: the checks, in the order of the documentation. */
#include "internal.h"
#include "status.h"

#define ACCOUNT_FLAGS_VALID                                                                                        \
    (QX_ACCOUNT_LINKED | QX_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS | QX_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS |  \
     QX_ACCOUNT_HISTORY | QX_ACCOUNT_IMPORTED | QX_ACCOUNT_CLOSED | QX_ACCOUNT_OVERDRAFT)

static inline decision answer(int status, u64 timestamp) { return (decision){(u32)status, timestamp}; }

/* Does a created transfer have this timestamp? */
static int transfer_has_timestamp(const qx_ledger *ledger, u64 timestamp) {
    u32 low = 0, high = ledger->batches;
    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (ledger->batch_list[middle].last_timestamp < timestamp) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == ledger->batches) {
        return 0;
    }
    const batch_entry *batch = &ledger->batch_list[low];
    for (u32 i = 0; i < batch->count; i++) {
        const qx_transfer *t = transfer_at(ledger, batch->first_slot + i);
        if (t->timestamp == timestamp && !(t->flags & QX_RECORD_BURNT)) {
            const u32 stored = qx_find_transfer(ledger, &t->id);
            if (stored != 0 && transfer_at(ledger, stored)->timestamp == timestamp) {
                return 1;
            }
        }
    }
    return 0;
}

static int exists(const qx_ledger *ledger, const qx_account *account, u32 index) {
    const row *r = &ledger->rows[index];
    const row_more *m = &ledger->more[index];
    if (account->flags != r->flags) return A_EXISTS_WITH_DIFFERENT_FLAGS;
    if (!same_id(account->user_data_128, m->user_data_128)) return A_EXISTS_WITH_DIFFERENT_USER_DATA_128;
    if (account->user_data_64 != m->user_data_64) return A_EXISTS_WITH_DIFFERENT_USER_DATA_64;
    if (account->user_data_32 != m->user_data_32) return A_EXISTS_WITH_DIFFERENT_USER_DATA_32;
    if (account->ledger != r->ledger) return A_EXISTS_WITH_DIFFERENT_LEDGER;
    if (account->code != r->code) return A_EXISTS_WITH_DIFFERENT_CODE;
    return A_EXISTS;
}

decision decide_account(qx_ledger *ledger, const qx_account *account, u64 assigned, u32 slot) {
    (void)slot;
    const u32 flags = account->flags;
    const u32 limits =
        flags & (QX_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS | QX_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS);

    if (account->reserved != 0) return answer(A_RESERVED_FIELD, assigned);
    if (flags & ~(u32)ACCOUNT_FLAGS_VALID) return answer(A_RESERVED_FLAG, assigned);
    if (is_zero(account->id)) return answer(A_ID_MUST_NOT_BE_ZERO, assigned);
    if (is_max(account->id)) return answer(A_ID_MUST_NOT_BE_INT_MAX, assigned);

    const u64 hash = hash_id(ledger, account->id, KEY_ACCOUNT);
    const u32 found = find_account(ledger, account->id, hash);
    if (found != 0) {
        const int status = exists(ledger, account, found - 1);
        return answer(status, status == A_EXISTS ? ledger->rows[found - 1].timestamp : assigned);
    }

    if (limits == (QX_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS | QX_ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) ||
        (limits != 0 && (flags & QX_ACCOUNT_OVERDRAFT))) {
        return answer(A_FLAGS_ARE_MUTUALLY_EXCLUSIVE, assigned);
    }
    if (!is_zero(account->debits_pending)) return answer(A_DEBITS_PENDING_MUST_BE_ZERO, assigned);
    if (!is_zero(account->debits_posted)) return answer(A_DEBITS_POSTED_MUST_BE_ZERO, assigned);
    if (!is_zero(account->credits_pending)) return answer(A_CREDITS_PENDING_MUST_BE_ZERO, assigned);
    if (!is_zero(account->credits_posted)) return answer(A_CREDITS_POSTED_MUST_BE_ZERO, assigned);
    if (account->ledger == 0) return answer(A_LEDGER_MUST_NOT_BE_ZERO, assigned);
    if (account->code == 0) return answer(A_CODE_MUST_NOT_BE_ZERO, assigned);

    const int imported = (flags & QX_ACCOUNT_IMPORTED) != 0;
    if (imported && (account->timestamp <= ledger->last_account_timestamp ||
                     transfer_has_timestamp(ledger, account->timestamp))) {
        return answer(A_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS, assigned);
    }

    /* From here on the account must be created. */
    const u64 timestamp = imported ? account->timestamp : assigned;
    const u32 index = ledger->accounts;
    row *r = &ledger->rows[index];
    memset(r, 0, sizeof *r);
    r->id = account->id;
    r->timestamp = timestamp;
    r->ledger = account->ledger;
    r->code = account->code;
    r->flags = account->flags;
    if (flags & QX_ACCOUNT_OVERDRAFT) {
        r->limit.lo = account->user_data_64;
    }
    row_more *m = &ledger->more[index];
    m->user_data_128 = account->user_data_128;
    m->user_data_64 = account->user_data_64;
    m->user_data_32 = account->user_data_32;
    m->unused = 0;
    account_index_insert(ledger, hash, index);
    ledger->accounts = index + 1;
    ledger->last_account_timestamp = timestamp;
    return answer(CREATED, timestamp);
}

void store_account_record(const qx_ledger *ledger, u32 index, qx_account *out) {
    const row *r = &ledger->rows[index];
    const row_more *m = &ledger->more[index];
    memset(out, 0, sizeof *out);
    out->id = r->id;
    out->debits_pending = r->debits_pending;
    out->debits_posted = r->debits_posted;
    out->credits_pending = r->credits_pending;
    out->credits_posted = r->credits_posted;
    out->user_data_128 = m->user_data_128;
    out->user_data_64 = m->user_data_64;
    out->user_data_32 = m->user_data_32;
    out->ledger = r->ledger;
    out->code = r->code;
    out->flags = r->flags;
    out->timestamp = r->timestamp;
}

decision decide_update(qx_ledger *ledger, const qx_account_update *update, u64 assigned, u32 slot) {
    if (update->timestamp != 0) return answer(U_TIMESTAMP_MUST_BE_ZERO, assigned);
    u32 reserved = 0;
    for (size_t i = 0; i < sizeof update->reserved; i++) {
        reserved |= update->reserved[i];
    }
    if (reserved != 0 || update->reserved2 != 0) return answer(U_RESERVED_FIELD, assigned);
    if (update->flags != 0) return answer(U_RESERVED_FLAG, assigned);
    if (is_zero(update->id)) return answer(U_ID_MUST_NOT_BE_ZERO, assigned);
    if (is_max(update->id)) return answer(U_ID_MUST_NOT_BE_INT_MAX, assigned);

    const u32 earlier = find_update(ledger, update->id);
    if (earlier != 0) {
        const qx_account_update *e = (const qx_account_update *)(const void *)record_at(ledger, earlier);
        if (!same_id(update->account_id, e->account_id)) return answer(U_EXISTS_WITH_DIFFERENT_ACCOUNT_ID, assigned);
        if (update->kind != e->kind) return answer(U_EXISTS_WITH_DIFFERENT_KIND, assigned);
        if (!same_id(update->value, e->value)) return answer(U_EXISTS_WITH_DIFFERENT_VALUE, assigned);
        if (update->reason != e->reason) return answer(U_EXISTS_WITH_DIFFERENT_REASON, assigned);
        if (!same_id(update->user_data_128, e->user_data_128)) {
            return answer(U_EXISTS_WITH_DIFFERENT_USER_DATA_128, assigned);
        }
        return answer(U_EXISTS, e->timestamp);
    }

    if (is_zero(update->account_id)) return answer(U_ACCOUNT_ID_MUST_NOT_BE_ZERO, assigned);
    if (is_max(update->account_id)) return answer(U_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, assigned);
    const u32 kind = update->kind;
    if (kind != QX_UPDATE_FREEZE_DEBITS && kind != QX_UPDATE_FREEZE_CREDITS && kind != QX_UPDATE_UNFREEZE &&
        kind != QX_UPDATE_SET_LIMIT) {
        return answer(U_KIND_INVALID, assigned);
    }
    if (!is_zero(update->value) && kind != QX_UPDATE_SET_LIMIT) return answer(U_VALUE_MUST_BE_ZERO, assigned);
    const u32 found = find_account(ledger, update->account_id, hash_id(ledger, update->account_id, KEY_ACCOUNT));
    if (found == 0) return answer(U_ACCOUNT_NOT_FOUND, assigned);
    row *r = &ledger->rows[found - 1];
    if (kind == QX_UPDATE_SET_LIMIT && !(r->flags & QX_ACCOUNT_OVERDRAFT)) {
        return answer(U_ACCOUNT_HAS_NO_OVERDRAFT, assigned);
    }

    switch (kind) {
    case QX_UPDATE_FREEZE_DEBITS:
        r->freeze = (u16)(r->freeze | QX_FREEZE_DEBITS);
        break;
    case QX_UPDATE_FREEZE_CREDITS:
        r->freeze = (u16)(r->freeze | QX_FREEZE_CREDITS);
        break;
    case QX_UPDATE_UNFREEZE:
        r->freeze = 0;
        break;
    default:
        r->limit = update->value;
        break;
    }
    index_insert(ledger, hash_id(ledger, update->id, KEY_UPDATE), slot);
    ledger->update_list[ledger->updates++] = slot;
    return answer(CREATED, assigned);
}
