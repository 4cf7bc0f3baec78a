"""Bringing the schema to the newest version, without any file but those of this package."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from channelwatch.store.errors import StorePermanent, StoreReason
from channelwatch.store.sql import Lock, take_turns


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the connection's transaction: all of them, or none.

    StorePermanent `schema_newer` when a later release of this program has migrated the database.
    """
    take_turns(connection, Lock.SCHEMA)
    config = configuration()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        message = (
            f"a newer version of this program has changed it: install that one, or restore a backup ({error})"
        )
        raise StorePermanent(StoreReason.SCHEMA_NEWER, message, operation="upgrade") from error


def configuration() -> Config:
    """Where Alembic finds the migrations."""
    config = Config()
    config.set_main_option("script_location", "channelwatch.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
