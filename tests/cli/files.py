"""Payment files for tests."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime

from qenex.rails import TransferColumns, TransferOrder, write_pain001

Row = tuple[str, str, int, str]
"""end-to-end id, creditor IBAN, amount in minor units, currency"""


def pain001(
    message_id: str, debtor: str, rows: Sequence[Row], *, version: str = "pain.001.001.09", day: date | None = None
) -> bytes:
    out = io.BytesIO()
    transfers = TransferColumns(
        end_to_end_id=[row[0] for row in rows],
        amount_minor=[row[2] for row in rows],
        currency=[row[3] for row in rows],
        creditor_name=["Payee"] * len(rows),
        creditor_iban=[row[1] for row in rows],
        remittance_unstructured=[f"Invoice {row[0]}" for row in rows],
    )
    now = datetime.now(UTC)
    order = TransferOrder("P1", day or now.date(), "Payer", debtor, transfers)
    write_pain001(out, version, message_id=message_id, created=now, initiating_party="Payer", orders=[order])
    return out.getvalue()
