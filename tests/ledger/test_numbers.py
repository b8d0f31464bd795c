"""The numbers that others rely on: record layouts, flags, statuses, the same in Python, in C and in TigerBeetle 0.17."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from qenex.ledger import (
    ACCOUNT,
    ACCOUNT_BALANCE,
    ACCOUNT_STATE,
    ACCOUNT_UPDATE,
    BALANCES,
    BATCH_MAX,
    RESULT,
    TRANSFER,
    Account,
    AccountFilterFlags,
    AccountFlags,
    AccountUpdate,
    AccountUpdateKind,
    CreateAccountStatus,
    CreateTransferStatus,
    EventKind,
    Freeze,
    QueryFilterFlags,
    Transfer,
    TransferFlags,
    UpdateAccountStatus,
    account_updates_array,
    accounts_array,
    transfers_array,
    u128_to_int,
)
from qenex.ledger.types import JOURNAL_FLAG_BURNT, JOURNAL_FLAG_EXPIRY, JOURNAL_FLAG_RESOLVED

# TigerBeetle 0.17, src/tigerbeetle.zig, in the order of its checks.
ACCOUNTS = """
linked_event_failed[1] linked_event_chain_open[2] imported_event_expected[22] imported_event_not_expected[23]
timestamp_must_be_zero[3] imported_event_timestamp_out_of_range[24] imported_event_timestamp_must_not_advance[25]
reserved_field[4] reserved_flag[5] id_must_not_be_zero[6] id_must_not_be_int_max[7] exists_with_different_flags[15]
exists_with_different_user_data_128[16] exists_with_different_user_data_64[17] exists_with_different_user_data_32[18]
exists_with_different_ledger[19] exists_with_different_code[20] exists[21] flags_are_mutually_exclusive[8]
debits_pending_must_be_zero[9] debits_posted_must_be_zero[10] credits_pending_must_be_zero[11]
credits_posted_must_be_zero[12] ledger_must_not_be_zero[13] code_must_not_be_zero[14]
imported_event_timestamp_must_not_regress[26]
"""
TRANSFERS = """
linked_event_failed[1] linked_event_chain_open[2] imported_event_expected[56] imported_event_not_expected[57]
timestamp_must_be_zero[3] imported_event_timestamp_out_of_range[58] imported_event_timestamp_must_not_advance[59]
reserved_flag[4] id_must_not_be_zero[5] id_must_not_be_int_max[6] exists_with_different_flags[36]
exists_with_different_pending_id[40] exists_with_different_timeout[44] exists_with_different_debit_account_id[37]
exists_with_different_credit_account_id[38] exists_with_different_amount[39] exists_with_different_user_data_128[41]
exists_with_different_user_data_64[42] exists_with_different_user_data_32[43] exists_with_different_ledger[67]
exists_with_different_code[45] exists[46] id_already_failed[68] flags_are_mutually_exclusive[7]
debit_account_id_must_not_be_zero[8] debit_account_id_must_not_be_int_max[9] credit_account_id_must_not_be_zero[10]
credit_account_id_must_not_be_int_max[11] accounts_must_be_different[12] pending_id_must_be_zero[13]
pending_id_must_not_be_zero[14] pending_id_must_not_be_int_max[15] pending_id_must_be_different[16]
timeout_reserved_for_pending_transfer[17] closing_transfer_must_be_pending[64] ledger_must_not_be_zero[19]
code_must_not_be_zero[20] debit_account_not_found[21]* credit_account_not_found[22]*
accounts_must_have_the_same_ledger[23] transfer_must_have_the_same_ledger_as_accounts[24]
pending_transfer_not_found[25]* pending_transfer_not_pending[26] pending_transfer_has_different_debit_account_id[27]
pending_transfer_has_different_credit_account_id[28] pending_transfer_has_different_ledger[29]
pending_transfer_has_different_code[30] exceeds_pending_transfer_amount[31] pending_transfer_has_different_amount[32]
pending_transfer_already_posted[33] pending_transfer_already_voided[34] pending_transfer_expired[35]
imported_event_timestamp_must_not_regress[60] imported_event_timestamp_must_postdate_debit_account[61]
imported_event_timestamp_must_postdate_credit_account[62] imported_event_timeout_must_be_zero[63]
debit_account_already_closed[65]* credit_account_already_closed[66]* overflows_debits_pending[47]
overflows_credits_pending[48] overflows_debits_posted[49] overflows_credits_posted[50] overflows_debits[51]
overflows_credits[52] overflows_timeout[53] exceeds_credits[54]* exceeds_debits[55]*
"""


@pytest.mark.parametrize(
    ("text", "statuses"),
    [(ACCOUNTS, CreateAccountStatus), (TRANSFERS, CreateTransferStatus)],
    ids=["accounts", "transfers"],
)
def test_statuses_have_tigerbeetles_numbers_and_order(text, statuses):
    expected = [(name, int(number)) for name, number in re.findall(r"(\w+)\[(\d+)\]", text)]
    ours = [(status.name, status.value) for status in statuses if status.value < 1_000]
    assert ours == expected
    assert statuses.created == 0xFFFF_FFFF


def test_transient_statuses_are_tigerbeetles_and_our_freezes():
    theirs = set(re.findall(r"(\w+)\[\d+\]\*", TRANSFERS))
    ours = {status.name for status in CreateTransferStatus if status.is_transient}
    assert ours == theirs | {"debit_account_frozen", "credit_account_frozen"}


def test_our_statuses_start_at_1000_and_no_number_is_used_twice():
    assert (CreateTransferStatus.debit_account_frozen, CreateTransferStatus.credit_account_frozen) == (1000, 1001)
    assert [status.value for status in UpdateAccountStatus][1:] == list(range(1100, 1117))
    for statuses in (CreateAccountStatus, CreateTransferStatus, UpdateAccountStatus):
        assert len(statuses.__members__) == len(set(statuses))


@pytest.mark.parametrize("dtype", [ACCOUNT, TRANSFER, ACCOUNT_UPDATE, BALANCES, ACCOUNT_BALANCE])
def test_records_have_128_bytes_without_gaps(dtype):
    assert dtype.itemsize == 128
    assert sum(dtype[name].itemsize for name in dtype.names) == 128


def test_the_smaller_records_have_no_gaps_either():
    assert (RESULT.itemsize, ACCOUNT_STATE.itemsize) == (16, 64)
    assert sum(ACCOUNT_STATE[name].itemsize for name in ACCOUNT_STATE.names) == 64
    assert BATCH_MAX == 8190


def test_flags_stand_where_tigerbeetle_has_them():
    assert [flag.name for flag in AccountFlags] == [
        "linked",
        "debits_must_not_exceed_credits",
        "credits_must_not_exceed_debits",
        "history",
        "imported",
        "closed",
        "overdraft",
    ]
    assert [flag.value for flag in AccountFlags] == [1, 2, 4, 8, 16, 32, 1 << 15]
    assert [flag.name for flag in TransferFlags] == [
        "linked",
        "pending",
        "post_pending_transfer",
        "void_pending_transfer",
        "balancing_debit",
        "balancing_credit",
        "closing_debit",
        "closing_credit",
        "imported",
    ]
    assert [flag.value for flag in TransferFlags] == [1 << bit for bit in range(9)]


@pytest.mark.parametrize(
    ("kind", "to_array", "dtype"),
    [
        (Account, accounts_array, ACCOUNT),
        (Transfer, transfers_array, TRANSFER),
        (AccountUpdate, account_updates_array, ACCOUNT_UPDATE),
    ],
)
def test_events_and_records_hold_the_same(kind, to_array, dtype):
    """Every field gets a value of its own, as large as fits; the record must have it in the field of that name."""
    values = {}
    for position, name in enumerate(dtype.names):
        plain, is_half = name.removesuffix("_lo"), name.endswith("_lo")
        if name.endswith("_hi"):
            continue
        size = 16 if is_half else dtype[name].itemsize
        octets = bytes(255 - position - n for n in range(size))
        values[plain] = octets if dtype[name].kind == "V" else int.from_bytes(octets, "little")
    event = kind(**values)
    record = to_array([event])[0]
    assert kind.of(record) == event
    assert event.record() == record
    for name, value in values.items():
        if isinstance(value, int):
            assert value == (u128_to_int(record, name) if name + "_lo" in dtype.names else int(record[name]))
    assert np.frombuffer(event.pack(), dtype=dtype)[0] == record


def test_a_value_that_does_not_fit_is_refused():
    for change in ({"id": 1 << 128}, {"id": -1}, {"code": 1 << 16}, {"ledger": -1}, {"timestamp": 1 << 64}):
        with pytest.raises(ValueError):
            accounts_array([Account(**{"id": 1, "ledger": 1, "code": 1, **change})])
    for reserved in (b"", bytes(39), bytes(41)):
        with pytest.raises(ValueError):
            account_updates_array([AccountUpdate(id=1, account_id=1, kind=1, reserved=reserved)])


CORE = Path(__file__).parents[2] / "core"


def enumerators(file: str) -> dict[str, int]:
    """NAME = value of every enumerator that is given a value, without comments."""
    text = re.sub(r"/\*.*?\*/", "", (CORE / file).read_text(), flags=re.DOTALL)
    found = re.findall(r"\b([A-Z][A-Z_0-9]+) = (\d+)(?: << (\d+))?\b", text)
    return {name: int(value) << int(shift or 0) for name, value, shift in found}


STATUSES_IN_C = enumerators("src/status.h")
NAMES_IN_C = enumerators("include/qenex/core.h")


@pytest.mark.parametrize(
    ("prefix", "statuses"), [("A_", CreateAccountStatus), ("T_", CreateTransferStatus), ("U_", UpdateAccountStatus)]
)
def test_statuses_are_the_same_in_c(prefix, statuses):
    shared = {} if prefix == "U_" else {name: value for name, value in STATUSES_IN_C.items() if name[1] != "_"}
    ours = {name[2:].lower(): value for name, value in STATUSES_IN_C.items() if name.startswith(prefix)}
    ours |= {name.lower(): value for name, value in shared.items()}
    assert ours == {status.name: status.value for status in statuses if status is not statuses.created}


@pytest.mark.parametrize(
    ("prefix", "members"),
    [
        ("QX_ACCOUNT_", AccountFlags),
        ("QX_TRANSFER_", TransferFlags),
        ("QX_UPDATE_", AccountUpdateKind),
        ("QX_KIND_", EventKind),
    ],
)
def test_flags_and_kinds_are_the_same_in_c(prefix, members):
    ours = {name.removeprefix(prefix).lower(): value for name, value in NAMES_IN_C.items() if name.startswith(prefix)}
    assert ours == {member.name: member.value for member in members}


def test_the_other_numbers_are_the_same_in_c():
    assert f"#define QX_BATCH_MAX {BATCH_MAX}u" in (CORE / "include/qenex/core.h").read_text()
    assert (NAMES_IN_C["QX_FREEZE_DEBITS"], NAMES_IN_C["QX_FREEZE_CREDITS"]) == (Freeze.debits, Freeze.credits)
    assert NAMES_IN_C["QX_FILTER_DEBITS"] == AccountFilterFlags.debits
    assert NAMES_IN_C["QX_FILTER_CREDITS"] == AccountFilterFlags.credits
    assert NAMES_IN_C["QX_FILTER_REVERSED"] == AccountFilterFlags.reversed
    assert NAMES_IN_C["QX_QUERY_REVERSED"] == QueryFilterFlags.reversed
    assert NAMES_IN_C["QX_RECORD_BURNT"] == JOURNAL_FLAG_BURNT
    assert NAMES_IN_C["QX_RECORD_EXPIRY"] == JOURNAL_FLAG_EXPIRY
    assert NAMES_IN_C["QX_RECORD_RESOLVED"] == JOURNAL_FLAG_RESOLVED
