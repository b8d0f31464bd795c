"""Whatever program writes, the database refuses what must never be: one row per rule, in raw SQL."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage.relational.worlds import ANNA, DAY, anna_with_an_account, opened, outcomes, payments

from qenex.storage.relational import (
    Approval,
    Booking,
    FxQuote,
    HoldRow,
    OutboxEvent,
    PaymentFile,
    PaymentState,
    Statement,
    StepBatch,
)
from qenex.storage.relational.schema import metadata


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with at least one row in every table."""
    folder = tmp_path_factory.mktemp("bank")
    with opened(folder) as store:
        account = anna_with_an_account(store)
        store.add_customer(ANNA + 1, {"name": "Gone"})
        store.erase_customer(ANNA + 1, "request")
        store.begin_file(PaymentFile(b"f" * 32, "M1", "Anna", "pain.001.001.09", ANNA, 3))
        store.archive(b"f" * 16, "body", [b"<Document/>"])
        store.finish_file(b"f" * 16, 1, 1, "report.xml")
        store.begin_payments(payments(["a", "b"], account, file_id=b"f" * 16))
        store.begin_payments(payments(["w"], account, state=PaymentState.AWAITING))
        store.apply_batches(1, outcomes(["a"], PaymentState.HELD, 1), [OutboxEvent(5, "payment.held", b"{}")])
        store.begin_steps(
            StepBatch([outcomes(["a"], PaymentState.HELD, 1).payment_ids[0]], [ANNA], ["capture"], [77], [10])
        )
        store.add_hold(HoldRow(78, ANNA, account, account + 1024, 100, "EUR", 0))
        store.set_hold(78, ANNA, "captured", 60)
        store.add_booking(Booking(79, "value_dated", DAY, DAY + 1, "agreed"))
        store.add_reversal(80, 81, "wrong account")
        store.request_approval(Approval(82, "freeze", account, "debits", "court order", "clerk"))
        store.decide_approval(82, "head", True)
        store.request_approval(Approval(83, "freeze", account, "debits", "court order", "clerk"))
        store.open_day(DAY)
        store.close_day(DAY)
        store.open_day(DAY + 1)
        assert store.add_statement(Statement(account, 1, DAY, DAY, 0, 1000, 0, 500, 2)) is None
        store.add_fx_quote(FxQuote(84, ANNA, "EUR", "USD", 11, 10, 50, 1, 2))
        store.use_fx_quote(84, ANNA, 85)
        from qenex.storage.relational import ChartLine

        store.put_chart([ChartLine("2100", "Customer deposits", "liability", "credit")])
    return folder / "bank.sqlite3"


