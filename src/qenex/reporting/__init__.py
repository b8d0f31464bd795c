"""What the bank tells about its books: statements to customers, the trial balance to the bookkeeper."""

from qenex.reporting.statement import StatementOf, issue_statement, statement_csv, write_statement_camt053
from qenex.reporting.trial_balance import AssetTotal, TrialBalance, TrialLine, trial_balance

__all__ = [
    "AssetTotal",
    "StatementOf",
    "TrialBalance",
    "TrialLine",
    "issue_statement",
    "statement_csv",
    "trial_balance",
    "write_statement_camt053",
]
