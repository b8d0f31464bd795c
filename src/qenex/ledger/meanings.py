"""What every status, flag and kind of the ledger means, one sentence each: for messages, and for docs/ledger.md."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from qenex.ledger.types import (
    AccountFlags,
    AccountUpdateKind,
    CreateAccountStatus,
    CreateTransferStatus,
    TransferFlags,
    UpdateAccountStatus,
)

_A: Final = CreateAccountStatus
_T: Final = CreateTransferStatus
_U: Final = UpdateAccountStatus

_CREATED = "It is done."
_LINKED_FAILED = "Another event of its chain was not created, so none of the chain is."
_CHAIN_OPEN = "The last event of the batch is linked to one that does not follow."
_IMPORTED_EXPECTED = "The first event of the batch is imported, this one is not."
_IMPORTED_NOT_EXPECTED = "The first event of the batch is not imported, this one is."
_TIMESTAMP_ZERO = "The ledger sets the timestamp; only imported events bring their own."
_TIMESTAMP_RANGE = "The timestamp of an imported event is in 1 .. 2^63-1."
_TIMESTAMP_ADVANCE = "The timestamp of an imported event is before the time of its batch."
_RESERVED_FLAG = "A flag bit without a meaning is set."
_ID_ZERO = "0 is not an id."
_ID_MAX = "2^128-1 is not an id."


def _differs(what: str, name: str) -> str:
    return f"The id is taken by {what} with a different {name}."


ACCOUNT_MEANINGS: Final[dict[CreateAccountStatus, str]] = {
    _A.created: _CREATED,
    _A.linked_event_failed: _LINKED_FAILED,
    _A.linked_event_chain_open: _CHAIN_OPEN,
    _A.imported_event_expected: _IMPORTED_EXPECTED,
    _A.imported_event_not_expected: _IMPORTED_NOT_EXPECTED,
    _A.timestamp_must_be_zero: _TIMESTAMP_ZERO,
    _A.imported_event_timestamp_out_of_range: _TIMESTAMP_RANGE,
    _A.imported_event_timestamp_must_not_advance: _TIMESTAMP_ADVANCE,
    _A.reserved_field: "`reserved` is not 0.",
    _A.reserved_flag: _RESERVED_FLAG,
    _A.id_must_not_be_zero: _ID_ZERO,
    _A.id_must_not_be_int_max: _ID_MAX,
    _A.exists_with_different_flags: "The id is taken by an account with different flags (`closed` as it is now).",
    _A.exists_with_different_user_data_128: _differs("an account", "`user_data_128`"),
    _A.exists_with_different_user_data_64: _differs("an account", "`user_data_64`"),
    _A.exists_with_different_user_data_32: _differs("an account", "`user_data_32`"),
    _A.exists_with_different_ledger: _differs("an account", "ledger"),
    _A.exists_with_different_code: _differs("an account", "code"),
    _A.exists: "The same account was created before.",
    _A.flags_are_mutually_exclusive: "At most one of the two limit flags and `overdraft` may be set.",
    _A.debits_pending_must_be_zero: "A new account has no debits pending.",
    _A.debits_posted_must_be_zero: "A new account has no debits posted.",
    _A.credits_pending_must_be_zero: "A new account has no credits pending.",
    _A.credits_posted_must_be_zero: "A new account has no credits posted.",
    _A.ledger_must_not_be_zero: "An account belongs to a ledger (an asset).",
    _A.code_must_not_be_zero: "An account has a code.",
    _A.imported_event_timestamp_must_not_regress: (
        "The timestamp is not after every other account's, or a transfer has it already."
    ),
}

TRANSFER_MEANINGS: Final[dict[CreateTransferStatus, str]] = {
    _T.created: _CREATED,
    _T.linked_event_failed: _LINKED_FAILED,
    _T.linked_event_chain_open: _CHAIN_OPEN,
    _T.imported_event_expected: _IMPORTED_EXPECTED,
    _T.imported_event_not_expected: _IMPORTED_NOT_EXPECTED,
    _T.timestamp_must_be_zero: _TIMESTAMP_ZERO,
    _T.imported_event_timestamp_out_of_range: _TIMESTAMP_RANGE,
    _T.imported_event_timestamp_must_not_advance: _TIMESTAMP_ADVANCE,
    _T.reserved_flag: _RESERVED_FLAG,
    _T.id_must_not_be_zero: _ID_ZERO,
    _T.id_must_not_be_int_max: _ID_MAX,
    _T.exists_with_different_flags: "The id is taken by a transfer with different flags.",
    _T.exists_with_different_pending_id: _differs("a transfer", "`pending_id`"),
    _T.exists_with_different_timeout: _differs("a transfer", "timeout"),
    _T.exists_with_different_debit_account_id: _differs("a transfer", "debit account"),
    _T.exists_with_different_credit_account_id: _differs("a transfer", "credit account"),
    _T.exists_with_different_amount: (
        "The id is taken by a transfer of a different amount (balancing: of more than is asked for now)."
    ),
    _T.exists_with_different_user_data_128: _differs("a transfer", "`user_data_128`"),
    _T.exists_with_different_user_data_64: _differs("a transfer", "`user_data_64`"),
    _T.exists_with_different_user_data_32: _differs("a transfer", "`user_data_32`"),
    _T.exists_with_different_ledger: _differs("a transfer", "ledger"),
    _T.exists_with_different_code: _differs("a transfer", "code"),
    _T.exists: "The same transfer was created before.",
    _T.id_already_failed: "A transfer with this id failed for a reason that may pass; try again with a new id.",
    _T.flags_are_mutually_exclusive: "A post or void has no other flag than `linked` and `imported`.",
    _T.debit_account_id_must_not_be_zero: "0 is not an account.",
    _T.debit_account_id_must_not_be_int_max: "2^128-1 is not an account.",
    _T.credit_account_id_must_not_be_zero: "0 is not an account.",
    _T.credit_account_id_must_not_be_int_max: "2^128-1 is not an account.",
    _T.accounts_must_be_different: "Debit and credit account are the same.",
    _T.pending_id_must_be_zero: "Only a post or void names a hold.",
    _T.pending_id_must_not_be_zero: "A post or void names a hold.",
    _T.pending_id_must_not_be_int_max: "2^128-1 is not a hold.",
    _T.pending_id_must_be_different: "A transfer cannot resolve itself.",
    _T.timeout_reserved_for_pending_transfer: "Only a hold has a timeout.",
    _T.closing_transfer_must_be_pending: "Only a hold can close an account, so that it can be opened again.",
    _T.ledger_must_not_be_zero: "A transfer belongs to a ledger (an asset).",
    _T.code_must_not_be_zero: "A transfer has a code.",
    _T.debit_account_not_found: "There is no such debit account.",
    _T.credit_account_not_found: "There is no such credit account.",
    _T.accounts_must_have_the_same_ledger: "The accounts hold different assets.",
    _T.transfer_must_have_the_same_ledger_as_accounts: "The transfer is in another asset than its accounts.",
    _T.pending_transfer_not_found: "There is no such hold.",
    _T.pending_transfer_not_pending: "The transfer named is not a hold.",
    _T.pending_transfer_has_different_debit_account_id: "The hold has another debit account.",
    _T.pending_transfer_has_different_credit_account_id: "The hold has another credit account.",
    _T.pending_transfer_has_different_ledger: "The hold is in another ledger.",
    _T.pending_transfer_has_different_code: "The hold has another code.",
    _T.exceeds_pending_transfer_amount: "More than was held.",
    _T.pending_transfer_has_different_amount: "A void releases all of the hold: its amount, or 0.",
    _T.pending_transfer_already_posted: "The hold was posted before.",
    _T.pending_transfer_already_voided: "The hold was voided before.",
    _T.pending_transfer_expired: "The time of the hold is over.",
    _T.imported_event_timestamp_must_not_regress: (
        "The timestamp is not after every other transfer's, or an account has it already."
    ),
    _T.imported_event_timestamp_must_postdate_debit_account: "The debit account is younger than the transfer.",
    _T.imported_event_timestamp_must_postdate_credit_account: "The credit account is younger than the transfer.",
    _T.imported_event_timeout_must_be_zero: "An imported hold cannot expire.",
    _T.debit_account_already_closed: "The debit account is closed; only voids are possible.",
    _T.credit_account_already_closed: "The credit account is closed; only voids are possible.",
    _T.debit_account_frozen: "The debits of the debit account are frozen.",
    _T.credit_account_frozen: "The credits of the credit account are frozen.",
    _T.overflows_debits_pending: "Debits pending of the debit account would exceed 2^128-1.",
    _T.overflows_credits_pending: "Credits pending of the credit account would exceed 2^128-1.",
    _T.overflows_debits_posted: "Debits posted of the debit account would exceed 2^128-1.",
    _T.overflows_credits_posted: "Credits posted of the credit account would exceed 2^128-1.",
    _T.overflows_debits: "All debits of the debit account together would exceed 2^128-1.",
    _T.overflows_credits: "All credits of the credit account together would exceed 2^128-1.",
    _T.overflows_timeout: "The hold would expire after 2^63-1 ns.",
    _T.exceeds_credits: "The debit account does not have that much.",
    _T.exceeds_debits: "The credit account cannot take that much.",
}

UPDATE_MEANINGS: Final[dict[UpdateAccountStatus, str]] = {
    _U.created: _CREATED,
    _U.timestamp_must_be_zero: "The ledger sets the timestamp.",
    _U.reserved_field: "`reserved` or `reserved2` is not 0.",
    _U.reserved_flag: _RESERVED_FLAG,
    _U.id_must_not_be_zero: _ID_ZERO,
    _U.id_must_not_be_int_max: _ID_MAX,
    _U.exists_with_different_account_id: _differs("an update", "account"),
    _U.exists_with_different_kind: _differs("an update", "kind"),
    _U.exists_with_different_value: _differs("an update", "value"),
    _U.exists_with_different_reason: _differs("an update", "reason"),
    _U.exists_with_different_user_data_128: _differs("an update", "`user_data_128`"),
    _U.exists: "The same update was applied before.",
    _U.account_id_must_not_be_zero: "0 is not an account.",
    _U.account_id_must_not_be_int_max: "2^128-1 is not an account.",
    _U.kind_invalid: "There is no such kind of update, or it is more than one.",
    _U.value_must_be_zero: "Only a new limit has a value.",
    _U.account_not_found: "There is no such account.",
    _U.account_has_no_overdraft: "Only an account with the `overdraft` flag has a limit.",
}

ACCOUNT_FLAG_MEANINGS: Final[dict[AccountFlags, str]] = {
    AccountFlags.linked: "Created together with the next account of the batch, or not at all.",
    AccountFlags.debits_must_not_exceed_credits: (
        "Debits pending + debits posted never exceed credits posted: a customer's account without overdraft."
    ),
    AccountFlags.credits_must_not_exceed_debits: "Credits pending + credits posted never exceed debits posted.",
    AccountFlags.history: "`account_balances` keeps the balances after every transfer.",
    AccountFlags.imported: "Brings its own timestamp from the past.",
    AccountFlags.closed: "Takes only voids. Set at creation, or by a closing hold until that is voided or expires.",
    AccountFlags.overdraft: (
        "Ours. Debits may exceed credits posted by a limit: `user_data_64` at first, then what `set_limit` says."
    ),
}

TRANSFER_FLAG_MEANINGS: Final[dict[TransferFlags, str]] = {
    TransferFlags.linked: "Created together with the next transfer of the batch, or not at all.",
    TransferFlags.pending: "A hold: the amount is reserved until posted, voided or expired.",
    TransferFlags.post_pending_transfer: "Posts the hold `pending_id`: all (amount 2^128-1) or a part; the rest is released.",
    TransferFlags.void_pending_transfer: "Releases the hold `pending_id`; amount 0 or the hold's.",
    TransferFlags.balancing_debit: (
        "Moves at most what the debit account has: credits posted - debits posted - debits pending, never below 0."
    ),
    TransferFlags.balancing_credit: (
        "Moves at most what the credit account can take: debits posted - credits posted - credits pending, "
        "never below 0."
    ),
    TransferFlags.closing_debit: "The hold closes its debit account.",
    TransferFlags.closing_credit: "The hold closes its credit account.",
    TransferFlags.imported: "Brings its own timestamp from the past.",
}

UPDATE_KIND_MEANINGS: Final[dict[AccountUpdateKind, str]] = {
    AccountUpdateKind.freeze_debits: "Nothing leaves the account any more: no debits, no captures of its holds.",
    AccountUpdateKind.freeze_credits: "Nothing new arrives any more: no credits, no holds for it.",
    AccountUpdateKind.unfreeze: "Ends both freezes.",
    AccountUpdateKind.set_limit: "The overdraft limit is `value` from now on.",
}


def meaning(status: IntEnum) -> str:
    """The sentence for one status of an account, a transfer or an account update."""
    if isinstance(status, CreateAccountStatus):
        return ACCOUNT_MEANINGS[status]
    if isinstance(status, CreateTransferStatus):
        return TRANSFER_MEANINGS[status]
    if isinstance(status, UpdateAccountStatus):
        return UPDATE_MEANINGS[status]
    raise TypeError(f"not a status of the ledger: {status!r}")
