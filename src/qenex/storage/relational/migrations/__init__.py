"""Alembic migrations of the relational store. `HEAD` names the newest, so that a start without work needs no Alembic."""

HEAD = "0001"
