"""The words of the command line: every verb, its arguments, its help and its examples.

Only `argparse` is imported here, so that `qenex --help` answers at once; the module a verb names is imported when
the verb runs. `docs/cli.md` is generated from this parser.
"""

from __future__ import annotations

import argparse
from typing import NoReturn

DEFAULT_DATA = "./data"

EXIT_CODES = """exit codes:
  0   done
  1   refused: the bank understood and said no
  2   wrong usage, or a file that cannot be read
  3   a fault of disk, peer or stored data
  70  a bug of ours: stopped before anything was written
"""


class UsageError(Exception):
    """Arguments that do not form a command; `str()` is one line for stderr."""


class _Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line saying what, where, and what to do."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}. Try '{self.prog} --help'.")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS, help="the bank's folder (default ./data)")
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer in JSON")


class _Verbs:
    """Adds verbs to a parser with one call each."""

    def __init__(self, subparsers: argparse._SubParsersAction[_Parser]) -> None:
        self._subparsers = subparsers

    def add(
        self, name: str, run: str, summary: str, examples: str, *arguments: tuple[tuple[str, ...], dict[str, object]]
    ) -> None:
        """`run` is "module:function" under qenex.cli.verbs."""
        parser = self._subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog="examples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for names, options in arguments:
            parser.add_argument(*names, **options)  # type: ignore[arg-type]
        _common(parser)
        parser.set_defaults(run=run)

    def group(self, name: str, summary: str) -> _Verbs:
        parser = self._subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        return _Verbs(parser.add_subparsers(metavar="VERB", required=True, dest=f"{name}_verb", parser_class=_Parser))


def _argument(*names: str, **options: object) -> tuple[tuple[str, ...], dict[str, object]]:
    return names, options


_IBAN = _argument("iban", metavar="IBAN", help="account number (blanks are allowed)")
_AMOUNT = _argument("amount", metavar="AMOUNT", help="decimal amount in the account's currency, such as 12.34")
_END_TO_END = _argument("--end-to-end-id", metavar="ID", help="the payer's own reference, unique per account")
_TEXT = _argument("--text", metavar="TEXT", help="remittance information, at most 140 characters")
_VALUE_DATE = _argument("--value-date", metavar="YYYY-MM-DD", help="value date (default: the business date)")
_REASON = _argument("--reason", metavar="TEXT", help="why; needed when the bank works with four eyes")
_REQUESTED = _argument("--requested-by", metavar="NAME", help="who asks (default: the operating system user)")
_APPROVED = _argument(
    "--approved-by", metavar="NAME", help="who agrees; another person when the bank works with four eyes"
)
_APPROVAL = _argument(
    "--approval", metavar="NUMBER", help="agree to this request: the same command, by the second person"
)
_FOUR_EYES = (_REASON, _REQUESTED, _APPROVED, _APPROVAL)
_OUT = _argument("--out", metavar="FILE", help="write to this file (default: standard output)")


def build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="qenex",
        description="A bank's core that one command starts and one hash verifies.",
        epilog="examples:\n  qenex init\n  qenex --data ./mybank customer add 'Ada Lovelace'\n  qenex pay salaries.xml --json\n\n"
        + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    _common(parser)
    verbs = _Verbs(parser.add_subparsers(metavar="VERB", dest="verb", parser_class=_Parser))
    _setting_up(verbs)
    _customers_and_accounts(verbs)
    _money(verbs)
    _books(verbs)
    _proofs(verbs)
    _keeping(verbs)
    return parser


