"""The append-only, hash-chained sequence of batches on disk."""
