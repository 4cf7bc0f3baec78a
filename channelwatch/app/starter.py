"""`channelwatch init`: a folder with everything that a first device needs, its secrets made here and now."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from channelwatch.base.errors import InputError
from channelwatch.base.passwords import hash_password
from channelwatch.inventory.model import Bloc

ACCOUNT = "truong-ca"

CONFIG = """\
# Made by `channelwatch init`. Every key is explained in docs/configuration.md.
instance: {{id: {province}-{bloc}-1, province: "{province}", blocs: [{bloc}]}}
inventory: {{file: inventory.yaml}}
collector:
  id: {province}-{bloc}-collector-1
  snmp: {{poll_s: 30}}
  traps: {{listen: "0.0.0.0:1162"}}        # devices send to 162: redirect it, or see docs/operations.md
  syslog: {{udp: "0.0.0.0:1514", tcp: "0.0.0.0:1514"}}
credentials:
  first: {{version: 2c, community: "file:secrets/community"}}
  # encryptors: {{version: "3", user: USER, auth: SHA-256, auth_pass: "file:secrets/auth",
  #              priv: AES-128, priv_pass: "file:secrets/priv"}}
# notify: says where alerts go: docs/configuration.md
http:
  listen: "127.0.0.1:8080"
  session_secret: file:secrets/session
  metrics_token: file:secrets/metrics
  accounts:
    - {{name: {account}, role: chief, blocs: [{bloc}], password: "file:secrets/{account}.hash"}}
"""

INVENTORY = """\
# Every key is explained in docs/inventory.md. A device that is not yet in_service is polled and shown; it opens no
# incidents.
version: 1
province: {{code: "{province}", name: Tỉnh {province}}}
units:
  - {{code: first-unit, kind: province_office, name: Đơn vị thứ nhất}}
sites:
  - {{code: first-site, unit: first-unit, bloc: {bloc}}}
devices:
  - {{code: {province}-{letter}-T0001-1, site: first-site, address: 192.0.2.10, credential: first}}
"""


class Init:
    """Writes a starting folder; never overwrites one."""

    name = "init"
    help = "write a folder with a configuration, an inventory of one device, and new secrets"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """The folder, and whose devices it will watch."""
        parser.add_argument("folder", type=Path, help="where; made if it is not there")
        parser.add_argument("--province", default="51", help="two-digit code of the province (default: 51)")
        parser.add_argument("--bloc", choices=[bloc.value for bloc in Bloc], default="party")

    def run(self, args: argparse.Namespace) -> int:
        """Write the files and print the password of the account, once."""
        folder: Path = args.folder
        taken = [
            name for name in ("channelwatch.yaml", "inventory.yaml", "secrets") if (folder / name).exists()
        ]
        if taken:
            raise InputError([f"{folder / taken[0]}: is there already; choose another folder"])
        if not (args.province.isascii() and args.province.isdecimal() and len(args.province) == 2):
            raise InputError(["--province: must be two digits"])
        words = {
            "province": args.province,
            "bloc": args.bloc,
            "letter": Bloc(args.bloc).letter,
            "account": ACCOUNT,
        }
        password = secrets.token_urlsafe(12)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "channelwatch.yaml").write_text(CONFIG.format(**words), encoding="utf-8")
        (folder / "inventory.yaml").write_text(INVENTORY.format(**words), encoding="utf-8")
        _write_secrets(folder / "secrets", {f"{ACCOUNT}.hash": str(hash_password(password))})
        print(f"wrote {folder}/channelwatch.yaml, inventory.yaml and secrets/")
        print(f"put the device's community into {folder}/secrets/community")
        print(f"sign in as {ACCOUNT} with the password {password} (shown once; only its hash is kept)")
        return 0


def _write_secrets(folder: Path, more: dict[str, str]) -> None:
    folder.mkdir(mode=0o700)
    made = {name: secrets.token_urlsafe(32) for name in ("session", "metrics", "community")}
    for name, value in (made | more).items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")
