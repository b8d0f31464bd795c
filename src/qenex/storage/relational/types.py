"""What goes into the relational store and comes out of it: frozen rows and column batches, standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from hashlib import sha256
from typing import NamedTuple

#: The customer that is the bank itself: owner of internal accounts and of payments whose debtor is not ours.
BANK_ID = 1

#: Logical shards; `shard` is the first column of every key. Source of the rule: docs/decisions/0032-shard-key-in-every-table.md
SHARDS = 1024


def shard_of(identifier: int) -> int:
    """The shard of a u128 id: its low 10 bits."""
    return identifier & (SHARDS - 1)


def shard_of_key(key: bytes) -> int:
    """The shard of a key that is no id (an IBAN, a blind index): from its SHA-256."""
    return int.from_bytes(sha256(key).digest()[:2], "big") & (SHARDS - 1)


@dataclass(frozen=True, slots=True)
class Customer:
    """details: personal data in clear, None once erased. status: open | closed | erased."""

    id: int
    kind: str
    status: str
    created_ns: int
    details: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """iban: compact, "" for internal accounts. ledger: asset number. opened_on, closed_on: days since 1970-01-01, 0 = not."""

    id: int
    owner_id: int
    iban: str
    product: str
    currency: str
    ledger: int
    chart_code: str
    opened_on: int
    status: str = "opening"
    closed_on: int = 0


class PaymentState(IntEnum):
    """Where a payment stands. BEGUN and AWAITING are not final; HELD becomes SETTLED or RETURNED."""

    BEGUN = 0
    POSTED = 1
    HELD = 2
    REJECTED = 3
    SETTLED = 4
    RETURNED = 5
    AWAITING = 6


@dataclass(frozen=True, slots=True)
class PaymentBatch:
    """New payments in columns of equal length. Account id 0 = not ours; end-to-end id "" = none; reason "" = none.

    records: canonical records; salts: 32 bytes each, as `commit_records` made them; both are sealed with the key of the
    payment's customer. A payment that is refused at once has state REJECTED and a reason, and may have any amount >= 0.
    """

    ids: Sequence[int]
    kinds: Sequence[str]
    customer_ids: Sequence[int]
    debtor_account_ids: Sequence[int]
    creditor_account_ids: Sequence[int]
    transfer_ids: Sequence[int]
    amounts_minor: Sequence[int]
    currencies: Sequence[str]
    booking_dates: Sequence[int]
    value_dates: Sequence[int]
    states: Sequence[int]
    reasons: Sequence[str]
    end_to_end_ids: Sequence[str]
    records: Sequence[bytes]
    salts: Sequence[bytes]
    file_id: bytes | None = None
    positions: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Later transfers of payments (capture, release, return, second leg), in columns of equal length."""

    payment_ids: Sequence[int]
    customer_ids: Sequence[int]
    steps: Sequence[str]
    transfer_ids: Sequence[int]
    amounts_minor: Sequence[int]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the ledger decided, in columns. batches: number of the journal batch, 0 = decided without one.

    step_transfer_ids: steps that are applied now; step_customer_ids: the customers of their payments.
    """

    payment_ids: Sequence[int]
    customer_ids: Sequence[int]
    states: Sequence[int]
    reasons: Sequence[str]
    batches: Sequence[int]
    step_transfer_ids: Sequence[int] = ()
    step_customer_ids: Sequence[int] = ()


class PaymentRow(NamedTuple):
    """A payment as stored. `sealed` opens with `Store.records`; file_id b"" and position -1 = not from a file.

    A named tuple: a statement makes 100,000 of them, and a frozen dataclass of 18 fields takes four times as long to make.
    """

    id: int
    customer_id: int
    kind: str
    state: PaymentState
    debtor_account_id: int
    creditor_account_id: int
    transfer_id: int
    amount_minor: int
    currency: str
    booking_date: int
    value_date: int
    reason: str
    journal_batch: int
    created_ns: int
    file_id: bytes
    position: int
    key_version: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class StepRow:
    """A later transfer of a payment."""

    transfer_id: int
    payment_id: int
    customer_id: int
    step: str
    amount_minor: int
    applied: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """What step 1 recorded and step 3 has not: to be decided from the journal's batches after `last_applied_batch`."""

    last_applied_batch: int
    payments: list[PaymentRow]
    steps: list[StepRow]


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """Something to tell the world, at least once. The id makes it one event however often it is stored."""

    id: int
    topic: str
    payload: bytes
    created_ns: int = 0


