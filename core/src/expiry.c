/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Holds in the order in which they end, and their release.
 *
 * The heap is lazy: a hold that was posted or voided stays in it until it comes up or the heap is tidied. */
#include "internal.h"

static inline int before(const hold *a, const hold *b) {
    return a->expires_at != b->expires_at ? a->expires_at < b->expires_at : a->slot < b->slot;
}

static void sift_up(hold *heap, u32 at) {
    const hold value = heap[at];
    while (at > 0 && before(&value, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = value;
}

static void sift_down(hold *heap, u32 count, u32 at) {
    const hold value = heap[at];
    for (u32 child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!before(&heap[child], &value)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

void holds_push_now(qx_ledger *ledger, u64 expires_at, u32 slot) {
    ledger->heap[ledger->holds] = (hold){expires_at, slot, 0};
    sift_up(ledger->heap, ledger->holds++);
}

/* In an open chain the hold waits outside the heap: taking one out of a heap again would be slow. */
void holds_push(qx_ledger *ledger, u64 expires_at, u32 slot) {
    if (ledger->in_chain) {
        ledger->chain_hold_list[ledger->chain_hold_count++] = (hold){expires_at, slot, 0};
    } else {
        holds_push_now(ledger, expires_at, slot);
    }
}

static u32 pop(qx_ledger *ledger) {
    const u32 slot = ledger->heap[0].slot;
    ledger->heap[0] = ledger->heap[--ledger->holds];
    if (ledger->holds > 0) {
        sift_down(ledger->heap, ledger->holds, 0);
    }
    return slot;
}

int hold_is_open(const qx_ledger *ledger, u32 slot) {
    const qx_transfer *t = transfer_at(ledger, slot);
    return find_transfer(ledger, t->id, hash_id(ledger, t->id, KEY_TRANSFER)) == slot &&
           find_resolver(ledger, t->id) == 0;
}

/* Drop what is no longer open. */
void holds_compact(qx_ledger *ledger) {
    u32 kept = 0;
    for (u32 i = 0; i < ledger->holds; i++) {
        if (hold_is_open(ledger, ledger->heap[i].slot)) {
            ledger->heap[kept++] = ledger->heap[i];
        }
    }
    ledger->holds = kept;
    for (u32 i = kept / 2; i > 0; i--) {
        sift_down(ledger->heap, kept, i - 1);
    }
}

static void release(qx_ledger *ledger, u32 hold_slot, u64 timestamp, u32 index, u32 first_slot) {
    qx_transfer p;
    memcpy(&p, record_at(ledger, hold_slot), sizeof p);
    const u32 slot = first_slot + index;
    qx_transfer *record = (qx_transfer *)(void *)(ledger->log + (size_t)index * QX_SLOT_BYTES);
    memset(record, 0, sizeof *record);
    record->id = p.id;
    record->debit_account_id = p.debit_account_id;
    record->credit_account_id = p.credit_account_id;
    record->amount = p.amount;
    record->pending_id = p.id;
    record->ledger = p.ledger;
    record->code = p.code;
    record->flags = QX_RECORD_EXPIRY;
    record->timestamp = timestamp;

    row *debit = &ledger->rows[find_account(ledger, p.debit_account_id,
                                            hash_id(ledger, p.debit_account_id, KEY_ACCOUNT)) - 1];
    row *credit = &ledger->rows[find_account(ledger, p.credit_account_id,
                                             hash_id(ledger, p.credit_account_id, KEY_ACCOUNT)) - 1];
    debit->debits_pending = narrow(wide(debit->debits_pending) - wide(p.amount));
    credit->credits_pending = narrow(wide(credit->credits_pending) - wide(p.amount));
    if (p.flags & QX_TRANSFER_CLOSING_DEBIT) debit->flags = (u16)(debit->flags & ~QX_ACCOUNT_CLOSED);
    if (p.flags & QX_TRANSFER_CLOSING_CREDIT) credit->flags = (u16)(credit->flags & ~QX_ACCOUNT_CLOSED);
    index_insert(ledger, hash_id(ledger, p.id, KEY_RESOLVER), slot);
    /* An imported transfer may still come with any time after the last transfer's. */
    const u64 last = ledger->last_transfer_timestamp;
    add_to_chains(ledger, slot, last < timestamp ? last : timestamp, debit, credit);
    ledger->open_holds--;
}

int apply_expiry(qx_ledger *ledger, u32 n, u64 timestamp, int replay, u32 first_slot, qx_result *results,
                 qx_applied *applied) {
    u32 *due = ledger->found_rows;
    u32 count = 0;
    while (count < n && ledger->holds > 0 && ledger->heap[0].expires_at != UINT64_MAX &&
           ledger->heap[0].expires_at <= timestamp) {
        const u32 slot = pop(ledger);
        if (hold_is_open(ledger, slot)) {
            due[count++] = slot;
        }
    }
    if (replay && count != n) {
        return QX_REPLAY_DIFFERS;
    }
    if (count == 0) {
        return QX_OK;
    }
    if (timestamp < ledger->last_timestamp + count) {
        timestamp = ledger->last_timestamp + count;
    }
    for (u32 i = 0; i < count; i++) {
        const u64 at = timestamp - count + i + 1;
        release(ledger, due[i], at, i, first_slot);
        results[i] = (qx_result){at, QX_CREATED, 0};
    }
    ledger->last_timestamp = timestamp;
    applied->count = count;
    applied->created = count;
    applied->timestamp = timestamp;
    return QX_OK;
}

QX_API uint32_t qx_open_holds(const qx_ledger *ledger, uint32_t *slots_out) {
    u32 count = 0;
    for (u32 i = 0; i < ledger->holds; i++) {
        if (hold_is_open(ledger, ledger->heap[i].slot)) {
            slots_out[count++] = ledger->heap[i].slot;
        }
    }
    return count;
}
