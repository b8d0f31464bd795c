"""Hashes, signatures and key custody, over the cryptography package; no primitive of our own."""
