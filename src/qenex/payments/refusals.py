"""What the payment desk refuses: one code per ISO 20022 status reason it gives, and those of holds, reversals and files."""

from qenex.values.refusal import EXIT_USAGE, register

register(
    "ACCOUNT_UNKNOWN",
    "The account {account} is not known here (AC01).",
    "The debtor's account must be at this bank, and so must a creditor's account with this bank's code.",
    "Check the account number.",
)
register(
    "ACCOUNT_IS_CLOSED",
    "An account of this payment is closed (AC04).",
    "A closed account takes no bookings.",
    "Use another account.",
)
register(
    "ACCOUNT_IS_FROZEN",
    "An account of this payment is frozen (AC06).",
    "A frozen account takes no bookings on its frozen side.",
    "Unfreeze the account first, if that is allowed.",
)
register(
    "SAME_ACCOUNT",
    "Both sides are the same account (AG01).",
    "A payment moves money between two accounts.",
    "Name another account on one side.",
)
register(
    "AMOUNT_NOT_ALLOWED",
    "The amount {amount} is not allowed here (AM02).",
    "The sum would be larger than the ledger can hold.",
    "Pay a smaller amount.",
)
register(
    "CURRENCY_MISMATCH",
    "The accounts of this payment are not both in {currency} (AM03).",
    "A payment is in the currency of both its accounts.",
    "Use 'qenex exchange' between currencies.",
)
register(
    "INSUFFICIENT_FUNDS",
    "The account has less than {amount} available (AM04).",
    "Available is the posted balance, less what is held, plus the overdraft limit.",
    "Pay in first, or pay less.",
)
register(
    "DUPLICATE_END_TO_END_ID",
    "The account has already used the end-to-end id {end_to_end_id} (AM05).",
    "An end-to-end id names one payment of an account, so that a repeated order is paid once.",
    "Use a new id for a new payment.",
)
register(
    "BANK_CODE_INVALID",
    "The payee's bank {bic} cannot be reached (RC01).",
    "The BIC of the payee's bank is wrong.",
    "Check the BIC.",
)
register(
    "PAYMENT_REJECTED",
    "The payment is rejected ({reason}).",
    "The reason is an ISO 20022 external status reason code.",
    "Look up the code in docs/standards/iso20022.md.",
)
register(
    "TEXT_TOO_LONG",
    "The {what} is longer than {limit} characters.",
    "The payment schemes limit texts.",
    "Shorten it.",
    EXIT_USAGE,
)
register(
    "TIMEOUT_OUT_OF_RANGE",
    "A timeout of {given} seconds is not in 0..4294967295.",
    "The ledger counts seconds in 32 bits.",
    "Choose a shorter time, or 0 for never.",
    EXIT_USAGE,
)
register(
    "TRANSFER_UNKNOWN",
    "There is no transfer {transfer}.",
    "The ledger has no transfer with this id.",
    "Copy the id from the answer that named it.",
)
register(
    "NOT_A_HOLD",
    "The transfer {transfer} is not a hold.",
    "Only holds can be captured, released or settled.",
    "Use the id that 'hold' printed.",
)
register(
    "HOLD_NOT_OPEN",
    "The hold {transfer} is already {state}.",
    "A hold ends once: captured, released or expired.",
    "Make a new hold.",
)
register(
    "CAPTURE_TOO_LARGE",
    "The hold {transfer} is over {held}, not over {asked}.",
    "A capture takes at most what is held.",
    "Capture less, and transfer the rest.",
)
register(
    "ALREADY_REVERSED_BOOKING",
    "The booking {transfer} is already reversed by {reversal}.",
    "A booking is reversed at most once.",
    "Make a new booking instead.",
)
register(
    "NOT_REVERSIBLE",
    "The transfer {transfer} cannot be reversed: {why}.",
    "Only posted bookings can be reversed, and a reversal cannot.",
    "Release a hold instead, or make a new booking.",
)
register(
    "VALUE_DATE_OUT_OF_RANGE",
    "The value date {given} is more than a year from the business date.",
    "Value dates farther away are mistakes.",
    "Choose a value date within a year.",
    EXIT_USAGE,
)
register(
    "EXCHANGE_SAME_CURRENCY",
    "Both accounts are in {currency}.",
    "An exchange is between two currencies.",
    "Use 'qenex transfer'.",
)
register(
    "EXCHANGE_GIVES_NOTHING",
    "{sold} at this rate gives nothing.",
    "The result, rounded down, is zero.",
    "Exchange a larger amount.",
)
register(
    "SETTLEMENT_REASON_MALFORMED",
    "{given!r} is not an ISO reason code.",
    "Reason codes are four capital letters and digits, such as AC01.",
    "Copy the code from the other bank's answer.",
    EXIT_USAGE,
)
register(
    "AMOUNT_NOT_POSITIVE",
    "The amount {given} is not larger than zero.",
    "Money moves in amounts above zero.",
    "Write a positive amount.",
)
