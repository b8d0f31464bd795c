"""Durable journal files and relational tables."""