def _setting_up(verbs: _Verbs) -> None:
    verbs.add(
        "init",
        "bank:init",
        "make an empty bank in the data folder",
        "qenex init\nqenex --data ./mybank init --name 'Example Bank' --bic EXMPDEFF --country DE --bank-code 99999999",
        _argument("--name", default="QENEX Bank", help="the bank's name (default: QENEX Bank)"),
        _argument(
            "--bic", default="QNEXDEFFXXX", help="the bank's BIC (default: QNEXDEFFXXX, not registered with SWIFT)"
        ),
        _argument("--country", default="DE", help="country of the account numbers (default: DE)"),
        _argument("--bank-code", metavar="CODE", help="bank code inside the account numbers (default: nines)"),
        _argument(
            "--currencies",
            metavar="LIST",
            default="EUR,USD,GBP,CHF,JPY",
            help="currencies to open the bank's own accounts in; more are added when first used",
        ),
        _argument(
            "--cut-off",
            metavar="HH:MM",
            default="24:00",
            help="UTC time from which bookings belong to the next business date (default 24:00)",
        ),
        _argument(
            "--four-eyes",
            action="store_true",
            help="freezes, limits and manual bookings need a reason and two persons (default: one operator)",
        ),
        _argument("--key-file", metavar="FILE", help="where the master key goes (default: master.key in the folder)"),
    )
    verbs.add(
        "demo",
        "bank:demo",
        "make a small bank with a year of invented activity, marked DEMO",
        "qenex --data ./demo demo\nqenex --data ./demo demo --seed 7",
        _argument("--seed", type=int, default=2026, help="the same seed gives the same bank (default 2026)"),
        _argument("--customers", type=int, default=12, help="number of customers (default 12)"),
    )
    verbs.add(
        "up",
        "running:up",
        "start the bank and stay until SIGTERM",
        "qenex up\nDETACH=1 qenex up\nqenex --data ./mybank up --port 8081 --no-demo",
        _argument("--port", type=int, default=8080, help="port of the status page on localhost (default 8080)"),
        _argument("--detach", action="store_true", help="return when the bank is ready (also: DETACH=1)"),
        _argument("--no-demo", action="store_true", help="never load the demo bank into an empty folder"),
        _argument("--name", default="QENEX Bank", help=argparse.SUPPRESS),
    )
    verbs.add("down", "running:down", "stop the running bank", "qenex down\nqenex --data ./mybank down")
    verbs.add(
        "completion",
        "bank:completion",
        "print the completion script of a shell",
        "qenex completion bash > /etc/bash_completion.d/qenex\nqenex completion zsh > ~/.zfunc/_qenex\n"
        "qenex completion fish > ~/.config/fish/completions/qenex.fish",
        _argument("shell", choices=["bash", "zsh", "fish"]),
    )
    verbs.add("doctor", "bank:doctor", "look at the machine and the folder and say what is wrong", "qenex doctor")


