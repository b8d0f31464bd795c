"""Account products and what the bank keeps books with: chart of accounts, business date, rates, approvals."""

import qenex.products.refusals
import qenex.storage.relational.refusals  # noqa: F401  (both register the codes used here)
