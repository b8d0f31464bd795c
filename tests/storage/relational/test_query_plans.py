"""What runs at every start or for every payment is answered from an index, however large the table is."""

import re
from collections.abc import Callable

import pytest
from tests.storage.relational.worlds import ANNA, IBAN, anna_with_an_account, payment_id, payments

from qenex.storage.relational import PaymentFile, Store

QUESTIONS: dict[str, Callable[[Store, int], object]] = {
    "pending at start": lambda store, account: store.pending_since(),
    "accounts half open at start": lambda store, account: store.accounts(status="opening"),
    "files half done at start": lambda store, account: store.files("begun"),
    "awaiting their day": lambda store, account: store.awaiting(30_000),
    "duplicates": lambda store, account: store.find_duplicates([account], ["a"]),
    "by transfer": lambda store, account: store.payments_by_transfer([5], [account], [account]),
    "records by transfer": lambda store, account: store.records_by_transfer([5], [account], [account]),
    "by id": lambda store, account: store.payments([payment_id("a")], [ANNA]),
    "of a file": lambda store, account: list(store.payments_of_file(b"f" * 16)),
    "by iban": lambda store, account: store.accounts_by_iban([IBAN]),
    "accounts of an owner": lambda store, account: store.accounts(owner_id=ANNA),
    "last statement": lambda store, account: store.last_statement(account),
    "file seen before": lambda store, account: store.begin_file(PaymentFile(b"f" * 32, "M", "P", "v", ANNA, 1)),
    "events to send": lambda store, account: store.outbox(),
    "business date": lambda store, account: store.business_date(),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_table_that_grows_is_scanned(store: Store, question: str):
    account = anna_with_an_account(store)
    store.begin_payments(payments(["a"], account, file_id=b"f" * 16))
    asked: list[str] = []
    with store._database.read("open a reader"):
        pass
    for connection in (store._database._writer, *store._database._idle_readers):
        connection.set_trace_callback(asked.append)
    QUESTIONS[question](store, account)
    queries = [sql for sql in asked if sql.startswith("SELECT") and "sqlite_master" not in sql]
    assert queries
    with store._database.read("explain") as connection:
        for sql in queries:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]
            # A scan of the list of keys, or of a partial index that holds only what is still to do, does not grow.
            grows = [
                step
                for step in plan
                if step.startswith("SCAN")
                and not re.search(
                    r"SCAN (k|\d+-ROW|CONSTANT)|USING (COVERING )?INDEX (payments_begun|payments_awaiting|"
                    r"payment_steps_open|accounts_opening|files_begun|outbox_to_send)",
                    step,
                )
            ]
            assert grows == [], (sql, plan)
