"""A device's own limits, from the inventory file through the store and the poller to its state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from channelwatch.app.inventoryfile import InventoryFile
from channelwatch.base.clock import EpochMs
from channelwatch.inventory.diff import diff
from channelwatch.inventory.model import Device
from channelwatch.status.device import DeviceState, StepPolicy, answered
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Health
from channelwatch.store.sqlstore import open_store
from tests.contract.test_poller import ENCRYPTOR, SERIAL, SYS_OBJECT_ID, UPTIME, Rig, target
from tests.support import eventually
from tests.unit.profiles.answers import oid, ticks, value

CPU = oid("1.3.6.1.4.1.99999.1.1.6.1.0")
PLAIN, LAX, STRICT = "51-D-20001-1", "51-D-20002-1", "51-D-20003-1"
OWN = {
    PLAIN: {},
    LAX: {"platform.cpu": {"above": {"degraded": 97}}},
    STRICT: {"platform.cpu": {"above": {"degraded": 50, "failed": 90}, "hold": 1}},
}


def stored_devices(folder: Path) -> tuple[Device, ...]:
    """The devices as the collector gets them: read from a file, written to the store, and read back."""
    document = {
        "version": 1,
        "province": {"code": "51", "name": "Quảng Ngãi"},
        "devices": [
            {
                "code": code,
                "site": "51-D-T0001",
                "address": f"127.0.0.{number}",
                "credential": "c",
                "limits": own,
            }
            for number, (code, own) in enumerate(OWN.items(), 1)
        ],
    }
    wanted = InventoryFile.model_validate(document).inventory()
    store = open_store("sqlite:///store.db", folder)
    try:
        store.upgrade()
        store.apply_inventory(wanted, diff(None, wanted), by="test", at=EpochMs(1))
        found = store.inventory()
    finally:
        store.close()
    assert found is not None
    assert found == replace(wanted, version=found.version)
    return found.devices


def cpu(readings: tuple[Reading, ...]) -> SignalState:
    return next(reading.state for reading in readings if reading.signal is Signal.PLATFORM_CPU)


async def test_each_device_is_judged_by_its_own_limits(tmp_path: Path) -> None:
    rig, devices = Rig(), stored_devices(tmp_path)
    told = {SYS_OBJECT_ID: ENCRYPTOR, SERIAL: value("RE1"), UPTIME: ticks(100), CPU: value(96)}
    for item in devices:
        rig.engine.objects[item.address] = dict(told)
    async with rig.running():
        for item in devices:
            rig.poller.watch(item, target(item), 50)
        await eventually(
            lambda: all(sum(one.device == code for one in rig.answers()) >= 4 for code in OWN), 30
        )
    judged = {code: [cpu(one.readings) for one in rig.answers() if one.device == code] for code in OWN}
    assert set(judged[LAX]) == {SignalState.OK}
    assert judged[STRICT][0] is SignalState.FAILED
    assert judged[PLAIN][:3] == [SignalState.OK, SignalState.OK, SignalState.FAILED]
    states = {code: DeviceState(devices[0].code) for code in OWN}
    for one in rig.answers():
        states[one.device] = answered(states[one.device], one, StepPolicy()).state
    assert states[LAX].assessment.health is not states[STRICT].assessment.health
    assert states[STRICT].assessment.health in (Health.DEGRADED, Health.DOWN)
