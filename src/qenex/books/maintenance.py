"""What keeps books healthy: verify, inspect, export, backup, restore."""

from qenex.books.backup import BackupReport, RestoreReport, backup, restore
from qenex.books.export import EXPORT_FORMATS, export
from qenex.books.inspection import BatchDetail, BatchView, inspect, inspect_batch
from qenex.books.origins import OriginRetired, new_origin_name
from qenex.books.verify import VerifyReport, verify
from qenex.storage.journal import Finding

__all__ = [
    "EXPORT_FORMATS",
    "BackupReport",
    "BatchDetail",
    "BatchView",
    "Finding",
    "OriginRetired",
    "RestoreReport",
    "VerifyReport",
    "backup",
    "export",
    "inspect",
    "inspect_batch",
    "new_origin_name",
    "restore",
    "verify",
]