@pytest.fixture
def database(filled: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(filled, isolation_level=None)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA recursive_triggers=ON")
    connection.execute("BEGIN")
    yield connection
    connection.execute("ROLLBACK")
    connection.close()


def refused(database: sqlite3.Connection, sql: str) -> str:
    with pytest.raises(sqlite3.IntegrityError) as found:
        database.execute(sql)
    return str(found.value)


NO_SUCH_ID = "x'000000000000000000000000000000ff'"

CHECKS = [
    ("UPDATE customers SET shard = 1024", "customers_content_is_final"),
    ("UPDATE customers SET kind = 'robot'", "customers_content_is_final"),
    (
        f"INSERT INTO customers SELECT 1024, {NO_SUCH_ID}, kind, status, 0, 1, sealed FROM customers WHERE status = 'open'",
        "customers_shard_in_range",
    ),
    (
        f"INSERT INTO customers SELECT shard, {NO_SUCH_ID}, 'robot', status, 0, 1, sealed FROM customers WHERE status = 'open'",
        "customers_kind_known",
    ),
    ("UPDATE customers SET status = 'gone' WHERE status = 'open'", "customers_status_known"),
    ("UPDATE customers SET sealed = NULL WHERE status = 'open'", "customers_erased_means_nothing_left"),
    ("UPDATE customers SET status = 'erased' WHERE status = 'open'", "customers_erased_means_nothing_left"),
    ("UPDATE customers SET key_version = 0", "customers_key_version_positive"),
    ("UPDATE customer_keys SET wrapped = NULL WHERE destroyed_ns IS NULL", "customer_keys_destroyed_means_no_key"),
    ("UPDATE customer_keys SET wrapped = x'00' WHERE wrapped IS NOT NULL", "customer_keys_wrapped_is_60_bytes"),
    ("UPDATE customer_keys SET master_version = 0", "customer_keys_version_positive"),
    (
        f"INSERT INTO customer_keys SELECT shard, {NO_SUCH_ID}, 1, 1, wrapped, 0, NULL FROM customer_keys"
        " WHERE wrapped IS NOT NULL LIMIT 1",
        "FOREIGN KEY",
    ),
    ("UPDATE accounts SET status = 'asleep'", "accounts_status_known"),
    ("UPDATE accounts SET status = 'closed'", "accounts_closed_has_a_day"),
    ("UPDATE accounts SET closed_on = 20001", "accounts_closed_has_a_day"),
    ("UPDATE accounts SET status = 'closed', closed_on = 1", "accounts_closed_after_opened"),
    (
        f"INSERT INTO accounts SELECT shard, {NO_SUCH_ID}, owner_id, 'SHORT', product, currency, ledger, chart_code,"
        " status, opened_on, closed_on FROM accounts",
        "accounts_iban_length",
    ),
    (
        f"INSERT INTO accounts SELECT shard, {NO_SUCH_ID}, {NO_SUCH_ID}, NULL, product, currency, ledger, chart_code,"
        " status, opened_on, closed_on FROM accounts",
        "FOREIGN KEY",
    ),
    (
        f"INSERT INTO accounts SELECT shard, {NO_SUCH_ID}, owner_id, NULL, product, currency, 0, chart_code,"
        " status, opened_on, closed_on FROM accounts",
        "accounts_ledger_positive",
    ),
    ("INSERT INTO ibans SELECT shard, iban, x'00' FROM ibans", "ibans_ids_are_16_bytes"),
    (f"INSERT INTO ibans SELECT shard, iban, {NO_SUCH_ID} FROM ibans", "UNIQUE"),
    (
        "INSERT INTO files SELECT shard, x'00000000000000000000000000000001', sha256, message_id, version, customer_id,"
        " transactions, state, accepted, rejected, report_path, received_ns, finished_ns FROM files",
        "files_id_starts_the_hash",
    ),
    ("UPDATE files SET accepted = 3", "files_counts_fit"),
    ("UPDATE files SET rejected = -1", "files_counts_fit"),
    ("UPDATE file_parts SET part = 'cover'", "file_parts_content_is_final"),
    (
        "INSERT INTO file_parts SELECT shard, file_id, 'cover', number, key_version, sealed FROM file_parts",
        "file_parts_part_known",
    ),
    (
        f"INSERT INTO file_parts SELECT shard, {NO_SUCH_ID}, part, number, key_version, sealed FROM file_parts",
        "FOREIGN KEY",
    ),
    ("UPDATE payments SET state = 7 WHERE state = 0", "payments_state_known"),
    ("UPDATE payments SET state = 3, end_to_end_index = NULL WHERE state = 0", "payments_rejected_has_a_reason"),
    ("UPDATE payments SET state = 3, reason = 'AM04' WHERE state = 0", "payments_rejected_frees_the_end_to_end_id"),
    ("UPDATE payments SET reason = ''", "payments_reason_length"),
    ("UPDATE payments SET sealed = x'00'", "payments_sealed_holds_a_salt"),
    ("UPDATE payments SET end_to_end_index = x'00'", "payments_end_to_end_is_16_bytes"),
    (
        "UPDATE payments SET end_to_end_index = (SELECT end_to_end_index FROM payments WHERE state = 2) WHERE state = 0",
        "UNIQUE",
    ),
    ("UPDATE payment_steps SET applied = 2", "payment_steps_applied_is_a_boolean"),
    (
        f"INSERT INTO payment_steps SELECT shard, {NO_SUCH_ID}, {NO_SUCH_ID}, step, 1, 0, 0 FROM payment_steps",
        "FOREIGN KEY",
    ),
    (f"INSERT INTO payment_steps SELECT shard, {NO_SUCH_ID}, payment_id, step, 1, 0, 0 FROM payment_steps", "UNIQUE"),
    (
        f"INSERT INTO holds SELECT shard, {NO_SUCH_ID}, customer_id, debit_account_id, credit_account_id, 0, currency, 0,"
        " 'open', 0 FROM holds",
        "holds_amount_positive",
    ),
    (
        f"INSERT INTO holds SELECT shard, {NO_SUCH_ID}, customer_id, debit_account_id, debit_account_id, 5, currency, 0,"
        " 'open', 0 FROM holds",
        "holds_accounts_differ",
    ),
    (
        f"INSERT INTO holds SELECT shard, {NO_SUCH_ID}, customer_id, debit_account_id, credit_account_id, 5, currency, 0,"
        " 'captured', 6 FROM holds",
        "holds_captured_within_amount",
    ),
    (
        f"INSERT INTO holds SELECT shard, {NO_SUCH_ID}, customer_id, debit_account_id, credit_account_id, 5, currency, 0,"
        " 'released', 5 FROM holds",
        "holds_only_captured_has_captured",
    ),
    (
        f"INSERT INTO bookings VALUES (0, {NO_SUCH_ID}, 'value_dated', 10, 9, 0, 'x', NULL, 0)",
        "bookings_back_dated_says_so",
    ),
    (
        f"INSERT INTO bookings VALUES (0, {NO_SUCH_ID}, 'value_dated', 9, 10, 1, 'x', NULL, 0)",
        "bookings_back_dated_says_so",
    ),
    (f"INSERT INTO bookings VALUES (0, {NO_SUCH_ID}, 'value_dated', 9, 10, 0, '', NULL, 0)", "bookings_reason_given"),
    (f"INSERT INTO bookings VALUES (0, {NO_SUCH_ID}, 'manual', 9, 10, 0, 'x', NULL, 0)", "bookings_manual_is_approved"),
    (f"INSERT INTO reversals VALUES (0, {NO_SUCH_ID}, {NO_SUCH_ID}, 'x', NULL, 0)", "reversals_is_another_transfer"),
    (f"INSERT INTO reversals SELECT shard, original_transfer_id, {NO_SUCH_ID}, 'x', NULL, 0 FROM reversals", "UNIQUE"),
    (
        "UPDATE approvals SET state = 'approved', decided_by = requested_by, decided_ns = 1 WHERE state = 'requested'",
        "approvals_four_eyes",
    ),
    (
        "UPDATE approvals SET state = 'approved', decided_by = 'CLERK', decided_ns = 1 WHERE state = 'requested'",
        "approvals_four_eyes",
    ),
    ("UPDATE approvals SET state = 'approved' WHERE state = 'requested'", "approvals_decided_by_somebody"),
    ("UPDATE business_dates SET state = 'closed' WHERE state = 'open'", "business_dates_closed_has_a_time"),
    ("INSERT INTO business_dates VALUES (0, 30000, 'open', 0, NULL)", "UNIQUE"),
    ("UPDATE chart_of_accounts SET name = ''", "chart_of_accounts_code_named"),
    ("INSERT INTO chart_of_accounts VALUES (0, '1', 'x', 'magic', 'debit')", "chart_of_accounts_class_known"),
    ("INSERT INTO chart_of_accounts VALUES (0, '1', 'x', 'asset', 'left')", "chart_of_accounts_side_known"),
    ("INSERT INTO chart_of_accounts VALUES (1, '1', 'x', 'asset', 'debit')", "chart_of_accounts_in_shard_0"),
    (
        f"INSERT INTO fx_quotes SELECT shard, {NO_SUCH_ID}, customer_id, 'EUR', 'EUR', 1, 1, 0, 0, 0, NULL FROM fx_quotes",
        "fx_quotes_currencies_differ",
    ),
    (
        f"INSERT INTO fx_quotes SELECT shard, {NO_SUCH_ID}, customer_id, 'EUR', 'USD', 1, 0, 0, 0, 0, NULL FROM fx_quotes",
        "fx_quotes_rate_positive",
    ),
    (
        f"INSERT INTO fx_quotes SELECT shard, {NO_SUCH_ID}, customer_id, 'EUR', 'USD', 1, 1, 0, 0, 0, used_by_transfer_id"
        " FROM fx_quotes",
        "UNIQUE",
    ),
    ("INSERT INTO settings VALUES (3, 'x', 'y')", "settings_in_shard_0"),
]

STATEMENTS = [
    # number, previous, from, to, opening, closing, entries
    ((3, 2, 1000, 2000, 500, 600, 1), "FOREIGN KEY"),
    ((2, None, 1000, 2000, 500, 600, 1), "statements_numbers_unbroken"),
    ((2, 2, 1000, 2000, 500, 600, 1), "statements_numbers_unbroken"),
    ((0, None, 1000, 2000, 500, 600, 1), "statements_numbers_unbroken"),
    ((2, 1, 1000, 2000, 499, 600, 1), "FOREIGN KEY"),
    ((2, 1, 1001, 2000, 500, 600, 1), "FOREIGN KEY"),
    ((2, 1, 1000, 999, 500, 600, 1), "statements_period_in_order"),
    ((2, 1, 1000, 2000, 500, 600, 0), "statements_no_entries_no_change"),
    ((1, None, 1000, 2000, 500, 600, 1), "UNIQUE"),
    ((2, 1, 1000, 2000, 500, 600, 1), None),
]

FOR_EVER = [
    ("UPDATE bookings SET reason = 'other'", "bookings_never_changed"),
    ("DELETE FROM bookings", "bookings_never_deleted"),
    ("UPDATE reversals SET reason = 'other'", "reversals_never_changed"),
    ("DELETE FROM reversals", "reversals_never_deleted"),
    ("UPDATE statements SET entries = 5", "statements_never_changed"),
    ("DELETE FROM statements", "statements_never_deleted"),
    ("UPDATE erasures SET reason = 'other'", "erasures_never_changed"),
    ("DELETE FROM erasures", "erasures_never_deleted"),
    ("UPDATE ibans SET iban = 'DE00000000000000000000'", "ibans_never_changed"),
    ("DELETE FROM ibans", "ibans_never_deleted"),
    ("DELETE FROM file_messages", "file_messages_never_deleted"),
    ("DELETE FROM customers", "customers_never_deleted"),
    ("DELETE FROM customer_keys", "customer_keys_never_deleted"),
    ("DELETE FROM accounts", "accounts_never_deleted"),
    ("DELETE FROM files", "files_never_deleted"),
    ("DELETE FROM file_parts", "file_parts_never_deleted"),
    ("DELETE FROM payments", "payments_never_deleted"),
    ("DELETE FROM payment_steps", "payment_steps_never_deleted"),
    ("DELETE FROM holds", "holds_never_deleted"),
    ("DELETE FROM approvals", "approvals_never_deleted"),
    ("DELETE FROM business_dates", "business_dates_never_deleted"),
    ("DELETE FROM fx_quotes", "fx_quotes_never_deleted"),
    ("DELETE FROM outbox", "outbox_unsent_never_deleted"),
    ("INSERT OR REPLACE INTO payments SELECT * FROM payments", "payments_never_deleted"),
    ("UPDATE payments SET amount_minor = 1", "payments_content_is_final"),
    ("UPDATE payments SET transfer_id = id", "payments_content_is_final"),
    ("UPDATE payments SET value_date = 1", "payments_content_is_final"),
    ("UPDATE payments SET booking_date = 1 WHERE state = 2", "payments_booking_date_is_final"),
    ("UPDATE payments SET state = 1 WHERE state = 2", "payments_state_goes_forward"),
    ("UPDATE payments SET state = 1 WHERE state = 6", "payments_state_goes_forward"),
    ("UPDATE accounts SET iban = NULL", "accounts_content_is_final"),
    ("UPDATE accounts SET owner_id = id", "accounts_content_is_final"),
    ("UPDATE holds SET amount_minor = 1", "holds_content_is_final"),
    ("UPDATE holds SET state = 'open', captured_minor = 0", "holds_end_once"),
    ("UPDATE files SET sha256 = zeroblob(32)", "files_content_is_final"),
    ("UPDATE files SET state = 'begun', finished_ns = NULL", "files_finished_stays_finished"),
    ("UPDATE approvals SET reason = 'other'", "approvals_content_is_final"),
    ("UPDATE approvals SET state = 'refused' WHERE state = 'approved'", "approvals_are_decided_once"),
    ("UPDATE approvals SET state = 'used', decided_by = 'x' WHERE state = 'approved'", "approvals_are_decided_once"),
    (
        "UPDATE business_dates SET state = 'open', closed_ns = NULL WHERE state = 'closed'",
        "business_dates_closed_stays_closed",
    ),
    ("UPDATE fx_quotes SET used_by_transfer_id = NULL", "fx_quotes_are_used_once"),
    ("UPDATE fx_quotes SET rate_numerator = 12", "fx_quotes_content_is_final"),
    ("UPDATE outbox SET payload = x'00'", "outbox_content_is_final"),
    ("UPDATE chart_of_accounts SET account_class = 'asset'", "chart_of_accounts_content_is_final"),
    ("UPDATE customers SET status = 'open', sealed = x'00' WHERE status = 'erased'", "customers_erased_stays_erased"),
    (
        "UPDATE customer_keys SET wrapped = zeroblob(60), destroyed_ns = NULL WHERE wrapped IS NULL",
        "customer_keys_destroyed_stays_destroyed",
    ),
]


@pytest.mark.parametrize(("sql", "rule"), CHECKS)
def test_a_row_that_breaks_a_rule_is_refused_by_name(database: sqlite3.Connection, sql: str, rule: str):
    assert rule in refused(database, sql)


@pytest.mark.parametrize(("sql", "rule"), FOR_EVER)
def test_history_does_not_change(database: sqlite3.Connection, sql: str, rule: str):
    assert refused(database, sql) == rule


@pytest.mark.parametrize(("values", "rule"), STATEMENTS)
def test_statements_form_a_chain_that_the_database_holds(database: sqlite3.Connection, values, rule: str | None):
    number, previous, from_ns, to_ns, opening, closing, entries = values
    sql = (
        "INSERT INTO statements (shard, account_id, number, previous_number, from_date, to_date, from_timestamp, to_timestamp,"
        " opening_minor, closing_minor, entries, created_ns)"
        " SELECT shard, account_id, ?, ?, 1, 1, ?, ?, ?, ?, ?, 0 FROM statements"
    )
    arguments = (number, previous, from_ns, to_ns, opening, closing, entries)
    if rule is None:
        database.execute(sql, arguments)
    else:
        with pytest.raises(sqlite3.IntegrityError, match=rule):
            database.execute(sql, arguments)


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_refuses_a_wrong_type_a_wrong_shard_and_a_missing_value(database: sqlite3.Connection, table):
    assert database.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] > 0, "the fixture fills every table"
    columns = [f'"{column.name}"' for column in table.columns]
    for at, column in enumerate(table.columns):
        if not column.nullable:
            chosen = [*columns[:at], "NULL", *columns[at + 1 :]]
            message = refused(
                database, f"INSERT INTO {table.name} SELECT {', '.join(chosen)} FROM {table.name} LIMIT 1"
            )
            assert f"NOT NULL constraint failed: {table.name}.{column.name}" in message
        wrong = "'text'" if "INT" in str(column.type).upper() else "1.5"
        chosen = [*columns[:at], wrong, *columns[at + 1 :]]
        if wrong == "1.5" and str(column.type).upper() == "TEXT":
            continue  # SQLite turns a number into text where text is wanted; nothing is lost.
        refused(database, f"INSERT INTO {table.name} SELECT {', '.join(chosen)} FROM {table.name} LIMIT 1")
    for shard in (-1, 1024):
        chosen = [str(shard), *columns[1:]]
        refused(database, f"INSERT INTO {table.name} SELECT {', '.join(chosen)} FROM {table.name} LIMIT 1")
