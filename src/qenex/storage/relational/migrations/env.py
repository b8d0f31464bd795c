"""Alembic's entry: runs the migrations on the connection that `database.migrate` hands in. There is no alembic.ini."""

from alembic import context

from qenex.storage.relational.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
