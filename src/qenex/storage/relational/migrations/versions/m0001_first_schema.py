# ruff: noqa: E501
"""The first schema: customers and their keys, accounts, files, payments, bookkeeping, outbox, settings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Second line of defence on SQLite; PostgreSQL gets the same from column grants (no UPDATE or DELETE is granted there).
# No program logic relies on them, as Citus and CockroachDB have no triggers.
_NEVER_CHANGED = ("bookings", "reversals", "statements", "erasures", "ibans", "file_messages")
_NEVER_DELETED = (
    *_NEVER_CHANGED,
    "customers",
    "customer_keys",
    "accounts",
    "files",
    "file_parts",
    "payments",
    "payment_steps",
    "holds",
    "approvals",
    "business_dates",
    "fx_quotes",
)
_FINAL_COLUMNS = {
    "customers": "shard, id, kind, created_ns",
    "customer_keys": "shard, customer_id, version, created_ns",
    "accounts": "shard, id, owner_id, iban, product, currency, ledger, chart_code, opened_on",
    "files": "shard, id, sha256, message_id, version, customer_id, transactions, received_ns",
    "file_parts": "shard, file_id, part, number",
    "payments": "shard, id, customer_id, kind, debtor_account_id, creditor_account_id, transfer_id, amount_minor, currency,"
    " value_date, created_ns, file_id, position",
    "payment_steps": "shard, transfer_id, payment_id, step, amount_minor, created_ns",
    "holds": "shard, transfer_id, customer_id, debit_account_id, credit_account_id, amount_minor, currency, expires_ns",
    "approvals": "shard, id, action, subject_id, content, reason, requested_by, requested_ns",
    "business_dates": "shard, day, opened_ns",
    "fx_quotes": "shard, id, customer_id, sell, buy, rate_numerator, rate_denominator, spread_basis_points, quoted_ns,"
    " valid_until_ns",
    "chart_of_accounts": "shard, code, account_class, normal_side",
    "outbox": "shard, id, topic, payload, created_ns",
}
# table: (name, columns, when it must not happen)
_TRANSITIONS = (
    ("customers", "erased_stays_erased", "status, sealed", "OLD.status = 'erased' AND NEW.status <> 'erased'"),
    ("customer_keys", "destroyed_stays_destroyed", "wrapped", "OLD.wrapped IS NULL AND NEW.wrapped IS NOT NULL"),
    ("accounts", "closed_stays_closed", "status", "OLD.status = 'closed' AND NEW.status <> 'closed'"),
    ("files", "finished_stays_finished", "state", "OLD.state = 'finished'"),
    (
        "payments",
        "state_goes_forward",
        "state",
        "NEW.state <> OLD.state AND NOT (OLD.state = 0 OR (OLD.state = 6 AND NEW.state IN (0, 3))"
        " OR (OLD.state = 2 AND NEW.state IN (4, 5)) OR (OLD.state IN (1, 4) AND NEW.state = 5))",
    ),
    ("payments", "booking_date_is_final", "booking_date", "OLD.state <> 6"),
    ("payment_steps", "applied_stays_applied", "applied", "OLD.applied = 1 AND NEW.applied = 0"),
    ("holds", "end_once", "state, captured_minor", "OLD.state <> 'open'"),
    (
        "approvals",
        "are_decided_once",
        "state, decided_by, decided_ns",
        "NOT ((OLD.state = 'requested' AND NEW.state IN ('approved', 'refused'))"
        " OR (OLD.state = 'approved' AND NEW.state = 'used' AND NEW.decided_by = OLD.decided_by"
        " AND NEW.decided_ns = OLD.decided_ns))",
    ),
    ("business_dates", "closed_stays_closed", "state, closed_ns", "OLD.state = 'closed'"),
    ("fx_quotes", "are_used_once", "used_by_transfer_id", "OLD.used_by_transfer_id IS NOT NULL"),
)


def _triggers() -> list[str]:
    statements = []
    for table in _NEVER_CHANGED:
        statements.append(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table}_never_changed'); END"
        )
    for table in _NEVER_DELETED:
        statements.append(
            f"CREATE TRIGGER {table}_never_deleted BEFORE DELETE ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table}_never_deleted'); END"
        )
    for table, columns in _FINAL_COLUMNS.items():
        statements.append(
            f"CREATE TRIGGER {table}_content_is_final BEFORE UPDATE OF {columns} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table}_content_is_final'); END"
        )
    for table, name, columns, forbidden in _TRANSITIONS:
        statements.append(
            f"CREATE TRIGGER {table}_{name} BEFORE UPDATE OF {columns} ON {table} WHEN {forbidden}"
            f" BEGIN SELECT RAISE(ABORT, '{table}_{name}'); END"
        )
    statements.append(
        "CREATE TRIGGER outbox_unsent_never_deleted BEFORE DELETE ON outbox WHEN OLD.sent_ns IS NULL"
        " BEGIN SELECT RAISE(ABORT, 'outbox_unsent_never_deleted'); END"
    )
    return statements


def upgrade() -> None:
    """Every table, then what keeps history as it was written."""
    op.create_table(
        "approvals",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(state = 'requested') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_ns IS NULL)",
            name="approvals_decided_by_somebody",
        ),
        sa.CheckConstraint("state IN ('requested', 'approved', 'refused', 'used')", name="approvals_state_known"),
        sa.CheckConstraint(
            "decided_by IS NULL OR (length(decided_by) > 0 AND lower(decided_by) <> lower(requested_by))",
            name="approvals_four_eyes",
        ),
        sa.CheckConstraint("length(id) = 16 AND length(subject_id) = 16", name="approvals_ids_are_16_bytes"),
        sa.CheckConstraint(
            "length(reason) > 0 AND length(action) > 0 AND length(requested_by) > 0", name="approvals_reason_given"
        ),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="approvals_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "id", name="approvals_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bookings",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("transfer_id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("booking_date", sa.Integer(), nullable=False),
        sa.Column("value_date", sa.Integer(), nullable=False),
        sa.Column("back_dated", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.LargeBinary(), nullable=True),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.CheckConstraint("kind <> 'manual' OR approval_id IS NOT NULL", name="bookings_manual_is_approved"),
        sa.CheckConstraint("kind IN ('manual', 'back_dated', 'value_dated', 'correction')", name="bookings_kind_known"),
        sa.CheckConstraint(
            "back_dated = (CASE WHEN value_date < booking_date THEN 1 ELSE 0 END)", name="bookings_back_dated_says_so"
        ),
        sa.CheckConstraint("length(reason) > 0", name="bookings_reason_given"),
        sa.CheckConstraint("length(transfer_id) = 16", name="bookings_ids_are_16_bytes"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="bookings_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "transfer_id", name="bookings_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "business_dates",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("closed_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.CheckConstraint("(state = 'closed') = (closed_ns IS NOT NULL)", name="business_dates_closed_has_a_time"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="business_dates_state_known"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="business_dates_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "day", name="business_dates_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "business_dates_one_open",
        "business_dates",
        ["shard"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "chart_of_accounts",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_class", sa.Text(), nullable=False),
        sa.Column("normal_side", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "account_class IN ('asset', 'liability', 'income', 'expense', 'equity')",
            name="chart_of_accounts_class_known",
        ),
        sa.CheckConstraint("normal_side IN ('debit', 'credit')", name="chart_of_accounts_side_known"),
        sa.CheckConstraint("length(code) > 0 AND length(name) > 0", name="chart_of_accounts_code_named"),
        sa.CheckConstraint("shard = 0", name="chart_of_accounts_in_shard_0"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="chart_of_accounts_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "code", name="chart_of_accounts_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customer_index",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "length(customer_id) = 16 AND length(value_index) = 16", name="customer_index_ids_are_16_bytes"
        ),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="customer_index_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "field", "value_index", "customer_id", name="customer_index_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customers",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(status = 'erased') = (sealed IS NULL)", name="customers_erased_means_nothing_left"),
        sa.CheckConstraint("kind IN ('natural', 'legal', 'bank')", name="customers_kind_known"),
        sa.CheckConstraint("status IN ('open', 'closed', 'erased')", name="customers_status_known"),
        sa.CheckConstraint("key_version >= 1", name="customers_key_version_positive"),
        sa.CheckConstraint("length(id) = 16", name="customers_ids_are_16_bytes"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="customers_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "id", name="customers_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_messages",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("message_index", sa.LargeBinary(), nullable=False),
        sa.Column("file_id", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "length(file_id) = 16 AND length(message_index) = 16", name="file_messages_ids_are_16_bytes"
        ),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="file_messages_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "message_index", name="file_messages_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "files",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(), nullable=False),
        sa.Column("transactions", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("report_path", sa.Text(), nullable=False),
        sa.Column("received_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("finished_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.CheckConstraint("(state = 'finished') = (finished_ns IS NOT NULL)", name="files_finished_has_a_time"),
        sa.CheckConstraint("state IN ('begun', 'finished')", name="files_state_known"),
        sa.CheckConstraint(
            "accepted >= 0 AND rejected >= 0 AND accepted + rejected <= transactions", name="files_counts_fit"
        ),
        sa.CheckConstraint("length(id) = 16 AND length(customer_id) = 16", name="files_ids_are_16_bytes"),
        sa.CheckConstraint("length(sha256) = 32", name="files_sha256_is_32_bytes"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="files_shard_in_range"),
        sa.CheckConstraint("substr(sha256, 1, 16) = id", name="files_id_starts_the_hash"),
        sa.PrimaryKeyConstraint("shard", "id", name="files_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "files_begun",
        "files",
        ["shard", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'begun'"),
        postgresql_where=sa.text("state = 'begun'"),
    )
    op.create_table(
        "ibans",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("account_id", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(account_id) = 16", name="ibans_ids_are_16_bytes"),
        sa.CheckConstraint("length(iban) BETWEEN 15 AND 34", name="ibans_iban_length"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="ibans_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "iban", name="ibans_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("sent_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.CheckConstraint("length(id) = 16", name="outbox_ids_are_16_bytes"),
        sa.CheckConstraint("length(topic) > 0", name="outbox_topic_named"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="outbox_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "id", name="outbox_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "outbox_to_send",
        "outbox",
        ["shard", "created_ns", "id"],
        unique=False,
        sqlite_where=sa.text("sent_ns IS NULL"),
        postgresql_where=sa.text("sent_ns IS NULL"),
    )
    op.create_table(
        "reversals",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("original_transfer_id", sa.LargeBinary(), nullable=False),
        sa.Column("reversal_transfer_id", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.LargeBinary(), nullable=True),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "length(original_transfer_id) = 16 AND length(reversal_transfer_id) = 16", name="reversals_ids_are_16_bytes"
        ),
        sa.CheckConstraint("length(reason) > 0", name="reversals_reason_given"),
        sa.CheckConstraint("original_transfer_id <> reversal_transfer_id", name="reversals_is_another_transfer"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="reversals_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "original_transfer_id", name="reversals_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "settings",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.CheckConstraint("length(name) > 0", name="settings_named"),
        sa.CheckConstraint("shard = 0", name="settings_in_shard_0"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="settings_shard_in_range"),
        sa.PrimaryKeyConstraint("shard", "name", name="settings_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "accounts",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("owner_id", sa.LargeBinary(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("ledger", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("chart_code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Integer(), nullable=False),
        sa.Column("closed_on", sa.Integer(), nullable=True),
        sa.CheckConstraint("(status = 'closed') = (closed_on IS NOT NULL)", name="accounts_closed_has_a_day"),
        sa.CheckConstraint("status IN ('opening', 'open', 'frozen', 'closed')", name="accounts_status_known"),
        sa.CheckConstraint("closed_on IS NULL OR closed_on >= opened_on", name="accounts_closed_after_opened"),
        sa.CheckConstraint("iban IS NULL OR length(iban) BETWEEN 15 AND 34", name="accounts_iban_length"),
        sa.CheckConstraint("ledger > 0", name="accounts_ledger_positive"),
        sa.CheckConstraint("length(currency) BETWEEN 3 AND 12", name="accounts_currency_length"),
        sa.CheckConstraint("length(id) = 16 AND length(owner_id) = 16", name="accounts_ids_are_16_bytes"),
        sa.CheckConstraint("length(product) > 0", name="accounts_product_named"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="accounts_shard_in_range"),
        sa.ForeignKeyConstraint(
            ["shard", "owner_id"], ["customers.shard", "customers.id"], name="accounts_owner_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "id", name="accounts_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("accounts_by_owner", "accounts", ["shard", "owner_id"], unique=False)
    op.create_index(
        "accounts_opening",
        "accounts",
        ["shard", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'opening'"),
        postgresql_where=sa.text("status = 'opening'"),
    )
    op.create_table(
        "customer_keys",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("master_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("destroyed_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(wrapped IS NULL) = (destroyed_ns IS NOT NULL)", name="customer_keys_destroyed_means_no_key"
        ),
        sa.CheckConstraint("length(customer_id) = 16", name="customer_keys_ids_are_16_bytes"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="customer_keys_shard_in_range"),
        sa.CheckConstraint("version >= 1 AND master_version >= 1", name="customer_keys_version_positive"),
        sa.CheckConstraint("wrapped IS NULL OR length(wrapped) = 60", name="customer_keys_wrapped_is_60_bytes"),
        sa.ForeignKeyConstraint(
            ["shard", "customer_id"], ["customers.shard", "customers.id"], name="customer_keys_customer_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "customer_id", "version", name="customer_keys_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "erasures",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(), nullable=False),
        sa.Column("erased_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("length(customer_id) = 16", name="erasures_ids_are_16_bytes"),
        sa.CheckConstraint("length(reason) > 0", name="erasures_reason_given"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="erasures_shard_in_range"),
        sa.ForeignKeyConstraint(
            ["shard", "customer_id"], ["customers.shard", "customers.id"], name="erasures_customer_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "customer_id", name="erasures_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_parts",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.LargeBinary(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("part IN ('body', 'report')", name="file_parts_part_known"),
        sa.CheckConstraint("length(file_id) = 16", name="file_parts_ids_are_16_bytes"),
        sa.CheckConstraint("number >= 0", name="file_parts_number_not_negative"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="file_parts_shard_in_range"),
        sa.ForeignKeyConstraint(["shard", "file_id"], ["files.shard", "files.id"], name="file_parts_file_exists"),
        sa.PrimaryKeyConstraint("shard", "file_id", "part", "number", name="file_parts_key"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "fx_quotes",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("rate_numerator", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("rate_denominator", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("spread_basis_points", sa.Integer(), nullable=False),
        sa.Column("quoted_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("valid_until_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("used_by_transfer_id", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("length(id) = 16 AND length(customer_id) = 16", name="fx_quotes_ids_are_16_bytes"),
        sa.CheckConstraint("rate_numerator > 0 AND rate_denominator > 0", name="fx_quotes_rate_positive"),
        sa.CheckConstraint("sell <> buy", name="fx_quotes_currencies_differ"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="fx_quotes_shard_in_range"),
        sa.CheckConstraint("spread_basis_points BETWEEN 0 AND 10000", name="fx_quotes_spread_in_range"),
        sa.CheckConstraint("valid_until_ns >= quoted_ns", name="fx_quotes_valid_after_quoted"),
        sa.ForeignKeyConstraint(
            ["shard", "customer_id"], ["customers.shard", "customers.id"], name="fx_quotes_customer_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "id", name="fx_quotes_key"),
        sa.UniqueConstraint("shard", "used_by_transfer_id", name="fx_quotes_one_per_transfer"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "holds",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("transfer_id", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(), nullable=False),
        sa.Column("debit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("credit_account_id", sa.LargeBinary(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.CheckConstraint("state = 'captured' OR captured_minor = 0", name="holds_only_captured_has_captured"),
        sa.CheckConstraint("state IN ('open', 'captured', 'released', 'expired')", name="holds_state_known"),
        sa.CheckConstraint("amount_minor > 0", name="holds_amount_positive"),
        sa.CheckConstraint("captured_minor BETWEEN 0 AND amount_minor", name="holds_captured_within_amount"),
        sa.CheckConstraint("debit_account_id <> credit_account_id", name="holds_accounts_differ"),
        sa.CheckConstraint(
            "length(transfer_id) = 16 AND length(customer_id) = 16 AND length(debit_account_id) = 16 AND length(credit_account_id) = 16",
            name="holds_ids_are_16_bytes",
        ),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="holds_shard_in_range"),
        sa.ForeignKeyConstraint(
            ["shard", "customer_id"], ["customers.shard", "customers.id"], name="holds_customer_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "transfer_id", name="holds_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "payments",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("debtor_account_id", sa.LargeBinary(), nullable=True),
        sa.Column("creditor_account_id", sa.LargeBinary(), nullable=True),
        sa.Column("transfer_id", sa.LargeBinary(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("booking_date", sa.Integer(), nullable=False),
        sa.Column("value_date", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("journal_batch", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("file_id", sa.LargeBinary(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("end_to_end_index", sa.LargeBinary(), nullable=True),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "(debtor_account_id IS NULL OR length(debtor_account_id) = 16) AND (creditor_account_id IS NULL OR length(creditor_account_id) = 16)",
            name="payments_accounts_are_16_bytes",
        ),
        sa.CheckConstraint("(file_id IS NULL) = (position IS NULL)", name="payments_file_has_a_position"),
        sa.CheckConstraint("amount_minor > 0 OR (state = 3 AND amount_minor = 0)", name="payments_amount_positive"),
        sa.CheckConstraint(
            "debtor_account_id IS NULL OR creditor_account_id IS NULL OR state = 3 OR debtor_account_id <> creditor_account_id",
            name="payments_accounts_differ",
        ),
        sa.CheckConstraint(
            "end_to_end_index IS NULL OR length(end_to_end_index) = 16", name="payments_end_to_end_is_16_bytes"
        ),
        sa.CheckConstraint(
            "length(id) = 16 AND length(customer_id) = 16 AND length(transfer_id) = 16",
            name="payments_ids_are_16_bytes",
        ),
        sa.CheckConstraint("length(kind) BETWEEN 1 AND 32", name="payments_kind_named"),
        sa.CheckConstraint("length(sealed) >= 60", name="payments_sealed_holds_a_salt"),
        sa.CheckConstraint("reason IS NULL OR length(reason) BETWEEN 1 AND 35", name="payments_reason_length"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="payments_shard_in_range"),
        sa.CheckConstraint("state <> 3 OR end_to_end_index IS NULL", name="payments_rejected_frees_the_end_to_end_id"),
        sa.CheckConstraint("state <> 3 OR reason IS NOT NULL", name="payments_rejected_has_a_reason"),
        sa.CheckConstraint("state BETWEEN 0 AND 6", name="payments_state_known"),
        sa.ForeignKeyConstraint(
            ["shard", "customer_id"], ["customers.shard", "customers.id"], name="payments_customer_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "id", name="payments_key"),
        sa.UniqueConstraint("shard", "end_to_end_index", name="payments_end_to_end_once"),
        sa.UniqueConstraint("shard", "transfer_id", name="payments_transfer_once"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "payments_awaiting",
        "payments",
        ["shard", "value_date"],
        unique=False,
        sqlite_where=sa.text("state = 6"),
        postgresql_where=sa.text("state = 6"),
    )
    op.create_index(
        "payments_begun",
        "payments",
        ["shard", "id"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_index(
        "payments_of_file",
        "payments",
        ["file_id", "position"],
        unique=False,
        sqlite_where=sa.text("file_id IS NOT NULL"),
        postgresql_where=sa.text("file_id IS NOT NULL"),
    )
    op.create_table(
        "payment_steps",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("transfer_id", sa.LargeBinary(), nullable=False),
        sa.Column("payment_id", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="payment_steps_amount_not_negative"),
        sa.CheckConstraint("applied IN (0, 1)", name="payment_steps_applied_is_a_boolean"),
        sa.CheckConstraint("length(step) BETWEEN 1 AND 64", name="payment_steps_step_named"),
        sa.CheckConstraint(
            "length(transfer_id) = 16 AND length(payment_id) = 16", name="payment_steps_ids_are_16_bytes"
        ),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="payment_steps_shard_in_range"),
        sa.ForeignKeyConstraint(
            ["shard", "payment_id"], ["payments.shard", "payments.id"], name="payment_steps_payment_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "transfer_id", name="payment_steps_key"),
        sa.UniqueConstraint("shard", "payment_id", "step", name="payment_steps_once"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "payment_steps_open",
        "payment_steps",
        ["shard", "transfer_id"],
        unique=False,
        sqlite_where=sa.text("applied = 0"),
        postgresql_where=sa.text("applied = 0"),
    )
    op.create_table(
        "statements",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("previous_number", sa.Integer(), nullable=True),
        sa.Column("from_date", sa.Integer(), nullable=False),
        sa.Column("to_date", sa.Integer(), nullable=False),
        sa.Column("from_timestamp", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("to_timestamp", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("opening_minor", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("closing_minor", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("created_ns", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "CASE WHEN number = 1 THEN previous_number IS NULL ELSE number > 1 AND previous_number IS NOT NULL AND previous_number = number - 1 END",
            name="statements_numbers_unbroken",
        ),
        sa.CheckConstraint("entries > 0 OR opening_minor = closing_minor", name="statements_no_entries_no_change"),
        sa.CheckConstraint("entries >= 0", name="statements_entries_not_negative"),
        sa.CheckConstraint(
            "from_date <= to_date AND from_timestamp <= to_timestamp", name="statements_period_in_order"
        ),
        sa.CheckConstraint("length(account_id) = 16", name="statements_ids_are_16_bytes"),
        sa.CheckConstraint("shard BETWEEN 0 AND 1023", name="statements_shard_in_range"),
        sa.ForeignKeyConstraint(
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
        sa.ForeignKeyConstraint(
            ["shard", "account_id"], ["accounts.shard", "accounts.id"], name="statements_account_exists"
        ),
        sa.PrimaryKeyConstraint("shard", "account_id", "number", name="statements_key"),
        sa.UniqueConstraint(
            "shard", "account_id", "number", "closing_minor", "to_timestamp", name="statements_closing_to_continue"
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        for trigger in _triggers():
            op.execute(trigger)


def downgrade() -> None:
    """Back to an empty database; the triggers go with their tables."""
    for name in [
        "statements",
        "payment_steps",
        "payments",
        "holds",
        "fx_quotes",
        "file_parts",
        "erasures",
        "customer_keys",
        "accounts",
        "settings",
        "reversals",
        "outbox",
        "ibans",
        "files",
        "file_messages",
        "customers",
        "customer_index",
        "chart_of_accounts",
        "business_dates",
        "bookings",
        "approvals",
    ]:
        op.drop_table(name)
