"""Who did something or was told: a post of the inventory, or an account. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from channelwatch.inventory.model import Inventory


@dataclass(frozen=True, slots=True)
class Person:
    """A post's name with its code, or an account's name without one."""

    name: str
    code: str = ""


def person(known_as: str, inventory: Inventory) -> Person:
    """A contact by its post; an account, or a contact that the inventory no longer has, as the record has it."""
    post = next((item.post for item in inventory.contacts if item.code == known_as), None)
    return Person(known_as) if post is None else Person(post, known_as)
