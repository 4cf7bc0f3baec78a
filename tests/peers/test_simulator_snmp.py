"""The simulated devices against net-snmp's own tools."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from channelwatch_simulator import mib
from channelwatch_simulator.province import CREDENTIAL_V2C
from channelwatch_simulator.simulation import Simulation, Targets
from channelwatch_simulator.story import Act, Cause, Event

from channelwatch.base.secrets import Secret
from tests.support import Process, free_port, require_binary, wait_until
from tests.support.mibs import FOLDER, MODULE, write_base_modules
from tests.unit.simulator.running import AUTH, COMMUNITY, KEYS, PRIV, running

HUB, SPOKE = "51-D-T0001-A", "51-D-21548-1"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
OWN_TREE = "1.3.6.1.4.1.99999"


class Tools:
    """net-snmp's command line tools, asking one simulated province."""

    def __init__(self, simulation: Simulation, folder: Path) -> None:
        self.simulation = simulation
        self._folder = folder
        self._mibs = write_base_modules(folder)
        (folder / "persistent" / "cert_indexes").mkdir(parents=True)

    async def ask(self, tool: str, device: str, *names: str, **changes: str) -> str:
        """Output of `tool`, asking as user cw unless `changes` (by option letter) say otherwise."""
        options = {"v": "3", "l": "authPriv", "u": "cw", "a": "SHA-256", "A": AUTH, "x": "AES", "X": PRIV}
        options |= {"t": "10", "r": "1", "O": "n", "m": MODULE, "M": f"{FOLDER}:{self._mibs}"} | changes
        program = require_binary(tool, package="snmp")
        entry = next(item for item in self.simulation.inventory.devices if item.code == device)
        flat = [part for letter, value in options.items() for part in (f"-{letter}", value)]
        process = await asyncio.create_subprocess_exec(
            program,
            *flat,
            f"{entry.address}:{entry.port}",
            *names,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"SNMP_PERSISTENT_DIR": str(self._folder / "persistent"), "SNMPCONFPATH": str(self._folder)},
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        return output.decode()


@pytest.fixture
async def tools(tmp_path: Path) -> AsyncIterator[Tools]:
    async with running() as simulation:
        yield Tools(simulation, tmp_path)


async def test_a_get_with_full_protection(tools: Tools) -> None:
    assert await tools.ask("snmpget", HUB, SYS_NAME) == f'.{SYS_NAME} = STRING: "{HUB}"\n'


async def test_every_device_answers_on_its_own_address_with_its_own_engine(tools: Tools) -> None:
    seen = set()
    for bloc in "DCMQ":
        device = f"51-{bloc}-T0001-A"
        assert device in await tools.ask("snmpget", device, SYS_NAME)
        seen.add(await tools.ask("snmpget", device, "1.3.6.1.6.3.10.2.1.1.0"))
    assert len(seen) == 4


async def test_a_bulk_walk_ends_and_matches_single_steps(tools: Tools) -> None:
    by_bulk = await tools.ask("snmpbulkwalk", SPOKE, f"{OWN_TREE}.1.1.2")
    one_by_one = await tools.ask("snmpwalk", SPOKE, f"{OWN_TREE}.1.1.2")
    names = re.findall(r"^(\S+) =", by_bulk, re.M)
    assert names == re.findall(r"^(\S+) =", one_by_one, re.M)
    assert len(names) == 13
    whole = await tools.ask("snmpbulkwalk", HUB, "1.3.6.1")
    assert len(re.findall(r"^\.1\.3\.6\.1\.\S+ = ", whole, re.M)) > 250
    assert "No more variables" in whole


