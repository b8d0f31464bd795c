"""The refusals of `values`: texts from outside that are not the value they should be."""

from __future__ import annotations

from qenex.values.refusal import register

register(
    "AMOUNT_NOT_A_DECIMAL",
    "{given!r} is not an amount.",
    "An amount is digits with at most one point before the decimals. No plus, exponent, thousands separator or space.",
    "Write it like 1234.56 (or -1234.56 where a negative amount makes sense).",
)
register(
    "AMOUNT_TOO_PRECISE",
    "{given} has more decimals than {currency} has ({decimals}).",
    "The amount names a fraction of the currency's smallest unit. Zeros count too: 100.000 may have meant 100,000.",
    "Write at most as many decimals as the currency has.",
)
register(
    "AMOUNT_TOO_LARGE",
    "{given} is larger than any amount the ledger can hold.",
    "Amounts have at most 2^128 - 1 minor units.",
    "Check the amount; it is larger than all the money there is.",
)
register(
    "CURRENCY_UNKNOWN",
    "{given!r} is not a currency of ISO 4217.",
    "The code is not in the current list of ISO 4217. Withdrawn currencies are not in it.",
    "Use three capital letters like EUR, or the currency that replaced a withdrawn one.",
)
register(
    "IBAN_MALFORMED",
    "{given!r} is not an IBAN.",
    "An IBAN is a country code, two check digits, and what the country prescribes; spaces may group it.",
    "Copy the IBAN as the account holder's bank prints it.",
)
register(
    "IBAN_COUNTRY_UNKNOWN",
    "{country} has no IBAN.",
    "The first two letters are not a country with an IBAN. French overseas territories write FR, Åland writes FI.",
    "Check the first two letters; accounts of countries without IBAN need another identification.",
)
register(
    "IBAN_STRUCTURE_WRONG",
    "{given} does not have the structure of an IBAN of {country} ({structure}).",
    "The length, or the kind of character at some place, is not what the country registered.",
    "Compare with an IBAN the bank printed; a digit may be missing, or an O may stand for a 0.",
)
register(
    "IBAN_CHECK_DIGITS_WRONG",
    "The check digits of {given} do not match.",
    "The remainder of division by 97 is wrong: at least one character is mistyped, or two are swapped.",
    "Compare the IBAN with the original, character by character.",
)
register(
    "BIC_MALFORMED",
    "{given!r} is not a BIC.",
    "A BIC has four letters or digits for the party, two letters for the country, two for the place, and three or none "
    "for the branch.",
    "Write 8 or 11 capital letters and digits, like DEUTDEFF or DEUTDEFF500.",
)
register(
    "BIC_COUNTRY_UNKNOWN",
    "{country} in the BIC {given} is not a country.",
    "The fifth and sixth character are a country code of ISO 3166-1, or XK for Kosovo.",
    "Check the fifth and sixth character.",
)
register(
    "LEI_MALFORMED",
    "{given!r} is not an LEI.",
    "An LEI has 18 capital letters and digits and two check digits.",
    "Copy the LEI from the GLEIF register.",
)
register(
    "LEI_CHECK_DIGITS_WRONG",
    "The check digits of the LEI {given} do not match.",
    "The remainder of division by 97 is wrong: at least one character is mistyped, or two are swapped.",
    "Compare the LEI with the GLEIF register, character by character.",
)
register(
    "REFERENCE_MALFORMED",
    "{given!r} is not a creditor reference.",
    "A creditor reference is RF, two check digits, and 1 to 21 letters and digits; spaces may group it.",
    "Copy the reference from the invoice.",
)
register(
    "REFERENCE_CHECK_DIGITS_WRONG",
    "The check digits of the creditor reference {given} do not match.",
    "The remainder of division by 97 is wrong: at least one character is mistyped, or two are swapped.",
    "Compare the reference with the invoice, character by character.",
)
