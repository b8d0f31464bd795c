"""Accounts: which IBAN is which ledger account, whose it is, and where it stands."""

import os
from collections.abc import Collection
from sqlite3 import Connection

from qenex.storage.relational.database import Row, select_many
from qenex.storage.relational.part import StorePart, blob, number
from qenex.storage.relational.refusals import (
    ACCOUNT_DIFFERS,
    ACCOUNT_NOT_FOUND,
    ACCOUNT_STATUS_FINAL,
    CUSTOMER_ERASED,
    CUSTOMER_NOT_FOUND,
    IBAN_TAKEN,
)
from qenex.storage.relational.types import SHARDS, AccountRow, shard_of, shard_of_key
from qenex.values import ID_MAX, Refusal, invariant, refuse

_COLUMNS = "id, owner_id, iban, product, currency, ledger, chart_code, opened_on, status, closed_on"

_BY_ID = f"SELECT {_COLUMNS} FROM (VALUES {{keys}}) AS k JOIN accounts a ON a.shard = k.column1 AND a.id = k.column2"

#: What an account may become; opening -> open is step 3 of making it.
_NEXT = {
    "opening": ("open", "closed"),
    "open": ("frozen", "closed"),
    "frozen": ("open", "closed"),
    "closed": (),
}


def _account(row: Row) -> AccountRow:
    identifier, owner, iban, product, currency, ledger, chart_code, opened_on, status, closed_on = row
    return AccountRow(
        number(identifier),
        number(owner),
        iban or "",
        product,
        currency,
        ledger,
        chart_code,
        opened_on,
        status,
        closed_on or 0,
    )


def _iban_shard(iban: str) -> int:
    return shard_of_key(iban.encode("ascii"))


