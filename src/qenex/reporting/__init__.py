"""What the bank tells others: statements, balances, exports."""
