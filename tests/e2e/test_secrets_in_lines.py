"""A secret in a syslog line gets no further than the receiver: not into a file, the log, the API or a page."""

from __future__ import annotations

import base64
import random
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml

from channelwatch.base.passwords import Cost, hash_password
from tests.support.installation import DEVICE, TOKEN, Installation, install
from tests.support.net import free_port
from tests.support.waiting import wait_until
from tests.unit.api.http_client import sign_in

ADDRESS, STRANGER = "127.11.0.6", "127.11.0.7"
PASSWORD = "only a test signs in with this"
ROUNDS = 12
LAST = b'<165>1 2026-11-22T10:42:03Z gw encryptor - tunnel-up [enc@99999 tunnel="the-last" peer="p"] up'
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def planted(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Secrets, each with a line that bears it: in every field that a pattern keeps, and where none fits."""

    def word(length: int) -> str:
        return "".join(chance.choices(_LETTERS, k=length))

    def key() -> bytes:
        return chance.randbytes(32)

    head = "<86>Nov 22 10:42:03 gw "
    for secret, line in (
        (word(14), head + "sshd[1]: Failed password for password=%s from 192.0.2.7 port 5 ssh2"),
        (key().hex(), head + "sshd[1]: Accepted publickey for %s from 192.0.2.7 port 5 ssh2"),
        (key().hex(), head + "charon: 12[IKE] CHILD_SA %s{4} established with SPIs c1a2b3c4_i 09e5f6a7_o"),
        (base64.b64encode(key()).decode(), head + "charon: 09[IKE] no shared key found for psk %s"),
        (word(12), head + "sudo: op : TTY=pts/0 ; USER=root ; COMMAND=/bin/login --password=%s"),
        (
            word(16),
            "<190>date=2026-11-22 time=10:42:03 devname=f logid=0100044547 type=event user=op cfgpath=psksecret=%s",
        ),
        (
            word(16),
            "<190>date=2026-11-22 time=10:42:03 devname=f logid=0100044547 type=event user=op cfgattr=psksecret[%s]",
        ),
        (
            word(16),
            "<134>Nov 22 10:42:03 c CEF:0|Check Point|VPN-1|1|Log|Key Install|1|act=Key Install peer_gateway=secret=%s",
        ),
        (
            key().hex(),
            '<165>1 2026-11-22T10:42:03Z gw encryptor - tunnel-down [enc@99999 tunnel="t" peer="%s"] down',
        ),
        (
            word(14),
            '<165>1 2026-11-22T10:42:03Z gw encryptor - login-ok [enc@99999 source="console" account="token=%s"] in',
        ),
        (word(15), "<999>no header here, community=%s"),
        (key().hex(), "<13>1 2026-99-22T10:42:03Z gw app - - key %s"),
        (word(14), head + "%s: app that no pattern knows, passphrase: %s".replace("%s", "vpnd", 1)),
        (base64.b64encode(chance.randbytes(240)).decode(), head + "vpnd: dump %s"),
        (base64.b64encode(key()).decode(), head + "vpnd: -----BEGIN PRIVATE KEY----- %s"),
        (word(20), head + "vpnd: TỐI MẬT số %s"),
    ):
        yield secret, (line % secret).encode()


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    made = install(tmp_path / "cw", address=ADDRESS, port=free_port("udp", ADDRESS), community="nobody answers",
                   webhook=free_port(), smtp=free_port(), poll_s=60)  # fmt: skip
    (made.folder / "secrets" / "hash").write_text(
        f"{hash_password(PASSWORD, Cost(n=1024))}\n", encoding="utf-8"
    )
    config = made.folder / "channelwatch.yaml"
    listening = f'relp: {{listen: "127.0.0.1:{free_port()}"}}, tcp: '
    config.write_text(config.read_text(encoding="utf-8").replace("tcp: ", listening, 1), encoding="utf-8")
    return made


def relp_port(place: Installation) -> int:
    config = yaml.safe_load((place.folder / "channelwatch.yaml").read_text(encoding="utf-8"))
    return int(config["collector"]["syslog"]["relp"]["listen"].rpartition(":")[2])


def send_over_relp(place: Installation, lines: list[bytes]) -> None:
    """Each line once the one before was acknowledged. Strangers get no further than their first word."""
    offers = b"relp_version=0\nrelp_software=test\ncommands=syslog"
    frames = [b"1 open %d %s\n" % (len(offers), offers)]
    frames += [b"%d syslog %d %s\n" % (number, len(line), line) for number, line in enumerate(lines, start=2)]
    with closing(socket.create_connection(("127.0.0.1", relp_port(place)), 30, (ADDRESS, 0))) as sender:
        for number, frame in enumerate(frames, start=1):
            sender.sendall(frame)
            answer = b""
            while not answer.endswith(b"\n") or (number == 1 and b"commands=" not in answer):
                octets = sender.recv(4096)
                assert octets, "the connection stays open"
                answer += octets
            assert b"%d rsp " % number in answer and b"200 OK" in answer, (frame, answer)


async def pages(place: Installation) -> str:
    """Everything that people and programs are shown."""
    shown = []
    base = f"http://127.0.0.1:{place.ports.http}"
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        assert (await sign_in(client, "truc", PASSWORD)).status_code == 303
        for path in ("/", "/devices", f"/devices/{DEVICE}", "/incidents"):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            shown.append(answer.text)
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for path in ("/api/v1/status", f"/api/v1/devices/{DEVICE}"):
            shown.append((await client.get(path, headers=bearer)).text)
    shown.append(metrics(place))
    return "\n".join(shown)


def metrics(place: Installation) -> str:
    """What Prometheus would read."""
    headers = {"Authorization": "Bearer the metrics token of a test"}
    return httpx.get(f"http://127.0.0.1:{place.ports.http}/metrics", headers=headers, timeout=60).text


def given_files(place: Installation) -> set[Path]:
    return {path for path in place.folder.rglob("*") if path.is_file()}


async def test_no_planted_secret_survives(place: Installation) -> None:
    chance = random.Random(7)
    secrets = [pair for _ in range(ROUNDS) for pair in planted(chance)]
    given = given_files(place)
    with place.running() as process:
        for source in (ADDRESS, STRANGER):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((source, 0))
                for line in (*(line for _, line in secrets), LAST):
                    sender.sendto(line, ("127.0.0.1", place.ports.syslog))
        with closing(socket.create_connection(("127.0.0.1", place.ports.syslog), 30, (ADDRESS, 0))) as stream:
            lines = [*(line for _, line in secrets), LAST]
            stream.sendall(b"".join(b"%d %s" % (len(line), line) for line in lines))
            wait_until(lambda: _last_ones(place) == 2, 30, what="the last line over UDP and over TCP")
        send_over_relp(place, lines)
        wait_until(lambda: _last_ones(place) == 3, 30, what="the last line over RELP too")
        wait_until(lambda: 'result="raw:bad_priority"' in metrics(place), 30, what="the counts of the lines")
        shown = await pages(place)
        log = process.log()
    assert "tunnel_down" in shown and "login_fail" in shown, "the lines themselves did arrive"
    assert 'result="refused:secrecy_stamp"' in shown
    kept = {path: path.read_bytes() for path in given_files(place) - given}
    assert any(path.name.startswith("channelwatch.db") for path in kept)
    for secret, line in secrets:
        assert secret not in shown, line
        assert secret not in log, line
        for path, octets in kept.items():
            assert secret.encode() not in octets, (path.name, line)


def _last_ones(place: Installation) -> int:
    with closing(sqlite3.connect(f"file:{place.database}?mode=ro", uri=True)) as store:
        found: int = store.execute("SELECT count(*) FROM event WHERE text LIKE '%the-last%'").fetchone()[0]
        return found
