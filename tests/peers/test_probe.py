"""`channelwatch probe` against Debian's snmpd and against simulated encryptors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from channelwatch.app.cli import main
from tests.support import free_port
from tests.support.net import has_ipv6_loopback
from tests.support.snmp_agent import ScriptedAgent, serving
from tests.support.snmpd import AUTH_PHRASE, COMMUNITY, PRIV_PHRASE, Agent, running_snmpd, user_name
from tests.unit.simulator.running import AUTH, PRIV, running
from tests.unit.simulator.running import COMMUNITY as SIMULATED_COMMUNITY

Probe = Callable[..., tuple[int, str, str]]


@pytest.fixture
def probe(capsys: pytest.CaptureFixture[str]) -> Probe:
    """Runs the command; (status, output, errors)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["probe", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with running_snmpd(tmp_path_factory.mktemp("snmpd")) as found:
        yield found


def where(agent: Agent) -> str:
    return f"{agent.address}:{agent.port}"


def v3(
    auth: str = AUTH_PHRASE, priv: str = PRIV_PHRASE, user: str = user_name("sha256", "aes128")
) -> list[str]:
    return ["--v3-user", user, "--auth-pass", auth, "--priv-pass", priv]


def states(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(item["signal"], item["component"]): item["state"] for item in document["readings"]}


def test_a_linux_host_is_recognised_and_read_over_v2c(agent: Agent, probe: Probe) -> None:
    status, output, errors = probe(where(agent), "--community", COMMUNITY, "--json")
    assert (status, errors) == (0, "")
    document = json.loads(output)
    assert (document["profile"], document["recognised_by"]) == ("net-snmp", "sys_object_id")
    found = states(document)
    # Of its processor this agent says nothing before it has run for a minute.
    for signal in ("sys.uptime", "platform.mem", "time.skew"):
        assert found[signal, ""] in ("ok", "degraded", "failed"), signal
    assert found["time.skew", ""] == "ok"
    assert "crypto.mode" in document["unsupported"]


def test_the_same_host_is_read_over_v3_and_shows_its_engine(agent: Agent, probe: Probe) -> None:
    status, output, _ = probe(where(agent), *v3(), "--json")
    document = json.loads(output)
    assert status == 0
    assert document["engine_id"] == agent.engine_id.hex()
    assert states(document)["inv.engine_id", ""] == "ok"


def test_the_text_shows_identity_profile_signals_and_what_is_missing(agent: Agent, probe: Probe) -> None:
    status, output, _ = probe(where(agent), "--community", COMMUNITY)
    assert status == 0
    assert "profile      net-snmp, by sysObjectID: 1.3.6.1.4.1.8072.3.2" in output
    assert "sys.uptime" in output and "1.3.6.1.2.1.25.1.1.0" in output
    assert "not offered: " in output


def test_a_profile_may_be_set(agent: Agent, probe: Probe) -> None:
    _, output, _ = probe(where(agent), "--community", COMMUNITY, "--profile", "reference-encryptor", "--json")
    document = json.loads(output)
    assert (document["profile"], document["recognised_by"]) == ("reference-encryptor", "set")


def test_an_operators_profile_is_found_in_its_folder(agent: Agent, probe: Probe, tmp_path: Path) -> None:
    text = "name: rack\ndescription: x\nmatch: {sysdescr: Linux}\nscalars: {place: '1.3.6.1.2.1.1.6.0'}\n"
    text += "signals: [{signal: inv.model, value: place}]\n"
    (tmp_path / "rack.yaml").write_text(text, encoding="utf-8")
    _, output, _ = probe(where(agent), "--community", COMMUNITY, "--profiles", str(tmp_path), "--json")
    document = json.loads(output)
    assert document["profile"] == "rack"
    assert [item["value"] for item in document["readings"]] == ["rack 7"]


def test_secrets_come_from_files_and_the_environment(
    agent: Agent, probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "auth").write_text(AUTH_PHRASE + "\n", encoding="utf-8")
    monkeypatch.setenv("PROBE_PRIV", PRIV_PHRASE)
    status, _, errors = probe(where(agent), *v3(f"file:{tmp_path / 'auth'}", "env:PROBE_PRIV"))
    assert (status, errors) == (0, "")


@pytest.mark.parametrize(
    ("credential", "sentence"),
    [
        (["--community", "wrong-community"], "no answer"),
        (v3(auth="another-phrase"), "refuses the pass phrase"),
        # What snmpd cannot decrypt it drops without a word.
        (v3(priv="another-phrase"), "wrong privacy pass phrase"),
        (v3(user="stranger"), "does not know this SNMPv3 user"),
        (
            ["--v3-user", user_name("sha256", "aes128"), "--auth-pass", AUTH_PHRASE],
            "does not cover|security level",
        ),
    ],
    ids=["community", "auth", "priv", "user", "level"],
)
def test_each_refusal_has_its_own_sentence(
    agent: Agent, probe: Probe, credential: list[str], sentence: str
) -> None:
    status, output, errors = probe(where(agent), *credential, "--timeout", "0.5")
    assert (status, output) == (1, "")
    assert any(part in errors for part in sentence.split("|")), errors
    assert len(errors.splitlines()) == 1
    for secret in (AUTH_PHRASE, PRIV_PHRASE, "another-phrase", "wrong-community"):
        assert secret not in errors


def test_a_closed_port_is_told_from_silence(probe: Probe) -> None:
    status, _, errors = probe(f"127.0.0.1:{free_port('udp')}", "--community", "x")
    assert status == 1
    assert "no SNMP agent listens on this port" in errors


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["127.0.0.1"], "either --community or --v3-user"),
        (["127.0.0.1", "--community", "a", "--v3-user", "b"], "either --community or --v3-user"),
        (["127.0.0.1:port", "--community", "a"], "is not HOST or HOST:PORT"),
        (
            ["127.0.0.1", "--community", "env:NOT_SET_AT_ALL"],
            "environment variable NOT_SET_AT_ALL is not set",
        ),
        (["127.0.0.1", "--community", "file:/nowhere/at/all"], "secret file"),
        (["127.0.0.1", "--v3-user", "u", "--auth-pass", "short"], "at least 8"),
        (["127.0.0.1", "--community", "a", "--profile", "nothing"], "there is no profile 'nothing'"),
        (["127.0.0.1", "--community", "a", "--timeout", "0"], "timeout_s"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(
    probe: Probe, arguments: list[str], sentence: str
) -> None:
    status, _, errors = probe(*arguments)
    assert status == 2
    assert sentence in errors


async def test_an_agent_that_answers_nonsense_is_named_so(probe: Probe) -> None:
    agent = ScriptedAgent(wrap=lambda datagram: [b"not snmp at all"])
    async with serving(agent):
        host, port = agent.address
        arguments = [f"{host}:{port}", "--community", agent.community.decode(), "--timeout", "0.3"]
        status, _, errors = await asyncio.to_thread(probe, *arguments)
    assert status == 1
    assert "what came back is not SNMP" in errors


async def test_a_simulated_encryptor_shows_every_family_of_signals(probe: Probe) -> None:
    async with running() as simulation:
        hub = next(item for item in simulation.inventory.devices if item.code == "51-D-T0001-A")
        arguments = [f"{hub.address}:{hub.port}", *v3(AUTH, PRIV, "cw"), "--json", "--expect", "51-D-99999-1"]
        status, output, errors = await asyncio.to_thread(probe, *arguments)
    assert (status, errors) == (0, "")
    document = json.loads(output)
    assert document["profile"] == "reference-encryptor"
    found = states(document)
    assert found.pop(("channel.state", "51-D-99999-1")) == "failed"
    assert found.pop(("channel.up_count", "")) == "degraded"
    assert set(found.values()) == {"ok"}
    families = {signal.partition(".")[0] for signal, _ in found}
    assert families == {
        "channel", "crypto", "key", "cert", "hsm", "ha", "platform", "env", "power", "if", "time", "sys", "sec", "inv",
    }  # fmt: skip
    rates = [item["value"] for item in document["readings"] if item["signal"] == "channel.rx_bytes"]
    assert rates and all(rate > 0 for rate in rates)


async def test_a_simulated_encryptor_is_read_over_v2c_too(probe: Probe) -> None:
    async with running() as simulation:
        item = next(item for item in simulation.inventory.devices if item.credential == "legacy")
        arguments = [f"{item.address}:{item.port}", "--community", SIMULATED_COMMUNITY, "--json"]
        status, output, _ = await asyncio.to_thread(probe, *arguments)
    assert status == 0
    document = json.loads(output)
    assert document["engine_id"] is None
    assert "ha.sync" in document["unsupported"]
    assert states(document)["crypto.mode", ""] == "ok"


def test_a_device_that_speaks_only_des_is_read_all_the_same(agent: Agent, probe: Probe) -> None:
    arguments = [*v3(user=user_name("md5", "des")), "--auth", "MD5", "--priv", "DES", "--json"]
    status, output, errors = probe(where(agent), *arguments)
    assert (status, errors) == (0, "")
    assert json.loads(output)["profile"] == "net-snmp"


def test_a_host_is_read_over_ipv6(probe: Probe, tmp_path: Path) -> None:
    if not has_ipv6_loopback():
        pytest.skip("this machine has no ::1")
    with running_snmpd(tmp_path, address="::1") as found:
        status, output, errors = probe(f"[::1]:{found.port}", *v3(), "--json")
    assert (status, errors) == (0, "")
    assert json.loads(output)["profile"] == "net-snmp"
