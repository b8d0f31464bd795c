"""What keeps books healthy: verify, inspect, export, backup, restore."""

from qenex.books.verify import VerifyReport, verify

__all__ = ["VerifyReport", "verify"]
