"""Customers, accounts, payments and messages in a relational database."""
