"""An alert for tests."""

from __future__ import annotations

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import PageKind, Severity, SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.ports import Alert
from tests.support.province import START, spoke

ALERT = Alert(
    key="SC-000001.0.opened.0.watch.0",
    incident=1,
    number="SC-000001",
    kind=PageKind.OPENED,
    severity=Severity.P1,
    rule="plaintext-bypass",
    subject_kind=SubjectKind.DEVICE,
    subject=spoke(1),
    unit="Đặng Thuỳ Trâm",
    bloc=Bloc.PARTY,
    cause="bypass",
    title={"vi": "Kênh đang truyền rõ", "en": "Traffic passes in plaintext"},
    runbook="plaintext-bypass",
    t0=EpochMs(START),
    caused_at=EpochMs(START),
    created_at=EpochMs(START + 10),
)
