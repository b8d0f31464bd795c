"""The relational store: customers, accounts, payments, messages. SQLAlchemy Core and Alembic on SQLite; PostgreSQL later.

Importing this package imports neither SQLAlchemy nor numpy: they load with the first use of `Store`.

Rules that hold everywhere
--------------------------
* A u128 id is an `int` in Python and a 16-byte big-endian blob in the database (sorts like the number; `bytea` in
  PostgreSQL). An amount is a signed 64-bit integer of minor units. A date is days since 1970-01-01, an instant ns.
* Every table starts with `shard` = low 10 bits of the customer's id. `new_account_id(owner)` makes an account id with the
  same low bits, so a customer, the accounts and their payments live together. Keys that are not ids (IBAN, file hash) have
  the shard of their SHA-256. A payment belongs to the customer who owns the debtor account; one whose debtor is not ours
  belongs to the bank (`BANK_ID`).
* Expected failures are returned as `Refusal`; a broken database raises `StoreFault`.
* All methods may be called from any thread; writers take turns.

Public API
----------
::

    BANK_ID = 1                                            # the customer that is the bank itself; made by Store.create
    shard_of(id: int) -> int ; shard_of_key(key: bytes) -> int

    Store.create(folder, keyring, *, clock=SystemClock(), inject=no_failure) -> Store | Refusal    # STORE_EXISTS
    Store.open(folder, keyring, *, clock=SystemClock(), inject=no_failure) -> Store | Refusal      # STORE_NOT_FOUND, STORE_NEWER
            # applies migrations, then the list of erasures, before it returns
    store.close()                                          # also a context manager
    `inject(point: str) -> None` is called at the named points of POINTS and may raise (fault injection in tests)

Customers::

    store.add_customer(customer_id, details: Mapping[str, str], *, kind="natural"|"legal") -> None | Refusal  # CUSTOMER_EXISTS
    store.customer(customer_id) -> Customer | Refusal      # CUSTOMER_NOT_FOUND; .details is None once erased
    store.customers() -> list[Customer]
    store.find_customers("name"|"email"|"tax_id", value) -> list[int] # by blind index, exact after case folding
    store.rotate_customer_key(customer_id) -> int | Refusal           # new version for new records
    store.reseal_customer(customer_id) -> int | Refusal               # re-encrypts old records, destroys old versions
    store.rewrap_customer_keys() -> int                               # after keyring.add_master()
    store.rotate_master_key() -> int ; store.retire_old_master_keys() -> None   # the second makes older backups unreadable
    store.erase_customer(customer_id, reason) -> None | Refusal       # destroys the keys: list of erasures first, then the store

Accounts (status: opening -> open <-> frozen -> closed)::

    store.new_account_id(owner_id) -> int
    store.add_account(AccountRow(id, owner_id, iban, product, currency, ledger, chart_code, opened_on)) -> None | Refusal
            # status "opening"; idempotent for the same row; IBAN_TAKEN, CUSTOMER_NOT_FOUND, ACCOUNT_DIFFERS
            # AccountRow(id, owner_id, iban, product, currency, ledger, chart_code, opened_on, status="opening", closed_on=0)
    store.set_account_status(account_id, status, *, day) -> None | Refusal
    store.account(account_id) -> AccountRow | Refusal      # ACCOUNT_NOT_FOUND
    store.account_by_iban(iban_compact: str) -> AccountRow | Refusal
    store.accounts_by_iban(ibans: Collection[str]) -> dict[str, AccountRow]       # only those found
    store.accounts(owner_id=None, status=None) -> list[AccountRow]                # status "opening" = to be finished at start

Files and messages::

    store.begin_file(PaymentFile(sha256, message_id, initiating_party, version, customer_id, transactions)) -> FileStatus
            # FileStatus.NEW | .UNFINISHED (same bytes, begun before, never finished: go on, ids are derived) | .DUPLICATE
            #   (same bytes, finished) | .DUPLICATE_MESSAGE (other bytes, same party and message id).
            # The file's id is the first 16 bytes of its sha256.
    store.archive(file_id, part: "body"|"report", chunks: Iterable[bytes]) -> None     # compressed, sealed, 1 MiB parts
    store.archived(file_id, part) -> Iterator[bytes]
    store.finish_file(file_id, accepted: int, rejected: int, report_path: str) -> None
    store.file(sha256 | file_id) -> PaymentFileRow | Refusal ; store.files(state=None) -> list[PaymentFileRow]

Payments (columns; one call per batch of any size)::

    PaymentBatch(ids, kinds, customer_ids, debtor_account_ids, creditor_account_ids, transfer_ids, amounts_minor, currencies,
                 booking_dates, value_dates, states, reasons, end_to_end_ids, records, salts, file_id=None, positions=None)
            # lists of equal length; debtor/creditor account id 0 = not ours; state BEGUN, AWAITING, or REJECTED with a reason;
            # end_to_end_ids: text, "" = none; records: canonical bytes; salts: 32 bytes each
    PaymentState: BEGUN 0, POSTED 1, HELD 2, REJECTED 3, SETTLED 4, RETURNED 5, AWAITING 6
    store.find_duplicates(debtor_account_ids, end_to_end_ids) -> list[int]      # AM05: id of the earlier payment, -1 = the same
            # pair stands earlier in this batch, 0 = new. "" and "NOTPROVIDED" are never duplicates.
    store.begin_payments(batch) -> None                    # step 1. Idempotent by id.
    store.awaiting(day) -> list[PaymentRow]                # state AWAITING, value date <= day
    store.begin_awaiting(payment_ids, customer_ids, booking_date) -> None       # step 1 of these: AWAITING -> BEGUN
    store.begin_steps(StepBatch(payment_ids, customer_ids, steps, transfer_ids, amounts_minor)) -> None
            # step 1 of a later transfer of a payment: capture, release, return, second leg
    store.apply_batches(last_batch, Outcomes(payment_ids, customer_ids, states, reasons, batches,
                        step_transfer_ids=(), step_customer_ids=()), events=[OutboxEvent...]) -> None
            # step 3: states, outbox and last_applied_batch in one transaction; idempotent; last_batch never goes back
    store.last_applied_batch -> int                        # 0 = none
    store.pending_since(last_applied_batch=None) -> Pending
            # .payments: list[PaymentRow] in state BEGUN, .steps: list[StepRow] not applied, .last_applied_batch
    store.payment(payment_id, customer_id) -> PaymentRow | Refusal       # PAYMENT_NOT_FOUND
    store.payments(ids, customer_ids) -> dict ; store.payments_of_file(file_id) -> Iterator[PaymentRow]   # by position
    store.payments_by_transfer(transfer_ids, debit_account_ids, credit_account_ids=None) -> dict[int, PaymentRow]
            # for statements: by transfer id, first transfers and later steps; with credit accounts also what came in
    store.records_by_transfer(transfer_ids, debit_account_ids, credit_account_ids) -> list[bytes | None]
            # the records behind transfers at once, as store.records(store.payments_by_transfer(...)) would give them
    store.records(rows) -> list[bytes | None]              # canonical records in clear, None once erased (then parse_record)
    store.salted_records(rows) -> list[tuple[salt, record] | None]
    store.steps(payment_id, customer_id) -> list[StepRow]
    store.reset_last_applied_batch(batch)                  # only after a restore to an earlier instant

Bookkeeping::

    store.add_booking(Booking(transfer_id, kind, booking_date, value_date, reason, approval_id=0)) -> None | Refusal
    store.add_reversal(original_transfer_id, reversal_transfer_id, reason, approval_id=0) -> None | Refusal    # ALREADY_REVERSED
    store.reversal_of(transfer_id) -> int | None
    store.request_approval(Approval(id, action, subject_id, content, reason, requested_by)) -> None | Refusal
    store.decide_approval(approval_id, decided_by, approve: bool) -> None | Refusal    # FOUR_EYES, APPROVAL_DECIDED
    store.use_approval(approval_id, action, subject_id, content) -> None | Refusal     # once; APPROVAL_MISSING
    store.approvals(state=None) -> list[ApprovalRow]
    store.business_date() -> int | Refusal (NO_BUSINESS_DATE) ; store.open_day(day) ; store.close_day(day) -> None | Refusal
    store.business_dates() -> list[BusinessDate]
    store.add_statement(statement) -> None | Refusal       # STATEMENT_BREAKS_CHAIN
            # Statement(account_id, number, from_date, to_date, from_timestamp, to_timestamp, opening_minor,
            #   closing_minor, entries); timestamps are ledger time: from exclusive, to inclusive
    store.last_statement(account_id) -> Statement | None ; store.statements(account_id) -> list[Statement]
    store.put_chart(Iterable[ChartLine(code, name, account_class, normal_side)]) ; store.chart() -> list[ChartLine]
    store.add_hold(HoldRow(...)) / store.set_hold(transfer_id, customer_id, state, captured_minor=0)
    store.hold(transfer_id, customer_id=None) -> HoldRow | Refusal ; store.holds(state="open") -> list[HoldRow]
    store.add_fx_quote(FxQuote(...)) ; store.fx_quotes() -> list[FxQuote]
    store.use_fx_quote(quote_id, customer_id, transfer_id) -> FxQuote | Refusal
    store.setting(key) -> str | None ; store.put_setting(key, value)
    store.outbox(limit) -> list[OutboxEvent] ; store.mark_sent(events) -> None

Backup::

    store.backup(target: Path, progress: Callable[[int, int], None] | None = None) -> None
            # consistent while running; progress(pages done, pages in total)
    store.forget_after(last_batch, timestamp_ns, known_transfers=, known_accounts=) -> Forgotten
            # after a restore to an earlier instant: what the cut journal lost is rejected (reason RESTORED) or removed
    store.check() -> list[str]                             # problems found by SQLite's own checks
    restore_database(backup: Path, folder: Path) -> None | Refusal   # puts it in place; Store.open then re-applies the erasures
"""