class FileStatus(Enum):
    """What `begin_file` found."""

    NEW = "new"
    UNFINISHED = "unfinished"
    DUPLICATE = "duplicate"
    DUPLICATE_MESSAGE = "duplicate message"


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A file that came in. Its id is the first 16 bytes of its SHA-256."""

    sha256: bytes
    message_id: str
    initiating_party: str
    version: str
    customer_id: int
    transactions: int

    @property
    def id(self) -> bytes:
        return self.sha256[:16]


@dataclass(frozen=True, slots=True)
class PaymentFileRow:
    """A file as stored. state: begun | finished."""

    id: bytes
    sha256: bytes
    message_id: str
    version: str
    customer_id: int
    transactions: int
    state: str
    accepted: int
    rejected: int
    report_path: str
    received_ns: int
    finished_ns: int


@dataclass(frozen=True, slots=True)
class Booking:
    """What a transfer means to the bookkeeper. kind: manual | back_dated | value_dated | correction."""

    transfer_id: int
    kind: str
    booking_date: int
    value_date: int
    reason: str
    approval_id: int = 0

    @property
    def is_back_dated(self) -> bool:
        return self.value_date < self.booking_date


@dataclass(frozen=True, slots=True)
class Approval:
    """A request that a second person must decide. content: what exactly is to be done, as text both persons saw."""

    id: int
    action: str
    subject_id: int
    content: str
    reason: str
    requested_by: str


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """state: requested | approved | refused | used."""

    id: int
    action: str
    subject_id: int
    content: str
    reason: str
    requested_by: str
    requested_ns: int
    state: str
    decided_by: str
    decided_ns: int


@dataclass(frozen=True, slots=True)
class BusinessDate:
    """A business day. state: open | closed."""

    day: int
    state: str
    opened_ns: int
    closed_ns: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A numbered statement: entries with from_timestamp < timestamp <= to_timestamp, in ledger time."""

    account_id: int
    number: int
    from_date: int
    to_date: int
    from_timestamp: int
    to_timestamp: int
    opening_minor: int
    closing_minor: int
    entries: int


@dataclass(frozen=True, slots=True)
class ChartLine:
    """account_class: asset | liability | income | expense | equity; normal_side: debit | credit."""

    code: str
    name: str
    account_class: str
    normal_side: str


@dataclass(frozen=True, slots=True)
class HoldRow:
    """state: open | captured | released | expired. expires_ns: 0 = never."""

    transfer_id: int
    customer_id: int
    debit_account_id: int
    credit_account_id: int
    amount_minor: int
    currency: str
    expires_ns: int
    state: str = "open"
    captured_minor: int = 0


@dataclass(frozen=True, slots=True)
class FxQuote:
    """One unit of `sell` buys rate_numerator / rate_denominator of `buy`, both in major units, spread included."""

    id: int
    customer_id: int
    sell: str
    buy: str
    rate_numerator: int
    rate_denominator: int
    spread_basis_points: int
    quoted_ns: int
    valid_until_ns: int
    used_by_transfer_id: int = 0


@dataclass(frozen=True, slots=True)
class Erasure:
    """One line of the list of erasures."""

    customer_id: int
    erased_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows a restore to an earlier instant changed or removed."""

    payments: int
    steps: int
    holds: int
    bookings: int
    statements: int
    accounts: int