async def test_values_mean_what_the_mib_says(tools: Tools) -> None:
    walk = await tools.ask("snmpbulkwalk", HUB, OWN_TREE, O="s")
    assert "cweCryptoMode.0 = INTEGER: encrypting(1)" in walk
    assert "cweHaRole.0 = INTEGER: active(1)" in walk
    assert re.search(rf"cweTunnelRemoteId\.\d+ = STRING: {SPOKE}\n", walk)
    assert re.search(r"cweClock\.0 = STRING: 20\d\d-\d+-\d+,\d+:\d+:\d+\.\d,\+7:0", walk)
    assert re.search(r"cweTunnelRxOctets\.1 = Counter64: \d{6,} octets", walk)
    assert "Wrong Type" not in walk


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"A": "a wrong phrase"}, "Authentication failure"),
        ({"X": "a wrong phrase"}, "Decryption error"),
        ({"u": "stranger"}, "Unknown user name"),
        ({"l": "authNoPriv"}, "authorizationError"),
        ({"l": "noAuthNoPriv"}, "authorizationError"),
        ({"a": "SHA"}, "Authentication failure"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told(
    tools: Tools, changes: dict[str, str], words: str
) -> None:
    assert words in await tools.ask("snmpget", HUB, SYS_NAME, **changes)


async def test_an_old_engine_time_is_told_and_mended(tools: Tools) -> None:
    stale = await tools.ask("snmpget", HUB, SYS_NAME, Z="1,1")
    assert HUB in stale, "the manager sets its clock by the report and asks again"


async def test_nothing_can_be_set(tools: Tools) -> None:
    assert "noAccess" in await tools.ask("snmpset", HUB, SYS_NAME, "s", "x")


async def test_too_much_for_one_answer_is_too_big(tools: Tools) -> None:
    output = await tools.ask("snmpget", HUB, *["1.3.6.1.2.1.1.1.0"] * 40)
    assert "tooBig" in output


async def test_version_2c_devices_know_one_community(tools: Tools) -> None:
    old = next(item.code for item in tools.simulation.inventory.devices if item.credential == CREDENTIAL_V2C)
    assert old in await tools.ask("snmpget", old, SYS_NAME, v="2c", c=COMMUNITY)
    assert "Timeout" in await tools.ask("snmpget", old, SYS_NAME, v="2c", c="public", t="0.3", r="0")
    assert "Timeout" in await tools.ask("snmpget", HUB, SYS_NAME, v="2c", c=COMMUNITY, t="0.3", r="0")


async def test_a_device_that_is_out_is_silent_and_comes_back_restarted(tools: Tools) -> None:
    boots = "1.3.6.1.6.3.10.2.1.2.0"
    before = await tools.ask("snmpget", SPOKE, boots, O="qv")
    tools.simulation.happen(Event(0, Act.OUTAGE, (SPOKE,), Cause.POWER))
    assert "Timeout" in await tools.ask("snmpget", SPOKE, boots, t="0.3", r="0")
    tools.simulation.happen(Event(0, Act.RETURN, (SPOKE,), Cause.POWER))
    assert int(await tools.ask("snmpget", SPOKE, boots, O="qv")) == int(before) + 1


async def test_net_snmp_reads_the_mib_as_we_do(tmp_path: Path) -> None:
    program = require_binary("snmptranslate", package="snmp")
    base = write_base_modules(tmp_path)
    known = {name: arcs for table in (mib.SCALARS, mib.TUNNEL_COLUMNS) for name, (arcs, _) in table.items()}
    process = await asyncio.create_subprocess_exec(
        program, "-M", f"{FOLDER}:{base}", "-m", MODULE, "-On", *(f"{MODULE}::{name}" for name in known),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, complaints = await process.communicate()
    wanted = ["." + ".".join(map(str, (*mib.OBJECTS, *arcs))) for arcs in known.values()]
    assert output.decode().split() == wanted
    assert complaints == b""


async def test_smilint_finds_no_error(tmp_path: Path) -> None:
    program = require_binary("smilint", package="smitools")
    base = write_base_modules(tmp_path)
    process = await asyncio.create_subprocess_exec(
        program, "-l", "6", FOLDER / MODULE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={"SMIPATH": str(base)},
    )  # fmt: skip
    output, _ = await process.communicate()
    assert [line for line in output.decode().splitlines() if MODULE in line] == []


async def test_snmptrapd_takes_the_traps_of_both_versions(tmp_path: Path) -> None:
    receiver = require_binary("snmptrapd", package="snmptrapd")
    port = free_port("udp")
    targets = Targets(traps=("127.0.0.1", port))
    async with running(targets=targets) as simulation:
        old = next(item.code for item in simulation.inventory.devices if item.credential == CREDENTIAL_V2C)
        hub = simulation.world.devices[HUB]
        config = tmp_path / "snmptrapd.conf"
        config.write_text(
            f'createUser -e 0x{hub.engine_id.hex()} cw SHA-256 "{AUTH}" AES "{PRIV}"\n'
            f"authUser log cw priv\nauthCommunity log {COMMUNITY}\n"
        )
        argv = [receiver, "-f", "-C", "-c", config, "-Lo", "-On", "-m", "", "-n", f"udp:127.0.0.1:{port}"]
        env = {"SNMP_PERSISTENT_DIR": str(tmp_path / "persistent")}
        with Process(argv, folder=tmp_path, env=env) as process:
            await asyncio.to_thread(wait_until, lambda: "NET-SNMP version" in process.log())
            simulation.happen(Event(0, Act.HA_SWITCH, (HUB,)))
            simulation.happen(Event(0, Act.BYPASS_ON, (old,)))
            await asyncio.to_thread(wait_until, lambda: traps(process) >= 2)
            log = process.log()
    source = {item.code: item.address for item in simulation.inventory.devices}
    assert source[HUB] in log
    assert source[old] in log
    assert ".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.4.1.99999.1.0.4" in log
    assert '.1.3.6.1.4.1.99999.1.1.5.2.0 = STRING: "51-D-T0001"' in log
    assert ".1.3.6.1.4.1.99999.1.1.5.1.0 = INTEGER: 2" in log
    assert ".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.4.1.99999.1.0.5" in log


async def test_snmptrapd_refuses_a_trap_signed_with_another_key(tmp_path: Path) -> None:
    receiver = require_binary("snmptrapd", package="snmptrapd")
    port = free_port("udp")
    wrong = replace(KEYS, auth=Secret("another phrase"))
    targets = Targets(traps=("127.0.0.1", port))
    async with running(keys=wrong, targets=targets) as simulation:
        old = next(item.code for item in simulation.inventory.devices if item.credential == CREDENTIAL_V2C)
        config = tmp_path / "snmptrapd.conf"
        config.write_text(
            f'createUser -e 0x{simulation.world.devices[HUB].engine_id.hex()} cw SHA-256 "{AUTH}" AES "{PRIV}"\n'
            f"authUser log cw priv\nauthCommunity log {COMMUNITY}\n"
        )
        argv = [receiver, "-f", "-C", "-c", config, "-Lo", "-On", "-m", "", "-n", f"udp:127.0.0.1:{port}"]
        env = {"SNMP_PERSISTENT_DIR": str(tmp_path / "persistent")}
        with Process(argv, folder=tmp_path, env=env) as process:
            await asyncio.to_thread(wait_until, lambda: "NET-SNMP version" in process.log())
            simulation.happen(Event(0, Act.BYPASS_ON, (HUB,)))
            simulation.happen(Event(0, Act.TAMPER, (old,)))
            await asyncio.to_thread(wait_until, lambda: traps(process) >= 1)
            log = process.log()
    assert "99999.1.0.7" in log
    assert "99999.1.0.5" not in log


def traps(process: Process) -> int:
    """How many traps the receiver has written down."""
    return process.log().count(".1.3.6.1.6.3.1.1.4.1.0 = OID:")
