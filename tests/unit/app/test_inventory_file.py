"""The inventory file: every rule that it may break, each named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from channelwatch.app.inventoryfile import load_inventory
from channelwatch.app.settings import load_settings
from channelwatch.base.errors import InputError
from channelwatch.inventory.diff import ChangeKind, diff
from channelwatch.inventory.model import Inventory, SignalLimit
from tests.support.files import ENVIRON, INVENTORY, write_config, write_inventory


def load(folder: Path, text: str = INVENTORY) -> Inventory:
    return load_inventory(write_inventory(folder, text), load_settings(write_config(folder), ENVIRON))


def test_the_example_is_understood(tmp_path: Path) -> None:
    inventory = load(tmp_path)
    assert inventory.device["51-D-21548-1"].in_service  # type: ignore[index]
    assert inventory.by_address["127.11.0.5"].code == "51-D-21548-1"


SECOND = """\
  - {code: 51-D-21548-2, site: 51-D-21548, address: 127.11.0.5, credential: encryptors}
contacts:
"""


def test_limits_of_a_device_are_read_in_order_of_their_signals(tmp_path: Path) -> None:
    limits = "{platform.cpu: {above: {degraded: 90}, hold: 2, of: 3}, hsm.battery: {at_most: {failed: 2.5}, stays: 4}}"
    text = INVENTORY.replace("credential: encryptors", f"credential: encryptors\n    limits: {limits}", 1)
    assert load(tmp_path, text).devices[0].limits == (
        SignalLimit("hsm.battery", failed=2.5, at_most=True, stays=4),
        SignalLimit("platform.cpu", degraded=90, hold=2, of=3),
    )


LIMITS = "credential: encryptors\n    limits: "


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    level: 4", "    lvl: 4", "inventory.yaml:12: devices[0].lvl: unknown key"),
        ("    level: 4", "    level: 9", "inventory.yaml:12: devices[0].level:"),
        ("    level: 4\n", "", "inventory.yaml:8: devices[0].level: in_service needs an approved level"),
        ("bloc: party}", "bloc: navy}", "inventory.yaml:6: sites[0].bloc:"),
        ("bloc: party}", "bloc: gov}", "inventory.yaml:9: devices[0].site: bloc gov is not held here"),
        ("127.11.0.5", "not-an-ip", "inventory.yaml:10: devices[0].address: must be an IPv4 or IPv6 address"),
        (
            "credential: encryptors",
            "credential: none",
            "inventory.yaml:11: devices[0].credential: unknown credential",
        ),
        ("site: 51-D-21548\n", "site: 51-D-1\n", "inventory.yaml:9: devices[0].site: unknown site"),
        (
            "- code: 51-D-21548-1",
            "- code: 51-C-21548-1",
            "devices[0].code: letter C does not match bloc party",
        ),
        ("- code: 51-D-21548-1", "- code: 52-D-21548-1", "devices[0].code: province 52 is not 51"),
        ("contacts:\n", SECOND, "devices[1].address: duplicate '127.11.0.5:161', first used by devices[0]"),
        (
            "credential: encryptors",
            "credential: encryptors\n    certificate: 0A:0B",
            "inventory.yaml:12: devices[0].certificate: must be a SHA-256 fingerprint",
        ),
        (
            "credential: encryptors",
            LIMITS + "{platform.load: {hold: 2}}",
            "inventory.yaml:12: devices[0].limits.platform.load",
        ),
        ("credential: encryptors", LIMITS + "{if.util: {hold: 3, of: 2}}", "of is given with hold"),
        ("commune_kind: dac_khu, ", "", "units[0].commune_kind:"),
        ('"webhook:duty"', '"webhook:pager"', "contacts[0].deliver[0]: 'webhook:pager'"),
        (
            '"webhook:duty"',
            '"smtp:a@b.test, c@d.test"',
            "contacts[0].deliver[0]: 'a@b.test, c@d.test' is not one",
        ),
        ('"webhook:duty"', '"smtp:a@b.test\\nBcc: c@d.test"', "is not one mail address"),
        ('"webhook:duty"', '"duty"', "must be CHANNEL:DESTINATION"),
        ('code: "51"', 'code: "22"', "inventory.yaml:2: province.code: this instance is of province 51"),
        ("version: 1", "version: 2", "inventory.yaml:1: version:"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_field(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in INVENTORY
    with pytest.raises(InputError) as caught:
        load(tmp_path, INVENTORY.replace(old, new, 1))
    assert any(expected in line for line in caught.value.problems), caught.value.problems


def test_a_certificate_is_one_whatever_way_its_fingerprint_is_written(tmp_path: Path) -> None:
    text = INVENTORY.replace(
        "credential: encryptors", f"credential: encryptors\n    certificate: {':'.join(['0A'] * 32)}", 1
    )
    assert load(tmp_path, text).devices[0].certificate == "0a" * 32


GROUP = """\
ha_groups:
  - {code: G, name: Cụm}
devices:
  - {code: 51-D-21548-A, site: 51-D-21548, address: 127.11.0.6, credential: encryptors, ha_group: G, ha_member: A}
"""


def test_a_group_needs_its_two_members(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an HA group has two members, G has 1"):
        load(tmp_path, INVENTORY.replace("devices:\n", GROUP))


def test_applying_the_same_inventory_changes_nothing_and_a_change_shows_old_and_new(tmp_path: Path) -> None:
    inventory = load(tmp_path)
    assert diff(inventory, inventory) == []
    (change,) = diff(inventory, load(tmp_path, INVENTORY.replace("127.11.0.5", "127.11.0.9")))
    assert str(change) == "~ devices 51-D-21548-1 (address: 127.11.0.5 -> 127.11.0.9)"


def test_everything_is_added_at_first_and_removed_when_it_is_left_out(tmp_path: Path) -> None:
    inventory = load(tmp_path)
    assert {change.kind for change in diff(None, inventory)} == {ChangeKind.ADD}
    without = load(tmp_path, INVENTORY[: INVENTORY.index("contacts:")])
    assert [str(change) for change in diff(inventory, without)] == ["- contacts watch"]