from typing import TYPE_CHECKING

from qenex.storage.relational import refusals as _refusals  # noqa: F401  registers the codes of this package
from qenex.storage.relational.faults import StoreFault
from qenex.storage.relational.types import (
    BANK_ID,
    SHARDS,
    AccountRow,
    Approval,
    ApprovalRow,
    Booking,
    BusinessDate,
    ChartLine,
    Customer,
    Erasure,
    FileStatus,
    Forgotten,
    FxQuote,
    HoldRow,
    OutboxEvent,
    Outcomes,
    PaymentBatch,
    PaymentFile,
    PaymentFileRow,
    PaymentRow,
    PaymentState,
    Pending,
    Statement,
    StepBatch,
    StepRow,
    shard_of,
    shard_of_key,
)

if TYPE_CHECKING:
    from qenex.storage.relational.part import POINTS
    from qenex.storage.relational.store import Store, restore_database

_LAZY = {"POINTS": "part", "Store": "store", "restore_database": "store"}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


__all__ = [
    "BANK_ID",
    "POINTS",
    "SHARDS",
    "AccountRow",
    "Approval",
    "ApprovalRow",
    "Booking",
    "BusinessDate",
    "ChartLine",
    "Customer",
    "Erasure",
    "FileStatus",
    "Forgotten",
    "FxQuote",
    "HoldRow",
    "Outcomes",
    "OutboxEvent",
    "PaymentBatch",
    "PaymentFile",
    "PaymentFileRow",
    "PaymentRow",
    "PaymentState",
    "Pending",
    "Statement",
    "StepBatch",
    "StepRow",
    "Store",
    "StoreFault",
    "restore_database",
    "shard_of",
    "shard_of_key",
]