class Accounts(StorePart):
    """The part of `Store` about accounts."""

    def new_account_id(self, owner_id: int) -> int:
        """48 bits of milliseconds, 70 random bits, and the owner's shard, so that both live in one place."""
        milliseconds = self._clock.now_ns() // 1_000_000 & (2**48 - 1)
        random = int.from_bytes(os.urandom(9), "big") & (2**70 - 1)
        identifier = milliseconds << 80 | random << 10 | owner_id & (SHARDS - 1)
        return min(max(identifier, 1), ID_MAX)

    def add_account(self, account: AccountRow) -> None | Refusal:
        """Step 1 of opening: the row, with its IBAN reserved. The same row again is harmless."""
        invariant(0 < account.id <= ID_MAX, "an account id is in 1..2^128-2")
        invariant(shard_of(account.id) == shard_of(account.owner_id), "an account lives in the shard of its owner")
        shard, identifier = shard_of(account.id), blob(account.id)
        with self._database.write("add an account") as connection:
            existing = self._read_account(connection, account.id)
            if existing is not None:
                mine, theirs = _what_is_fixed(account), _what_is_fixed(existing)
                return None if mine == theirs else refuse(ACCOUNT_DIFFERS, account=account.id)
            owner = connection.execute(
                "SELECT status FROM customers WHERE shard = ? AND id = ?", (shard, blob(account.owner_id))
            ).fetchone()
            if owner is None:
                return refuse(CUSTOMER_NOT_FOUND, customer_id=account.owner_id)
            if owner[0] == "erased":
                return refuse(CUSTOMER_ERASED, customer_id=account.owner_id)
            if account.iban:
                taken = connection.execute(
                    "INSERT INTO ibans (shard, iban, account_id) VALUES (?, ?, ?) ON CONFLICT (shard, iban) DO NOTHING",
                    (_iban_shard(account.iban), account.iban, identifier),
                )
                if taken.rowcount == 0:
                    return refuse(IBAN_TAKEN, iban=account.iban)
            connection.execute(
                f"INSERT INTO accounts (shard, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    shard,
                    identifier,
                    blob(account.owner_id),
                    account.iban or None,
                    account.product,
                    account.currency,
                    account.ledger,
                    account.chart_code,
                    account.opened_on,
                    account.status,
                    account.closed_on or None,
                ),
            )
        return None

    def set_account_status(self, account_id: int, status: str, *, day: int) -> None | Refusal:
        """opening -> open -> frozen -> open -> closed. The ledger decides what an account may do; this is what people see."""
        with self._database.write("set an account's status") as connection:
            account = self._read_account(connection, account_id)
            if account is None:
                return refuse(ACCOUNT_NOT_FOUND, account=account_id)
            if account.status == status:
                return None
            if status not in _NEXT[account.status]:
                return refuse(ACCOUNT_STATUS_FINAL, account=account_id, status=account.status, wanted=status)
            connection.execute(
                "UPDATE accounts SET status = ?, closed_on = ? WHERE shard = ? AND id = ?",
                (status, day if status == "closed" else None, shard_of(account_id), blob(account_id)),
            )
        return None

    def account(self, account_id: int) -> AccountRow | Refusal:
        """One account by its ledger id."""
        with self._database.read("read an account") as connection:
            return self._read_account(connection, account_id) or refuse(ACCOUNT_NOT_FOUND, account=account_id)

    def account_by_iban(self, iban: str) -> AccountRow | Refusal:
        """One account by its IBAN in compact form."""
        return self.accounts_by_iban([iban]).get(iban) or refuse(ACCOUNT_NOT_FOUND, account=iban)

    def accounts_by_iban(self, ibans: Collection[str]) -> dict[str, AccountRow]:
        """Those of the IBANs (compact form) that are ours, whatever their status."""
        wanted = sorted({iban for iban in ibans if iban.isascii()})
        with self._database.read("look up accounts by IBAN") as connection:
            ids = [
                (shard_of(number(account_id)), account_id)
                for (account_id,) in select_many(
                    connection,
                    "SELECT i.account_id FROM (VALUES {keys}) AS k JOIN ibans i ON i.shard = k.column1 AND i.iban = k.column2",
                    [(_iban_shard(iban), iban) for iban in wanted],
                )
            ]
            rows = select_many(connection, _BY_ID, ids)
            return {account.iban: account for account in map(_account, rows)}

    def accounts_by_id(self, account_ids: Collection[int]) -> dict[int, AccountRow]:
        """Those of the ledger account ids that have a row here."""
        with self._database.read("look up accounts") as connection:
            keys = [(shard_of(account_id), blob(account_id)) for account_id in sorted(set(account_ids))]
            rows = select_many(connection, _BY_ID, keys)
            return {account.id: account for account in map(_account, rows)}

    def accounts(self, owner_id: int | None = None, status: str | None = None) -> list[AccountRow]:
        """Accounts in order of id. Those "opening" at start were cut short: make them in the ledger again."""
        conditions, values = ["1 = 1"], []
        if owner_id is not None:
            conditions.append("shard = ? AND owner_id = ?")
            values += [shard_of(owner_id), blob(owner_id)]
        if status is not None:
            invariant(status in _NEXT, "an account's status is opening, open, frozen or closed")
            conditions.append(
                f"status = '{status}'"
            )  # As a literal: a partial index does not know what a parameter holds.
        with self._database.read("list accounts") as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM accounts WHERE {' AND '.join(conditions)} ORDER BY id", tuple(values)
            ).fetchall()
        return [_account(tuple(row)) for row in rows]

    def _read_account(self, connection: Connection, account_id: int) -> AccountRow | None:
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM accounts WHERE shard = ? AND id = ?", (shard_of(account_id), blob(account_id))
        ).fetchone()
        return None if row is None else _account(tuple(row))


def _what_is_fixed(account: AccountRow) -> Row:
    return (
        account.owner_id,
        account.iban,
        account.product,
        account.currency,
        account.ledger,
        account.chart_code,
        account.opened_on,
    )