def _customers_and_accounts(verbs: _Verbs) -> None:
    customer = verbs.group("customer", "customers of the bank")
    customer.add(
        "add",
        "customers:add",
        "add a customer",
        "qenex customer add 'Ada Lovelace'\nqenex customer add --name 'Engines plc' --kind company --country GB",
        _argument("name", nargs="?", metavar="NAME"),
        _argument("--name", dest="name_option", metavar="NAME", help="the same as NAME"),
        _argument("--kind", choices=["person", "company"], default="person"),
        _argument("--country", metavar="CC", help="two-letter country of residence"),
        _argument("--email", metavar="ADDRESS"),
    )
    customer.add("list", "customers:list_", "list the customers", "qenex customer list\nqenex customer list --json")
    customer.add(
        "show",
        "customers:show",
        "show one customer and its accounts",
        "qenex customer show 21702982367086",
        _argument("customer", metavar="ID"),
    )
    customer.add(
        "erase",
        "customers:erase",
        "destroy a customer's key: the personal data is gone, every proof still verifies",
        "qenex customer erase 21702982367086 --yes",
        _argument("customer", metavar="ID"),
        _argument("--yes", action="store_true", help="really: this cannot be undone"),
        *_FOUR_EYES,
    )
    account = verbs.group("account", "accounts of the bank")
    account.add(
        "open",
        "accounts:open_",
        "open an account",
        "qenex account open --owner 21702982367086 --currency EUR\n"
        "qenex account open --owner 21702982367086 --currency EUR --overdraft 500.00\n"
        "qenex account open --owner 21702982367086 --currency EUR --iban DE89370400440532013000",
        _argument("--owner", required=True, metavar="ID", help="the customer"),
        _argument("--currency", required=True, metavar="CCY", help="ISO 4217 code, such as EUR"),
        _argument("--iban", metavar="IBAN", help="use this number (default: the next free one)"),
        _argument(
            "--overdraft", metavar="AMOUNT", default="0", help="how far the balance may go below zero (default 0)"
        ),
        _argument("--product", metavar="NAME", default="current", help="account product (default: current)"),
    )
    account.add(
        "list",
        "accounts:list_",
        "list the accounts with their balances",
        "qenex account list --json\nqenex account list --internal",
        _argument("--owner", metavar="ID", help="only this customer's"),
        _argument("--internal", action="store_true", help="the bank's own accounts instead"),
    )
    account.add("show", "accounts:show", "show one account", "qenex account show DE89370400440532013000", _IBAN)
    account.add(
        "freeze",
        "accounts:freeze",
        "stop debits, credits or both on an account",
        "qenex account freeze DE89370400440532013000 --reason 'court order 12/26'\n"
        "qenex account freeze DE89370400440532013000 --side credit",
        _IBAN,
        _argument("--side", choices=["debit", "credit", "both"], default="both", help="what stops (default: both)"),
        *_FOUR_EYES,
    )
    account.add(
        "unfreeze",
        "accounts:unfreeze",
        "let a frozen account work again",
        "qenex account unfreeze DE89370400440532013000",
        _IBAN,
        *_FOUR_EYES,
    )
    account.add(
        "limit",
        "accounts:limit",
        "change the overdraft limit",
        "qenex account limit DE89370400440532013000 1000.00 --reason 'rating B'",
        _IBAN,
        _AMOUNT,
        *_FOUR_EYES,
    )
    account.add(
        "close",
        "accounts:close",
        "close an account whose balance and holds are zero",
        "qenex account close DE89370400440532013000",
        _IBAN,
        *_FOUR_EYES,
    )


def _money(verbs: _Verbs) -> None:
    verbs.add(
        "deposit",
        "money:deposit",
        "pay cash in",
        "qenex deposit DE89370400440532013000 100.00",
        _IBAN,
        _AMOUNT,
        _END_TO_END,
        _TEXT,
        _VALUE_DATE,
    )
    verbs.add(
        "withdraw",
        "money:withdraw",
        "pay cash out",
        "qenex withdraw DE89370400440532013000 20.00",
        _IBAN,
        _AMOUNT,
        _END_TO_END,
        _TEXT,
        _VALUE_DATE,
    )
    debtor = _argument("debtor", metavar="FROM", help="account that pays")
    creditor = _argument("creditor", metavar="TO", help="account that is paid, here or elsewhere")
    verbs.add(
        "transfer",
        "money:transfer",
        "pay from one account to another",
        "qenex transfer DE89370400440532013000 DE02120300000000202051 12.34 --end-to-end-id INVOICE-7",
        debtor,
        creditor,
        _AMOUNT,
        _END_TO_END,
        _TEXT,
        _VALUE_DATE,
        _argument("--creditor-name", metavar="NAME", help="name of the payee"),
        _argument("--creditor-bic", metavar="BIC", help="bank of a payee elsewhere"),
    )
    verbs.add(
        "exchange",
        "money:exchange",
        "exchange between two accounts of different currencies",
        "qenex exchange DE89370400440532013000 DE02120300000000202051 100.00 --rate 1.0850 --spread 25",
        debtor,
        creditor,
        _argument("amount", metavar="AMOUNT", help="amount taken from FROM, in its currency"),
        _argument(
            "--rate",
            required=True,
            metavar="RATE",
            help="units of TO's currency for one unit of FROM's, such as 1.0850",
        ),
        _argument(
            "--spread",
            type=int,
            default=0,
            metavar="BP",
            help="the bank's share in basis points of the result, rounded up (default 0)",
        ),
        _END_TO_END,
        _VALUE_DATE,
    )
    verbs.add(
        "hold",
        "money:hold",
        "set money aside for a later capture",
        "qenex hold DE89370400440532013000 DE02120300000000202051 50.00 --timeout 3600",
        debtor,
        creditor,
        _AMOUNT,
        _argument(
            "--timeout",
            type=int,
            default=0,
            metavar="SECONDS",
            help="release by itself after this time (default: never)",
        ),
        _END_TO_END,
        _TEXT,
    )
    hold = _argument("hold", metavar="HOLD", help="the transfer id that `hold` printed")
    verbs.add(
        "capture",
        "money:capture",
        "take held money, all or a part",
        "qenex capture 2104623871\nqenex capture 2104623871 20.00",
        hold,
        _argument("amount", nargs="?", metavar="AMOUNT", help="a part; the rest is released"),
    )
    verbs.add("release", "money:release", "let held money go", "qenex release 2104623871", hold)
    verbs.add(
        "pay",
        "paying:pay",
        "execute payment files (pain.001.001.03 and .09) and answer each with a pain.002",
        "qenex pay salaries.xml\nqenex pay june/*.xml --json",
        _argument("files", nargs="+", metavar="FILE"),
    )
    verbs.add(
        "settle",
        "money:settle",
        "say how a payment that left the bank ended elsewhere",
        "qenex settle 2104623871\nqenex settle 2104623871 --rejected AC01",
        _argument("transfer_id", metavar="TRANSFER_ID", help="the hold of the payment"),
        _argument("--rejected", metavar="REASON", help="ISO reason code of the other bank: the money goes back"),
    )


