"""Lines of Linux daemons that look like something else, or like their own opposite."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.packfile import PackFile
from channelwatch_collector.syslog.parse.classify import Classified, Classifier, NoKind
from channelwatch_collector.syslog.parse.header import parse_header

from channelwatch.base.clock import EpochMs
from channelwatch.status.events import EventKind
from tests.support.packs import packs

AT = EpochMs(1_795_318_923_000)
CN = "CN=sub-ca"


def classify(text: str, classifier: Classifier | None = None) -> Classified | NoKind:
    line = f"<29>Nov 22 10:42:03 gw-01 {text}".encode()
    return (classifier or packs()).classify(parse_header(line, received_at=AT))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('pluto[7]: "hub-a" #2: deleting established Child SA using IKE SA #1', EventKind.OTHER),
        ('pluto[7]: "hub-a" #2: initiating Quick Mode PSK+ENCRYPT+TUNNEL+PFS+UP {using isakmp#1}', None),
        ('pluto[7]: "hub-a" #3: initiating rekey to replace Child SA #2', None),
        ("charon: 08[CFG]    replay_window = 32", None),
        (f'charon: 12[CFG]   using untrusted intermediate certificate "{CN}"', None),
        ("charon: 12[CHD] CHILD_SA hub-a{3} state change: INSTALLED => REKEYING", None),
        ("charon: 12[IKE] DH group MODP_1024 unacceptable, requesting MODP_2048", None),
        ("charon: 12[IKE] scheduling rekeying in 13286s", EventKind.OTHER),
        (
            "ovpn[9]: 203.0.113.9:4011 SIGUSR1[soft,connection-reset] received, client-instance restarting",
            None,
        ),
        ("ovpn[9]: 203.0.113.9:4011 Connection reset, restarting [0]", None),
        ("kernel: ata1: SATA link down (SStatus 0 SControl 300)", None),
        ("smartd[9]: Device: /dev/sda, SMART Usage Attribute: 194 Temperature changed from 114 to 113", None),
        ("chronyd[9]: Source 192.0.2.123 online", None),
        ("systemd-timesyncd[9]: Network configuration changed, trying to establish connection.", None),
        ("passwd[9]: pam_unix(passwd:chauthtok): new password not acceptable", None),
        ("sudo: operator : a password is required ; USER=root ; COMMAND=/bin/id", EventKind.AUTH_FAILURE),
    ],
)
def test_a_line_is_not_taken_for_what_it_is_not(text: str, kind: EventKind | None) -> None:
    result = classify(text)
    assert (result.kind if isinstance(result, Classified) else None) is kind


@pytest.mark.parametrize(
    ("text", "component", "value"),
    [
        ("kernel: bond0: link status definitely down for interface eth1, disabling it", "eth1", "down"),
        ("kernel: bond0: (slave eth1): link status definitely down, disabling slave", "eth1", "down"),
        ("System: UPS: A battery fault no longer exists. 0x0208", "", "ok"),
        ("Keepalived_vrrp[9]: (VI_1): entering FAULT state (interface eth0 down)", "", "fault"),
    ],
)
def test_a_reading_says_which_part_and_which_way(text: str, component: str, value: str) -> None:
    result = classify(text)
    assert isinstance(result, Classified)
    assert [(reading.component, reading.value) for reading in result.readings] == [(component, value)]


def test_a_peer_without_a_name_gives_no_reading() -> None:
    result = classify("ovpn[9]: [UNDEF] Inactivity timeout (--ping-restart), restarting")
    assert isinstance(result, Classified)
    assert (result.kind, result.component, result.readings) == (EventKind.TUNNEL_DOWN, "", ())


@pytest.mark.parametrize("name", ["x from 203.0.113.9 port 22 ssh2", "from 203.0.113.9", "a b", ""])
def test_who_tries_to_sign_in_cannot_choose_the_address(name: str) -> None:
    for text in (
        f"Failed password for invalid user {name} from 192.0.2.7 port 40111 ssh2",
        f"Invalid user {name} from 192.0.2.7 port 40111",
        f"error: PAM: Authentication error for illegal user {name} from 192.0.2.7",
        f"error: maximum authentication attempts exceeded for {name} from 192.0.2.7 port 4 ssh2 [preauth]",
    ):
        result = classify(f"sshd[9]: {text}")
        assert isinstance(result, Classified)
        assert dict(result.fields)["source"] == "192.0.2.7", text


@pytest.mark.parametrize(
    "text",
    [
        "message repeated 4 times: [ Failed password for root from 192.0.2.7 port 4 ssh2]",
        "[ID 800047 auth.info] Failed password for root from 192.0.2.7 port 4 ssh2",
    ],
)
def test_what_a_daemon_puts_around_a_text_hides_nothing(text: str) -> None:
    result = classify(f"sshd[9]: {text}")
    assert isinstance(result, Classified)
    assert (result.kind, dict(result.fields)["account"]) == (EventKind.LOGIN_FAIL, "root")


@pytest.mark.parametrize(
    ("app", "fits"),
    [
        ("vpnd", True),
        ("vpnd_blue", True),
        ("VPND-7", True),
        ("vpnd(pam_unix)", True),
        ("vpn", False),
        ("xvpnd", False),
    ],
)
def test_a_program_may_be_named_by_how_its_name_begins(app: str, fits: bool) -> None:
    down = {"id": "down", "apps": ["vpnd*"], "kind": "tunnel_down", "examples": [{"line": "<13>x"}]}
    pack = PackFile.model_validate({"version": 1, "id": "sample", "title": "Sample", "patterns": [down]})
    classifier = Classifier([entry.compile(pack) for entry in pack.patterns])
    assert isinstance(classify(f"{app}[9]: gone", classifier), Classified) is fits
