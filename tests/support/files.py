"""Configuration and inventory files for tests, written into a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

CONFIG = """\
instance: {id: test-1, province: "51", blocs: [party]}
store: {url: "sqlite:///data/channelwatch.db"}
collector:
  id: col-1
  snmp: {timeout_s: 0.5, retries: 0, poll_s: 1, confirm_s: 0.5}
credentials:
  encryptors:
    {version: "3", user: cw, auth: SHA-256, auth_pass: "file:secrets/auth", priv: AES-128, priv_pass: "env:CW_PRIV"}
notify:
  webhooks: {duty: {url: "http://127.0.0.1:9/alert", secret: "file:secrets/webhook"}}
"""

ENVIRON = {"CW_PRIV": "a pass phrase for tests"}

INVENTORY = """\
version: 1
province: {code: "51", name: Quảng Ngãi}
units:
  - {code: "21548", kind: commune, commune_kind: dac_khu, name: Lý Sơn}
sites:
  - {code: 51-D-21548, unit: "21548", bloc: party}
devices:
  - code: 51-D-21548-1
    site: 51-D-21548
    address: 127.11.0.5
    credential: encryptors
    level: 4
    life_cycle: in_service
    inspection: {number: 12/BBKT, date: 2026-06-30}
    handover: {number: 12/BBBG, date: 2026-07-05}
contacts:
  - {code: watch, role: watch, post: Trực giám sát, blocs: [party], deliver: ["webhook:duty"]}
"""


def write_config(folder: Path, text: str = CONFIG) -> Path:
    """`channelwatch.yaml` in `folder`, with the secret files that it refers to; its path."""
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    for name in ("auth", "webhook"):
        (secrets / name).write_text(f"the {name} secret of a test\n", encoding="utf-8")
        (secrets / name).chmod(0o600)
    path = folder / "channelwatch.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def write_inventory(folder: Path, text: str = INVENTORY) -> Path:
    """`inventory.yaml` in `folder`; its path."""
    path = folder / "inventory.yaml"
    path.write_text(text, encoding="utf-8")
    return path