def _books(verbs: _Verbs) -> None:
    verbs.add(
        "book",
        "bookkeeping:book",
        "make a manual booking between two accounts of the chart or of customers",
        "qenex book 1100-EUR 3100-EUR 1000000.00 --reason 'founding capital'",
        _argument("debit", metavar="DEBIT", help="IBAN, or number and currency from the chart, such as 1100-EUR"),
        _argument("credit", metavar="CREDIT"),
        _AMOUNT,
        _TEXT,
        _VALUE_DATE,
        *_FOUR_EYES,
    )
    verbs.add(
        "reverse",
        "bookkeeping:reverse",
        "undo a booking by its opposite, once",
        "qenex reverse 2104623871 --reason 'wrong payee'",
        _argument("transfer_id", metavar="TRANSFER_ID"),
        *_FOUR_EYES,
    )
    verbs.add(
        "statement",
        "bookkeeping:statement",
        "write the statement of an account",
        "qenex statement DE89370400440532013000\n"
        "qenex statement DE89370400440532013000 --format camt053 --from 2026-01-01 --to 2026-01-31 --out january.xml",
        _IBAN,
        _argument("--format", choices=["camt053", "csv", "table"], default="table"),
        _argument(
            "--from",
            dest="from_date",
            metavar="YYYY-MM-DD",
            help="first booking date (default: after the last statement)",
        ),
        _argument("--to", dest="to_date", metavar="YYYY-MM-DD", help="last booking date (default: the business date)"),
        _OUT,
    )
    verbs.add(
        "approvals",
        "bookkeeping:approvals",
        "list what was asked for, agreed to and refused under four eyes",
        "qenex approvals\nqenex approvals --state requested --json",
        _argument("--state", choices=["requested", "approved", "refused", "used"]),
    )
    verbs.add(
        "trial-balance",
        "bookkeeping:trial_balance",
        "sum both sides of every account, per currency",
        "qenex trial-balance\nqenex trial-balance --json",
    )
    verbs.add("chart", "bookkeeping:chart", "show the chart of accounts", "qenex chart")
    verbs.add("close-day", "bookkeeping:close_day", "check the books and close the business date", "qenex close-day")


