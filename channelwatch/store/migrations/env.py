"""Run by Alembic: migrates over the connection, and in the transaction, of `channelwatch.store.schema`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
