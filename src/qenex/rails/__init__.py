"""Payment rails: read, check and write the messages a bank exchanges. ISO 20022 first; nothing here moves money.

Reading a pain.001 (customer credit transfers)::

    file = read_pain001(path_or_bytes_or_binary_stream)      # -> CreditTransferFile | Refusal
    if isinstance(file, Refusal): ...                        # not a readable pain.001: code, sentence, place (line, byte)
    file.header.message_id, file.header.version              # "pain.001.001.09"
    file.transaction_count, file.totals_minor                # counted by us: {"EUR": 1234500}
    file.sha256                                              # hex digest of the bytes, to recognise the same file again
    file.findings                                            # list[Finding] about the file or a payment information
    file.rejected                                            # True when a file finding says that nothing may be booked
    file.payments                                            # list[PaymentInformation], in file order
    for batch in file.batches():                             # CreditTransferBatch, at most 8,192 rows; may be iterated again
        batch.first, len(batch)                              # index of the first row in the file, rows
        batch.amount_minor[i], batch.currency[i], batch.debtor_iban[i], batch.creditor_iban[i], batch.end_to_end_id[i] ...
        batch.findings.get(i, ())                            # list[Finding] of row i (only rows that have any are keys)
        batch.reject_reason[i]                               # None, or the ISO reason code of the row's first rejecting finding
        batch.reject_text[i]                                 # None, or its sentence
    file.close()                                             # or use ``with``: gives back the spool file

The whole file is parsed, validated and counted before `read_pain001` returns, so nothing can be half booked. Memory stays
bounded: columns beyond 16 batches are spooled to an unnamed temporary file.

Answering it (version follows the file's: .03 -> pain.002.001.03, .09 -> pain.002.001.10)::

    summary = write_pain002(out, file, decisions, message_id="...", created=datetime)     # out: anything with write(bytes)
    # decisions: list[StatusColumns], one per batch of file.batches(), each with parallel lists
    StatusColumns(status=["ACSC", "RJCT", ...], reason=[None, "AC01", ...], text=[None, "sentence", ...], reference=[...])
    summary.group_status                                     # ACSC | ACSP | ACCP | PDNG | PART | RJCT
    write_pain002(out, file, [], ..., group_reason="AM10", group_text="...")              # refuse the whole file

A statement (camt.053.001.08)::

    header = StatementHeader(message_id=..., created=..., statement_id=..., sequence_number=7, from_time=..., to_time=...,
                             iban=..., currency="EUR",
                             balances=[StatementBalance("OPBD", 1000, date), StatementBalance("CLBD", ...)])
    write_camt053(out, header, batches_of_StatementEntries)   # raises when opening + entries != closing
    read_camt053(source) -> StatementFile | Refusal           # .statements: list[Statement]; entries in columns, findings
    read_pain002(source) -> StatusReport | Refusal
    write_pain001(out, version, CreditTransferHeader-like values...)                      # for demo, tests and outgoing files

Helpers: `sepa_text(text)` puts any text into the SEPA character set; `REASONS[code]` and `reason_text(code)` explain ISO
status reason codes; `validate(source)` judges any message whose definition we hold, by its own definition.

Character rules, limits (`Limits`) and the coverage table: docs/standards/iso20022.md. Refusal codes: `refusals.py`.
"""

from __future__ import annotations

import qenex.rails.refusals  # noqa: F401  (registers this package's codes)
from qenex.rails.findings import FINDINGS, Finding
from qenex.rails.iso20022.credit_transfer import (
    BATCH_ROWS,
    CREDIT_TRANSFER_MESSAGES,
    CreditTransferBatch,
    CreditTransferFile,
    CreditTransferHeader,
    PaymentInformation,
    read_pain001,
)
from qenex.rails.iso20022.credit_transfer_writer import TransferColumns, TransferOrder, write_pain001
from qenex.rails.iso20022.definition import MESSAGES
from qenex.rails.iso20022.reading import Limits, Source
from qenex.rails.iso20022.statement import (
    BANK_TRANSACTION_CODES,
    Statement,
    StatementBalance,
    StatementEntries,
    StatementFile,
    StatementHeader,
    StatementSummary,
    read_camt053,
    write_camt053,
)
from qenex.rails.iso20022.status_report import (
    ANSWERS,
    Output,
    StatusColumns,
    StatusReport,
    StatusSummary,
    TransactionStatus,
    group_status,
    read_pain002,
    write_pain002,
)
from qenex.rails.iso20022.validation import Verdict, validate
from qenex.rails.iso20022.writing import ValueNotAllowed
from qenex.rails.reasons import REASONS, reason_text
from qenex.rails.sepa_text import is_sepa_text, sepa_reference, sepa_text

__all__ = [
    "ANSWERS",
    "BANK_TRANSACTION_CODES",
    "BATCH_ROWS",
    "CREDIT_TRANSFER_MESSAGES",
    "CreditTransferBatch",
    "CreditTransferFile",
    "CreditTransferHeader",
    "FINDINGS",
    "Finding",
    "Limits",
    "MESSAGES",
    "Output",
    "PaymentInformation",
    "REASONS",
    "Source",
    "Statement",
    "StatementBalance",
    "StatementEntries",
    "StatementFile",
    "StatementHeader",
    "StatementSummary",
    "StatusColumns",
    "StatusReport",
    "StatusSummary",
    "TransactionStatus",
    "TransferColumns",
    "TransferOrder",
    "ValueNotAllowed",
    "Verdict",
    "group_status",
    "is_sepa_text",
    "read_camt053",
    "read_pain001",
    "read_pain002",
    "reason_text",
    "sepa_reference",
    "sepa_text",
    "validate",
    "write_camt053",
    "write_pain001",
    "write_pain002",
]