def _proofs(verbs: _Verbs) -> None:
    verbs.add(
        "receipt",
        "proofs:receipt",
        "write the receipt of a transfer",
        "qenex receipt 2104623871 --out receipt.txt",
        _argument("transfer_id", metavar="TRANSFER_ID"),
        _OUT,
    )
    verbs.add(
        "verify",
        "proofs:verify",
        "check a receipt or a consistency proof with the bank's public key; needs no bank",
        "qenex verify receipt.txt --key bank.vkey\nqenex verify receipt.txt --key bank.vkey --policy witnesses.txt",
        _argument("file", metavar="FILE"),
        _argument("--key", required=True, metavar="KEYFILE", help="file with one vkey line per key"),
        _argument("--policy", metavar="FILE", help="C2SP tlog-policy: which witnesses must have cosigned"),
    )
    verbs.add(
        "checkpoint",
        "proofs:checkpoint",
        "sign everything booked so far and print the signed note",
        "qenex checkpoint\nqenex checkpoint --out latest.txt\nqenex checkpoint --since older.txt --out continues.json\n"
        "qenex checkpoint --tiles ./public\nqenex checkpoint --cosigned cosigned.txt --policy witnesses.txt",
        _argument("--since", metavar="FILE", help="prove that the log continues this older checkpoint of it"),
        _argument("--tiles", metavar="FOLDER", help="write the whole log as static files (C2SP tlog-tiles)"),
        _argument(
            "--cosigned", metavar="FILE", help="the latest checkpoint with witnesses' cosignatures, to take over"
        ),
        _argument("--policy", metavar="FILE", help="C2SP tlog-policy by which --cosigned is checked"),
        _OUT,
    )
    key = verbs.group("key", "keys of the bank")
    key.add(
        "export",
        "proofs:key_export",
        "write the bank's public keys, one vkey line each",
        "qenex key export --out bank.vkey",
        _OUT,
    )
    key.add(
        "rotate",
        "proofs:key_rotate",
        "put a new master key in place of the old one",
        "qenex key rotate",
        _argument("--new-key-file", metavar="FILE", help="where the new master key goes (default: over the old one)"),
    )


def _keeping(verbs: _Verbs) -> None:
    journal = verbs.group("journal", "the journal that holds every booking")
    journal.add(
        "verify",
        "journal:verify",
        "read the whole journal again and check every hash",
        "qenex journal verify\nqenex journal verify --json",
    )
    journal.add(
        "inspect",
        "journal:inspect",
        "show the batches of the journal",
        "qenex journal inspect --last 5\nqenex journal inspect --batch 17",
        _argument("--batch", type=int, metavar="NUMBER", help="one batch with all its records"),
        _argument("--last", type=int, default=20, metavar="N", help="how many of the newest batches (default 20)"),
    )
    journal.add(
        "export",
        "journal:export",
        "write every record of the journal",
        "qenex journal export --format parquet --out records.parquet",
        _argument("--format", choices=["jsonl", "csv", "parquet"], default="jsonl"),
        _OUT,
    )
    verbs.add(
        "backup",
        "journal:backup",
        "copy the bank to a folder, also while it runs",
        "qenex backup ../backups/2026-11-21",
        _argument("target", metavar="FOLDER"),
    )
    verbs.add(
        "restore",
        "journal:restore",
        "make a bank from a backup in an empty data folder",
        "qenex --data ./again restore ../backups/2026-11-21\n"
        "qenex --data ./then restore ../backups/2026-11-21 --until 2026-11-20T18:00:00Z",
        _argument("source", metavar="FOLDER"),
        _argument("--until", metavar="INSTANT", help="leave out everything later (UTC, ISO 8601)"),
        _argument(
            "--checkpoint",
            metavar="FILE",
            help="the newest checkpoint known: refused unless the backup reaches it",
        ),
        _argument(
            "--erasures", metavar="FILE", help="erasures.list of the lost bank, so that erased customers stay erased"
        ),
        _argument(
            "--key-file",
            metavar="FILE",
            help="master key of the backed-up bank (default: the copy in the backup, if any)",
        ),
    )
