"""One row for every status a transfer can have, in the order in which the ledger checks them.

A row is a fault: the fields that differ from a good transfer. The second test gives one transfer two faults and expects
the status that stands first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from tests.ledger.worlds import AF, KIND, MAX, SECOND, START, TF, USD, T, World, move

from qenex.ledger import CreateTransferStatus, Transfer
from qenex.ledger.testing import set_balances

ORDER = [status for status in CreateTransferStatus if status != T.created]

# Accounts of the world.
CLOSED_DEBIT, CLOSED_CREDIT, FROZEN_DEBIT, FROZEN_CREDIT, CLOSED_AND_FROZEN = 4, 5, 6, 7, 8
DOLLARS, NO_CREDIT, NO_DEBIT, NO_OVERDRAFT, LATE_DEBIT, LATE_CREDIT = 3, 9, 10, 11, 12, 13
FULL_DEBITS_PENDING, FULL_CREDITS_PENDING, FULL_DEBITS, FULL_CREDITS = 20, 21, 22, 23
FULL_DEBITS_SUM, FULL_CREDITS_SUM, HOLDING_CLOSED_DEBIT, HOLDING_CLOSED_CREDIT, HOLDING_FROZEN = 24, 25, 26, 27, 28
HOLDING_CLOSED_AND_FROZEN = 29

# Transfers of the world.
MOVED, HELD, POSTED, VOIDED, EXPIRED, OVERDUE, RESOLVED, BURNT = 100, 101, 102, 103, 104, 105, 106, 107
HELD_BY_CLOSED_DEBIT, HELD_FOR_CLOSED_CREDIT, HELD_BY_FROZEN, HELD_BY_CLOSED_AND_FROZEN, LAST = 108, 109, 110, 111, 112


@dataclass(frozen=True)
class Fault:
    status: CreateTransferStatus
    change: dict[str, int]
    drop_flags: int = 0
    on: tuple[str, ...] = ("move",)


def fault(status: CreateTransferStatus, *on: str, drop_flags: int = 0, **change: int) -> Fault:
    return Fault(status, change, drop_flags, on or ("move",))


SAME_AS_ID = SAME_AS_DEBIT = -1
EVERYWHERE = ("move", "resolve", "repeat", "repeat post", "import", "import post")
NEW = ("move", "resolve", "import", "import post")
MOVES = ("move", "import")
RESOLVES = ("resolve", "import post")

FAULTS = [
    fault(T.timestamp_must_be_zero, "move", "resolve", "repeat", "repeat post", timestamp=1),
    fault(T.imported_event_timestamp_out_of_range, "import", "import post", timestamp=0),
    fault(T.imported_event_timestamp_out_of_range, "import", "import post", timestamp=1 << 63),
    fault(T.imported_event_timestamp_out_of_range, "import", "import post", timestamp=(1 << 64) - 1),
    fault(T.imported_event_timestamp_must_not_advance, "import", "import post", timestamp=START + 100 * SECOND),
    fault(T.imported_event_timestamp_must_not_advance, "import", "import post", timestamp=(1 << 63) - 1),
    *(fault(T.reserved_flag, *EVERYWHERE, flags=1 << bit) for bit in range(9, 16)),
    fault(T.id_must_not_be_zero, *EVERYWHERE, id=0),
    fault(T.id_must_not_be_int_max, *EVERYWHERE, id=MAX),
    fault(T.exists_with_different_flags, "repeat", flags=TF.pending),
    fault(T.exists_with_different_flags, "repeat post", flags=TF.void_pending_transfer),
    fault(T.exists_with_different_pending_id, "repeat", "repeat post", pending_id=77),
    fault(T.exists_with_different_timeout, "repeat", "repeat post", timeout=1),
    fault(T.exists_with_different_debit_account_id, "repeat", "repeat post", debit_account_id=77),
    fault(T.exists_with_different_debit_account_id, "repeat", debit_account_id=0),
    fault(T.exists_with_different_credit_account_id, "repeat", "repeat post", credit_account_id=77),
    fault(T.exists_with_different_amount, "repeat", "repeat post", amount=11),
    fault(T.exists_with_different_amount, "repeat", "repeat post", amount=9),
    fault(T.exists_with_different_amount, "repeat", "repeat post", amount=MAX),
    fault(T.exists_with_different_user_data_128, "repeat", "repeat post", user_data_128=1 << 127),
    fault(T.exists_with_different_user_data_64, "repeat", "repeat post", user_data_64=1),
    fault(T.exists_with_different_user_data_32, "repeat", "repeat post", user_data_32=1),
    fault(T.exists_with_different_ledger, "repeat", "repeat post", ledger=USD),
    fault(T.exists_with_different_code, "repeat", "repeat post", code=2),
    fault(T.id_already_failed, *NEW, id=BURNT),
    *(
        fault(T.flags_are_mutually_exclusive, *RESOLVES, flags=flag)
        for flag in (
            TF.void_pending_transfer,
            TF.pending,
            TF.balancing_debit,
            TF.balancing_credit,
            TF.closing_debit,
            TF.closing_credit,
        )
    ),
    fault(T.debit_account_id_must_not_be_zero, *MOVES, debit_account_id=0),
    fault(T.debit_account_id_must_not_be_int_max, *MOVES, debit_account_id=MAX),
    fault(T.credit_account_id_must_not_be_zero, *MOVES, credit_account_id=0),
    fault(T.credit_account_id_must_not_be_int_max, *MOVES, credit_account_id=MAX),
    fault(T.accounts_must_be_different, *MOVES, credit_account_id=SAME_AS_DEBIT),
    fault(T.pending_id_must_be_zero, *MOVES, pending_id=HELD),
    fault(T.pending_id_must_not_be_zero, *RESOLVES, pending_id=0),
    fault(T.pending_id_must_not_be_int_max, *RESOLVES, pending_id=MAX),
    fault(T.pending_id_must_be_different, *RESOLVES, pending_id=SAME_AS_ID),
    fault(T.timeout_reserved_for_pending_transfer, *NEW, timeout=1),
    fault(T.closing_transfer_must_be_pending, *MOVES, flags=TF.closing_debit),
    fault(T.closing_transfer_must_be_pending, *MOVES, flags=TF.closing_credit),
    fault(T.ledger_must_not_be_zero, *MOVES, ledger=0),
    fault(T.code_must_not_be_zero, *MOVES, code=0),
    fault(T.debit_account_not_found, *MOVES, debit_account_id=77),
    fault(T.credit_account_not_found, *MOVES, credit_account_id=78),
    fault(T.accounts_must_have_the_same_ledger, *MOVES, credit_account_id=DOLLARS),
    fault(T.transfer_must_have_the_same_ledger_as_accounts, *MOVES, ledger=USD),
    fault(T.pending_transfer_not_found, *RESOLVES, pending_id=77),
    fault(T.pending_transfer_not_found, *RESOLVES, pending_id=BURNT),
    fault(T.pending_transfer_not_pending, *RESOLVES, pending_id=MOVED),
    fault(T.pending_transfer_not_pending, *RESOLVES, pending_id=RESOLVED),
    fault(T.pending_transfer_has_different_debit_account_id, *RESOLVES, debit_account_id=2),
    fault(T.pending_transfer_has_different_credit_account_id, *RESOLVES, credit_account_id=1),
    fault(T.pending_transfer_has_different_ledger, *RESOLVES, ledger=USD),
    fault(T.pending_transfer_has_different_code, *RESOLVES, code=2),
    fault(T.exceeds_pending_transfer_amount, *RESOLVES, amount=51),
    fault(T.exceeds_pending_transfer_amount, *RESOLVES, amount=MAX - 1),
    fault(
        T.exceeds_pending_transfer_amount,
        *RESOLVES,
        flags=TF.void_pending_transfer,
        drop_flags=TF.post_pending_transfer,
        amount=51,
    ),
    fault(
        T.exceeds_pending_transfer_amount,
        *RESOLVES,
        flags=TF.void_pending_transfer,
        drop_flags=TF.post_pending_transfer,
        amount=MAX,
    ),
    fault(
        T.pending_transfer_has_different_amount,
        *RESOLVES,
        flags=TF.void_pending_transfer,
        drop_flags=TF.post_pending_transfer,
        amount=49,
    ),
    fault(T.pending_transfer_already_posted, *RESOLVES, pending_id=POSTED),
    fault(T.pending_transfer_already_voided, *RESOLVES, pending_id=VOIDED),
    fault(T.pending_transfer_expired, *RESOLVES, pending_id=EXPIRED),
    fault(T.pending_transfer_expired, *RESOLVES, pending_id=OVERDUE),
    fault(T.imported_event_timestamp_must_not_regress, "import", "import post", timestamp=1),
    fault(T.imported_event_timestamp_must_not_regress, "import", "import post", timestamp=START + 2 * SECOND),
    fault(T.imported_event_timestamp_must_not_regress, "import", "import post", timestamp=START + 3 * SECOND),
    fault(T.imported_event_timestamp_must_postdate_debit_account, "import", debit_account_id=LATE_DEBIT),
    fault(T.imported_event_timestamp_must_postdate_credit_account, "import", credit_account_id=LATE_CREDIT),
    fault(T.imported_event_timeout_must_be_zero, "import", flags=TF.pending, timeout=1),
    fault(T.debit_account_already_closed, *MOVES, debit_account_id=CLOSED_DEBIT),
    fault(T.debit_account_already_closed, *MOVES, debit_account_id=CLOSED_AND_FROZEN),
    fault(T.debit_account_already_closed, *RESOLVES, pending_id=HELD_BY_CLOSED_DEBIT),
    fault(T.debit_account_already_closed, *RESOLVES, pending_id=HELD_BY_CLOSED_AND_FROZEN),
    fault(T.credit_account_already_closed, *MOVES, credit_account_id=CLOSED_CREDIT),
    fault(T.credit_account_already_closed, *RESOLVES, pending_id=HELD_FOR_CLOSED_CREDIT),
    fault(T.debit_account_frozen, *MOVES, debit_account_id=FROZEN_DEBIT),
    fault(T.debit_account_frozen, *RESOLVES, pending_id=HELD_BY_FROZEN),
    fault(T.credit_account_frozen, *MOVES, credit_account_id=FROZEN_CREDIT),
    fault(T.overflows_debits_pending, *MOVES, flags=TF.pending, debit_account_id=FULL_DEBITS_PENDING),
    fault(T.overflows_credits_pending, *MOVES, flags=TF.pending, credit_account_id=FULL_CREDITS_PENDING),
    fault(T.overflows_debits_posted, *MOVES, debit_account_id=FULL_DEBITS),
    fault(T.overflows_credits_posted, *MOVES, credit_account_id=FULL_CREDITS),
    fault(T.overflows_debits, *MOVES, debit_account_id=FULL_DEBITS_SUM),
    fault(T.overflows_credits, *MOVES, credit_account_id=FULL_CREDITS_SUM),
    fault(T.overflows_timeout, flags=TF.pending, timeout=(1 << 32) - 1),
    fault(T.exceeds_credits, *MOVES, debit_account_id=NO_CREDIT),
    fault(T.exceeds_credits, *MOVES, debit_account_id=NO_OVERDRAFT),
    fault(T.exceeds_debits, *MOVES, credit_account_id=NO_DEBIT),
]

BASES = {
    "move": move(0),
    "resolve": Transfer(id=0, pending_id=HELD, amount=MAX, flags=TF.post_pending_transfer),
    "repeat": replace(move(MOVED)),
    "repeat post": Transfer(id=RESOLVED, pending_id=POSTED, amount=10, flags=TF.post_pending_transfer),
    "import": replace(move(0), flags=TF.imported, timestamp=START + 5 * SECOND),
    "import post": Transfer(
        id=0,
        pending_id=HELD,
        amount=MAX,
        flags=TF.post_pending_transfer | TF.imported,
        timestamp=START + 5 * SECOND,
    ),
}
BATCH_LEVEL = {
    T.linked_event_failed,
    T.linked_event_chain_open,
    T.imported_event_expected,
    T.imported_event_not_expected,
}


def build_world(engine: str) -> World:
    """No clock tick is wasted: accounts at START .. , transfers up to START + 3 s, an account later than them."""
    world = World(engine)
    world.open(1, 2, 3000)
    world.open(DOLLARS, ledger=USD)
    world.open(CLOSED_DEBIT, CLOSED_CREDIT, CLOSED_AND_FROZEN, flags=AF.closed)
    world.open(FROZEN_DEBIT, FROZEN_CREDIT, *range(20, 30))
    world.open(NO_CREDIT, flags=AF.debits_must_not_exceed_credits)
    world.open(NO_DEBIT, flags=AF.credits_must_not_exceed_debits)
    world.open(NO_OVERDRAFT, flags=AF.overdraft, limit=9)

    world.clock.set(START + SECOND)
    held = TF.pending
    world.must(id=MOVED)
    for id_ in (HELD, POSTED, VOIDED):
        world.must(id=id_, flags=held, amount=50)
    world.must(
        id=RESOLVED,
        pending_id=POSTED,
        flags=TF.post_pending_transfer,
        debit_account_id=0,
        credit_account_id=0,
        ledger=0,
        code=0,
    )
    world.must(id=world.new_id(), pending_id=VOIDED, flags=TF.void_pending_transfer, amount=0)
    world.must(id=EXPIRED, flags=held, amount=50, timeout=1)
    assert world.transfer(id=BURNT, debit_account_id=77) == T.debit_account_not_found
    world.must(id=HELD_BY_CLOSED_DEBIT, flags=held, amount=50, debit_account_id=HOLDING_CLOSED_DEBIT)
    world.must(id=HELD_FOR_CLOSED_CREDIT, flags=held, amount=50, credit_account_id=HOLDING_CLOSED_CREDIT)
    world.must(id=HELD_BY_FROZEN, flags=held, amount=50, debit_account_id=HOLDING_FROZEN)
    world.must(id=HELD_BY_CLOSED_AND_FROZEN, flags=held, amount=50, debit_account_id=HOLDING_CLOSED_AND_FROZEN)
    for id_ in (HOLDING_CLOSED_DEBIT, HOLDING_CLOSED_AND_FROZEN):
        world.must(flags=held | TF.closing_debit, amount=0, debit_account_id=id_)
    world.must(flags=held | TF.closing_credit, amount=0, credit_account_id=HOLDING_CLOSED_CREDIT)
    for id_ in (FROZEN_DEBIT, CLOSED_AND_FROZEN, HOLDING_FROZEN, HOLDING_CLOSED_AND_FROZEN):
        world.update(id_, KIND.freeze_debits)
    world.update(FROZEN_CREDIT, KIND.freeze_credits)

    set_balances(world.ledger, FULL_DEBITS_PENDING, debits_pending=MAX - 9)
    set_balances(world.ledger, FULL_CREDITS_PENDING, credits_pending=MAX - 9)
    set_balances(world.ledger, FULL_DEBITS, debits_posted=MAX - 9)
    set_balances(world.ledger, FULL_CREDITS, credits_posted=MAX - 9)
    set_balances(world.ledger, FULL_DEBITS_SUM, debits_pending=1 << 127, debits_posted=(1 << 127) - 10)
    set_balances(world.ledger, FULL_CREDITS_SUM, credits_pending=1 << 127, credits_posted=(1 << 127) - 10)

    world.clock.set(START + 3 * SECOND)
    assert world.ledger.expire(START + 3 * SECOND - 1_000) == 1
    assert world.transfers(world.event(id=OVERDUE, flags=held, amount=50, timeout=1), world.event(id=LAST)) == [
        T.created,
        T.created,
    ]
    # The last transfer is at START + 3 s; these accounts are later than the imported transfers of the table.
    world.clock.set(START + 6 * SECOND)
    world.open(LATE_DEBIT, LATE_CREDIT)
    world.clock.set(START + 10 * SECOND)
    return world


@pytest.fixture(scope="module")
def world(module_engine) -> World:
    return build_world(module_engine)


def submit(world: World, base: str, *faults: Fault) -> CreateTransferStatus:
    """A transfer with these faults. Each gets the same time again, so that the clock does not decide."""
    event = BASES[base]
    if event.id == 0:
        event = replace(event, id=world.new_id())
    flags = event.flags
    for one in faults:
        flags &= ~one.drop_flags
    for one in faults:
        flags |= one.change.get("flags", 0)
        event = replace(event, **{name: value for name, value in one.change.items() if name != "flags"})
    return world.transfers(pointed(replace(event, flags=flags)))[0]


def pointed(event: Transfer) -> Transfer:
    """With the ids that a fault can only name once the event has its own."""
    if event.pending_id == SAME_AS_ID:
        event = replace(event, pending_id=event.id)
    if event.credit_account_id == SAME_AS_DEBIT:
        event = replace(event, credit_account_id=event.debit_account_id)
    return event


def rows() -> list[tuple[str, Fault]]:
    return [(base, one) for one in FAULTS for base in one.on]


@pytest.mark.parametrize(
    ("base", "one"), rows(), ids=[f"{one.status.name}-{base}-{index}" for index, (base, one) in enumerate(rows())]
)
def test_every_fault_has_its_status(world, base, one):
    assert submit(world, base, one) == one.status


def test_the_table_stands_in_the_order_of_the_checks_and_misses_no_status():
    order = {status: index for index, status in enumerate(ORDER)}
    positions = [order[one.status] for one in FAULTS]
    assert positions == sorted(positions)
    assert {one.status for one in FAULTS} | BATCH_LEVEL | {T.exists} == set(ORDER)


def test_two_faults_answer_the_one_that_is_checked_first(world):
    tried = 0
    for base in BASES:
        for first, second in combinations([one for one in FAULTS if base in one.on], 2):
            only_flags = first.change.keys() & second.change.keys() <= {"flags"}
            if first.status == second.status or not only_flags or first.drop_flags != second.drop_flags:
                continue
            if not may_meet(first, second):
                continue
            answer = submit(world, base, first, second)
            assert answer == first.status, (base, first, second)
            tried += 1
    assert tried > 2_000


def may_meet(first: Fault, second: Fault) -> bool:
    """Some faults remove the ground of another: a hold makes a timeout right, a hold elsewhere is another hold."""
    flags = first.change.get("flags", 0) | second.change.get("flags", 0)
    statuses = {first.status, second.status}
    needs_plain = {
        T.timeout_reserved_for_pending_transfer,
        T.closing_transfer_must_be_pending,
        T.overflows_debits_posted,
        T.overflows_credits_posted,
    }
    if flags & TF.pending and statuses & needs_plain:
        return False
    # A hold with other accounts: the accounts given differ from it, too.
    on_the_same_hold = {
        T.pending_transfer_has_different_debit_account_id,
        T.pending_transfer_has_different_credit_account_id,
    }
    return not (
        statuses & on_the_same_hold and any(one.change.get("pending_id", 0) > EXPIRED for one in (first, second))
    )


def test_a_good_transfer_of_each_kind_is_created(engine):
    for base in ("move", "resolve", "import", "import post"):
        assert submit(build_world(engine), base) == T.created, base


def test_a_repeated_transfer_exists(world):
    assert submit(world, "repeat") == T.exists
    assert submit(world, "repeat post") == T.exists


def test_a_refused_transfer_changes_nothing_but_the_time_and_its_burnt_id(engine):
    world = build_world(engine)
    everything = [1, 2, *range(3, 30)]
    before = world.ledger.lookup_accounts(everything).tobytes()
    for base, one in rows():
        submit(world, base, one)
    assert world.ledger.lookup_accounts(everything).tobytes() == before


@pytest.mark.parametrize("status", [status for status in T if status.is_transient])
def test_the_id_of_a_transient_failure_is_burnt(world, status):
    for base, one in rows():
        if one.status != status or "id" in one.change:
            continue
        event = replace(BASES[base], id=world.new_id())
        flags = (event.flags & ~one.drop_flags) | one.change.get("flags", 0)
        event = replace(event, **{**one.change, "flags": flags})
        assert world.transfers(event) == [status]
        assert world.transfers(event) == [T.id_already_failed]
        assert world.transfers(move(event.id)) == [T.id_already_failed]


def test_an_id_that_failed_for_good_reason_may_be_used_again(engine):
    world = build_world(engine)
    for base, one in rows():
        if one.status.is_transient or base not in ("move", "resolve") or "id" in one.change:
            continue
        id_ = world.new_id()
        flags = (BASES[base].flags & ~one.drop_flags) | one.change.get("flags", 0)
        event = pointed(replace(BASES[base], **{**one.change, "flags": flags, "id": id_}))
        assert world.transfers(event) == [one.status]
        assert world.transfers(move(id_)) == [T.created], one
