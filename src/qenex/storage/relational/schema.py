"""The tables, as SQLAlchemy metadata. The migrations make them; a test proves that both say the same.

Types that SQLite (STRICT) and PostgreSQL both have: a u128 id is 16 bytes big-endian, an amount or an instant a signed 64-bit
integer, a date a number of days. Reference tables (chart, settings, business dates) live in shard 0.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.sqlite import INTEGER as SQLITE_INTEGER
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

_BIG = BigInteger().with_variant(SQLITE_INTEGER(), "sqlite")
_INT = Integer()


def _id(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


def _big(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, _BIG, nullable=nullable)


def _int(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, _INT, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _blob(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


def _table(name: str, key: Sequence[str], *items: SchemaItem, checks: dict[str, str], rowid: bool = False) -> Table:
    """A STRICT table whose keys start with the shard. rowid: rows are large, so the key is an index beside them."""
    return Table(
        name,
        metadata,
        _int("shard"),
        *items,
        PrimaryKeyConstraint("shard", *key, name=f"{name}_key"),
        CheckConstraint("shard BETWEEN 0 AND 1023", name=f"{name}_shard_in_range"),
        *(CheckConstraint(condition, name=f"{name}_{rule}") for rule, condition in checks.items()),
        sqlite_strict=True,
        sqlite_with_rowid=rowid,
    )


def _is_id(*names: str) -> str:
    return " AND ".join(f"length({name}) = 16" for name in names)


customers = _table(
    "customers",
    ["id"],
    _id("id"),
    _text("kind"),
    _text("status"),
    _big("created_ns"),
    _int("key_version"),
    _blob("sealed", nullable=True),
    checks={
        "ids_are_16_bytes": _is_id("id"),
        "kind_known": "kind IN ('natural', 'legal', 'bank')",
        "status_known": "status IN ('open', 'closed', 'erased')",
        "erased_means_nothing_left": "(status = 'erased') = (sealed IS NULL)",
        "key_version_positive": "key_version >= 1",
    },
)

customer_index = _table(
    "customer_index",
    ["field", "value_index", "customer_id"],
    _text("field"),
    _blob("value_index"),
    _id("customer_id"),
    checks={"ids_are_16_bytes": _is_id("customer_id", "value_index")},
)

customer_keys = _table(
    "customer_keys",
    ["customer_id", "version"],
    _id("customer_id"),
    _int("version"),
    _int("master_version"),
    _blob("wrapped", nullable=True),
    _big("created_ns"),
    _big("destroyed_ns", nullable=True),
    ForeignKeyConstraint(
        ["shard", "customer_id"], ["customers.shard", "customers.id"], name="customer_keys_customer_exists"
    ),
    checks={
        "ids_are_16_bytes": _is_id("customer_id"),
        "version_positive": "version >= 1 AND master_version >= 1",
        "destroyed_means_no_key": "(wrapped IS NULL) = (destroyed_ns IS NOT NULL)",
        "wrapped_is_60_bytes": "wrapped IS NULL OR length(wrapped) = 60",
    },
)

accounts = _table(
    "accounts",
    ["id"],
    _id("id"),
    _id("owner_id"),
    _text("iban", nullable=True),
    _text("product"),
    _text("currency"),
    _big("ledger"),
    _text("chart_code"),
    _text("status"),
    _int("opened_on"),
    _int("closed_on", nullable=True),
    ForeignKeyConstraint(["shard", "owner_id"], ["customers.shard", "customers.id"], name="accounts_owner_exists"),
    checks={
        "ids_are_16_bytes": _is_id("id", "owner_id"),
        "iban_length": "iban IS NULL OR length(iban) BETWEEN 15 AND 34",
        "currency_length": "length(currency) BETWEEN 3 AND 12",
        "ledger_positive": "ledger > 0",
        "product_named": "length(product) > 0",
        "status_known": "status IN ('opening', 'open', 'frozen', 'closed')",
        "closed_has_a_day": "(status = 'closed') = (closed_on IS NOT NULL)",
        "closed_after_opened": "closed_on IS NULL OR closed_on >= opened_on",
    },
)
Index("accounts_by_owner", accounts.c.shard, accounts.c.owner_id)
Index(
    "accounts_opening",
    accounts.c.shard,
    accounts.c.id,
    sqlite_where=text("status = 'opening'"),
    postgresql_where=text("status = 'opening'"),
)

ibans = _table(
    "ibans",
    ["iban"],
    _text("iban"),
    _id("account_id"),
    checks={"ids_are_16_bytes": _is_id("account_id"), "iban_length": "length(iban) BETWEEN 15 AND 34"},
)

files = _table(
    "files",
    ["id"],
    _id("id"),
    _blob("sha256"),
    _text("message_id"),
    _text("version"),
    _id("customer_id"),
    _int("transactions"),
    _text("state"),
    _int("accepted"),
    _int("rejected"),
    _text("report_path"),
    _big("received_ns"),
    _big("finished_ns", nullable=True),
    checks={
        "ids_are_16_bytes": _is_id("id", "customer_id"),
        "sha256_is_32_bytes": "length(sha256) = 32",
        "id_starts_the_hash": "substr(sha256, 1, 16) = id",
        "state_known": "state IN ('begun', 'finished')",
        "finished_has_a_time": "(state = 'finished') = (finished_ns IS NOT NULL)",
        "counts_fit": "accepted >= 0 AND rejected >= 0 AND accepted + rejected <= transactions",
    },
)

Index(
    "files_begun",
    files.c.shard,
    files.c.id,
    sqlite_where=text("state = 'begun'"),
    postgresql_where=text("state = 'begun'"),
)

file_messages = _table(
    "file_messages",
    ["message_index"],
    _blob("message_index"),
    _id("file_id"),
    checks={"ids_are_16_bytes": _is_id("file_id", "message_index")},
)

file_parts = _table(
    "file_parts",
    ["file_id", "part", "number"],
    _id("file_id"),
    _text("part"),
    _int("number"),
    _int("key_version"),
    _blob("sealed"),
    ForeignKeyConstraint(["shard", "file_id"], ["files.shard", "files.id"], name="file_parts_file_exists"),
    checks={
        "ids_are_16_bytes": _is_id("file_id"),
        "part_known": "part IN ('body', 'report')",
        "number_not_negative": "number >= 0",
    },
    rowid=True,
)

payments = _table(
    "payments",
    ["id"],
    _id("id"),
    _id("customer_id"),
    _text("kind"),
    _int("state"),
    _id("debtor_account_id", nullable=True),
    _id("creditor_account_id", nullable=True),
    _id("transfer_id"),
    _big("amount_minor"),
    _text("currency"),
    _int("booking_date"),
    _int("value_date"),
    _text("reason", nullable=True),
    _big("journal_batch"),
    _big("created_ns"),
    _id("file_id", nullable=True),
    _int("position", nullable=True),
    _blob("end_to_end_index", nullable=True),
    _int("key_version"),
    _blob("sealed"),
    ForeignKeyConstraint(
        ["shard", "customer_id"], ["customers.shard", "customers.id"], name="payments_customer_exists"
    ),
    UniqueConstraint("shard", "transfer_id", name="payments_transfer_once"),
    UniqueConstraint("shard", "end_to_end_index", name="payments_end_to_end_once"),
    checks={
        "ids_are_16_bytes": _is_id("id", "customer_id", "transfer_id"),
        "accounts_are_16_bytes": "(debtor_account_id IS NULL OR length(debtor_account_id) = 16)"
        " AND (creditor_account_id IS NULL OR length(creditor_account_id) = 16)",
        "accounts_differ": "debtor_account_id IS NULL OR creditor_account_id IS NULL OR state = 3"
        " OR debtor_account_id <> creditor_account_id",
        "kind_named": "length(kind) BETWEEN 1 AND 32",
        "state_known": "state BETWEEN 0 AND 6",
        "amount_positive": "amount_minor > 0 OR (state = 3 AND amount_minor = 0)",
        "rejected_has_a_reason": "state <> 3 OR reason IS NOT NULL",
        "reason_length": "reason IS NULL OR length(reason) BETWEEN 1 AND 35",
        "file_has_a_position": "(file_id IS NULL) = (position IS NULL)",
        "end_to_end_is_16_bytes": "end_to_end_index IS NULL OR length(end_to_end_index) = 16",
        "rejected_frees_the_end_to_end_id": "state <> 3 OR end_to_end_index IS NULL",
        "sealed_holds_a_salt": "length(sealed) >= 60",
    },
    rowid=True,
)
Index(
    "payments_begun",
    payments.c.shard,
    payments.c.id,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)
Index(
    "payments_awaiting",
    payments.c.shard,
    payments.c.value_date,
    sqlite_where=text("state = 6"),
    postgresql_where=text("state = 6"),
)
Index(
    "payments_of_file",
    payments.c.file_id,
    payments.c.position,
    sqlite_where=text("file_id IS NOT NULL"),
    postgresql_where=text("file_id IS NOT NULL"),
)

payment_steps = _table(
    "payment_steps",
    ["transfer_id"],
    _id("transfer_id"),
    _id("payment_id"),
    _text("step"),
    _big("amount_minor"),
    _int("applied"),
    _big("created_ns"),
    ForeignKeyConstraint(
        ["shard", "payment_id"], ["payments.shard", "payments.id"], name="payment_steps_payment_exists"
    ),
    UniqueConstraint("shard", "payment_id", "step", name="payment_steps_once"),
    checks={
        "ids_are_16_bytes": _is_id("transfer_id", "payment_id"),
        "step_named": "length(step) BETWEEN 1 AND 64",
        "amount_not_negative": "amount_minor >= 0",
        "applied_is_a_boolean": "applied IN (0, 1)",
    },
)
Index(
    "payment_steps_open",
    payment_steps.c.shard,
    payment_steps.c.transfer_id,
    sqlite_where=text("applied = 0"),
    postgresql_where=text("applied = 0"),
)

holds = _table(
    "holds",
    ["transfer_id"],
    _id("transfer_id"),
    _id("customer_id"),
    _id("debit_account_id"),
    _id("credit_account_id"),
    _big("amount_minor"),
    _text("currency"),
    _big("expires_ns"),
    _text("state"),
    _big("captured_minor"),
    ForeignKeyConstraint(["shard", "customer_id"], ["customers.shard", "customers.id"], name="holds_customer_exists"),
    checks={
        "ids_are_16_bytes": _is_id("transfer_id", "customer_id", "debit_account_id", "credit_account_id"),
        "accounts_differ": "debit_account_id <> credit_account_id",
        "amount_positive": "amount_minor > 0",
        "state_known": "state IN ('open', 'captured', 'released', 'expired')",
        "captured_within_amount": "captured_minor BETWEEN 0 AND amount_minor",
        "only_captured_has_captured": "state = 'captured' OR captured_minor = 0",
    },
)

bookings = _table(
    "bookings",
    ["transfer_id"],
    _id("transfer_id"),
    _text("kind"),
    _int("booking_date"),
    _int("value_date"),
    _int("back_dated"),
    _text("reason"),
    _id("approval_id", nullable=True),
    _big("created_ns"),
    checks={
        "ids_are_16_bytes": _is_id("transfer_id"),
        "kind_known": "kind IN ('manual', 'back_dated', 'value_dated', 'correction')",
        "back_dated_says_so": "back_dated = (CASE WHEN value_date < booking_date THEN 1 ELSE 0 END)",
        "reason_given": "length(reason) > 0",
        "manual_is_approved": "kind <> 'manual' OR approval_id IS NOT NULL",
    },
)

reversals = _table(
    "reversals",
    ["original_transfer_id"],
    _id("original_transfer_id"),
    _id("reversal_transfer_id"),
    _text("reason"),
    _id("approval_id", nullable=True),
    _big("created_ns"),
    checks={
        "ids_are_16_bytes": _is_id("original_transfer_id", "reversal_transfer_id"),
        "is_another_transfer": "original_transfer_id <> reversal_transfer_id",
        "reason_given": "length(reason) > 0",
    },
)

approvals = _table(
    "approvals",
    ["id"],
    _id("id"),
    _text("action"),
    _id("subject_id"),
    _text("content"),
    _text("reason"),
    _text("requested_by"),
    _big("requested_ns"),
    _text("state"),
    _text("decided_by", nullable=True),
    _big("decided_ns", nullable=True),
    checks={
        "ids_are_16_bytes": _is_id("id", "subject_id"),
        "reason_given": "length(reason) > 0 AND length(action) > 0 AND length(requested_by) > 0",
        "state_known": "state IN ('requested', 'approved', 'refused', 'used')",
        "decided_by_somebody": "(state = 'requested') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_ns IS NULL)",
        "four_eyes": "decided_by IS NULL OR (length(decided_by) > 0 AND lower(decided_by) <> lower(requested_by))",
    },
)

business_dates = _table(
    "business_dates",
    ["day"],
    _int("day"),
    _text("state"),
    _big("opened_ns"),
    _big("closed_ns", nullable=True),
    checks={
        "state_known": "state IN ('open', 'closed')",
        "closed_has_a_time": "(state = 'closed') = (closed_ns IS NOT NULL)",
    },
)
Index(
    "business_dates_one_open",
    business_dates.c.shard,
    unique=True,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

statements = _table(
    "statements",
    ["account_id", "number"],
    _id("account_id"),
    _int("number"),
    _int("previous_number", nullable=True),
    _int("from_date"),
    _int("to_date"),
    _big("from_timestamp"),
    _big("to_timestamp"),
    _big("opening_minor"),
    _big("closing_minor"),
    _int("entries"),
    _big("created_ns"),
    ForeignKeyConstraint(["shard", "account_id"], ["accounts.shard", "accounts.id"], name="statements_account_exists"),
    UniqueConstraint(
        "shard", "account_id", "number", "closing_minor", "to_timestamp", name="statements_closing_to_continue"
    ),
    # The chain of statements as a plain foreign key: the opening is the closing of the one before, without a gap in time.
    ForeignKeyConstraint(
        ["shard", "account_id", "previous_number", "opening_minor", "from_timestamp"],
        [
            "statements.shard",
            "statements.account_id",
            "statements.number",
            "statements.closing_minor",
            "statements.to_timestamp",
        ],
        name="statements_opening_is_previous_closing",
    ),
    checks={
        "ids_are_16_bytes": _is_id("account_id"),
        "numbers_unbroken": "CASE WHEN number = 1 THEN previous_number IS NULL"
        " ELSE number > 1 AND previous_number IS NOT NULL AND previous_number = number - 1 END",
        "period_in_order": "from_date <= to_date AND from_timestamp <= to_timestamp",
        "entries_not_negative": "entries >= 0",
        "no_entries_no_change": "entries > 0 OR opening_minor = closing_minor",
    },
)

chart_of_accounts = _table(
    "chart_of_accounts",
    ["code"],
    _text("code"),
    _text("name"),
    _text("account_class"),
    _text("normal_side"),
    checks={
        "code_named": "length(code) > 0 AND length(name) > 0",
        "class_known": "account_class IN ('asset', 'liability', 'income', 'expense', 'equity')",
        "side_known": "normal_side IN ('debit', 'credit')",
        "in_shard_0": "shard = 0",
    },
)

fx_quotes = _table(
    "fx_quotes",
    ["id"],
    _id("id"),
    _id("customer_id"),
    _text("sell"),
    _text("buy"),
    _big("rate_numerator"),
    _big("rate_denominator"),
    _int("spread_basis_points"),
    _big("quoted_ns"),
    _big("valid_until_ns"),
    _id("used_by_transfer_id", nullable=True),
    ForeignKeyConstraint(
        ["shard", "customer_id"], ["customers.shard", "customers.id"], name="fx_quotes_customer_exists"
    ),
    UniqueConstraint("shard", "used_by_transfer_id", name="fx_quotes_one_per_transfer"),
    checks={
        "ids_are_16_bytes": _is_id("id", "customer_id"),
        "currencies_differ": "sell <> buy",
        "rate_positive": "rate_numerator > 0 AND rate_denominator > 0",
        "spread_in_range": "spread_basis_points BETWEEN 0 AND 10000",
        "valid_after_quoted": "valid_until_ns >= quoted_ns",
    },
)

outbox = _table(
    "outbox",
    ["id"],
    _id("id"),
    _text("topic"),
    _blob("payload"),
    _big("created_ns"),
    _big("sent_ns", nullable=True),
    checks={"ids_are_16_bytes": _is_id("id"), "topic_named": "length(topic) > 0"},
)
Index(
    "outbox_to_send",
    outbox.c.shard,
    outbox.c.created_ns,
    outbox.c.id,
    sqlite_where=text("sent_ns IS NULL"),
    postgresql_where=text("sent_ns IS NULL"),
)

erasures = _table(
    "erasures",
    ["customer_id"],
    _id("customer_id"),
    _big("erased_ns"),
    _text("reason"),
    ForeignKeyConstraint(
        ["shard", "customer_id"], ["customers.shard", "customers.id"], name="erasures_customer_exists"
    ),
    checks={"ids_are_16_bytes": _is_id("customer_id"), "reason_given": "length(reason) > 0"},
)

settings = _table(
    "settings",
    ["name"],
    _text("name"),
    _text("value"),
    checks={"in_shard_0": "shard = 0", "named": "length(name) > 0"},
)
