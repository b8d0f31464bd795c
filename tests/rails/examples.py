"""Small pain.001 files as text, with places to put something wrong."""

from __future__ import annotations

from collections.abc import Iterable

IBAN_OF_DEBTOR = "DE89370400440532013000"
IBAN_OF_CREDITOR = "FR1420041010050500013M02606"
OLD, NEW = "pain.001.001.03", "pain.001.001.09"


def transaction(
    version: str = NEW,
    *,
    end_to_end_id: str = "E2E-1",
    amount: str = "10.00",
    currency: str = "EUR",
    iban: str | None = IBAN_OF_CREDITOR,
    bic: str | None = "BNPAFRPP",
    amount_xml: str | None = None,
    remittance: str = "<Ustrd>Invoice 1</Ustrd>",
    extra: str = "",
) -> str:
    tag = "BIC" if version == OLD else "BICFI"
    agent = "" if bic is None else f"<CdtrAgt><FinInstnId><{tag}>{bic}</{tag}></FinInstnId></CdtrAgt>"
    account = "" if iban is None else f"<CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct>"
    money = amount_xml or f'<InstdAmt Ccy="{currency}">{amount}</InstdAmt>'
    return (
        f"<CdtTrfTxInf><PmtId><InstrId>I-{end_to_end_id}</InstrId><EndToEndId>{end_to_end_id}</EndToEndId></PmtId>"
        f"<Amt>{money}</Amt>{agent}<Cdtr><Nm>Claire Dupont</Nm><PstlAdr><Ctry>FR</Ctry></PstlAdr></Cdtr>{account}"
        f"<RmtInf>{remittance}</RmtInf>{extra}</CdtTrfTxInf>"
    )


def payment(
    transactions: Iterable[str],
    version: str = NEW,
    *,
    identifier: str = "PMT-1",
    method: str = "TRF",
    count: str | None = None,
    control_sum: str | None = None,
    day: str = "2026-11-23",
    iban: str = IBAN_OF_DEBTOR,
    bic: str = "COBADEFFXXX",
    between: str = "\n",
) -> str:
    tag = "BIC" if version == OLD else "BICFI"
    when = f"<ReqdExctnDt>{day}</ReqdExctnDt>" if version == OLD else f"<ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt>"
    counts = ("" if count is None else f"<NbOfTxs>{count}</NbOfTxs>") + (
        "" if control_sum is None else f"<CtrlSum>{control_sum}</CtrlSum>"
    )
    return (
        f"<PmtInf><PmtInfId>{identifier}</PmtInfId><PmtMtd>{method}</PmtMtd><BtchBookg>true</BtchBookg>{counts}"
        f"<PmtTpInf><CtgyPurp><Cd>SALA</Cd></CtgyPurp></PmtTpInf>{when}<Dbtr><Nm>Example GmbH</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><{tag}>{bic}</{tag}></FinInstnId></DbtrAgt>"
        f"<ChrgBr>SLEV</ChrgBr>\n{between.join(transactions)}</PmtInf>\n"
    )


def message(
    payments: Iterable[str],
    version: str = NEW,
    *,
    count: str = "1",
    control_sum: str | None = None,
    before: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
    message_id: str = "MSG-1",
) -> str:
    total = "" if control_sum is None else f"<CtrlSum>{control_sum}</CtrlSum>"
    return (
        f'{before}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><CstmrCdtTrfInitn><GrpHdr>'
        f"<MsgId>{message_id}</MsgId>"
        f"<CreDtTm>2026-11-20T10:00:00Z</CreDtTm><NbOfTxs>{count}</NbOfTxs>{total}<InitgPty><Nm>Example GmbH</Nm></InitgPty>"
        f"</GrpHdr>\n{''.join(payments)}</CstmrCdtTrfInitn></Document>"
    )


def single(version: str = NEW, **changes: str | None) -> bytes:
    """A file with one transaction; `changes` go to `transaction`."""
    return message([payment([transaction(version, **changes)], version)], version).encode()  # type: ignore[arg-type]
