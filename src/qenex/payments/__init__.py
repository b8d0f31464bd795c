"""The payment desk: one pipeline for every payment, from one order or from a file with a million."""

import qenex.payments.refusals  # noqa: F401  (registers the codes used here)
from qenex.payments.carrying_out import execute_due
from qenex.payments.correcting import Reversed, book, reverse
from qenex.payments.exchanging import Exchanged, exchange
from qenex.payments.ordering import Answer, Booked, Details, Rejected, deposit, hold, transfer, withdraw
from qenex.payments.orders import Payments, Posted
from qenex.payments.pay_file import Paid, pay_file
from qenex.payments.recovery import Recovered, recover
from qenex.payments.settling import Ended, capture, release, settle
from qenex.payments.submit import submit

__all__ = [
    "Answer",
    "Booked",
    "Details",
    "Ended",
    "Exchanged",
    "Paid",
    "Payments",
    "Posted",
    "Recovered",
    "Rejected",
    "Reversed",
    "book",
    "capture",
    "deposit",
    "exchange",
    "execute_due",
    "hold",
    "pay_file",
    "recover",
    "release",
    "reverse",
    "settle",
    "submit",
    "transfer",
    "withdraw",
]
