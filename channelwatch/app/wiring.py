"""The only place that builds adapters and joins them to the pipeline."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial

from channelwatch.app.acks import follow_replies
from channelwatch.app.agenda import follow_agenda
from channelwatch.app.channels import ack_signer, build_channels
from channelwatch.app.jobs import calendar
from channelwatch.app.outlook import follow_availability
from channelwatch.app.playing import follow_drills
from channelwatch.app.roster import follow_roster, take_roster
from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.app.running.engine import Engine, Fittings, Job
from channelwatch.app.running.meters import Meters
from channelwatch.app.settings import Settings
from channelwatch.app.watch.heart import beat
from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import LogId
from channelwatch.incidents.restraint import Restraint
from channelwatch.inventory.model import Inventory, Province
from channelwatch.notify.gsm.transport import GsmChannel
from channelwatch.pipeline.ports import DeliveryChannel
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.device import StepPolicy
from channelwatch.store.sqlstore import SqlStore, open_store


def build_store(settings: Settings) -> SqlStore:
    """The status store of the settings; nothing is created or changed yet."""
    return open_store(settings.store.url, settings.folder)


def build_engine(settings: Settings) -> Engine:
    """The engine with everything that it needs. InputError for rule files that are wrong."""
    clock = SystemClock()
    rules = load_rules(settings.resolve(settings.alert_rules) if settings.alert_rules else shipped_rules())
    log = LogId(settings.collector.id)
    world = World(Inventory(Province(settings.instance.province, "")), rules, log, _policy(settings))
    store = build_store(settings)
    channels, closers = build_channels(settings, clock)
    fittings = Fittings(
        clock=clock,
        store=store,
        history=store,
        archive=store,
        drills=store,
        world=world,
        channels=channels,
        meters=Meters(settings.instance.id),
        jitter=random.random,
        closers=closers,
        preparations=(take_roster(store),),
        jobs=(
            *_reply_jobs(settings, channels),
            calendar(store),
            follow_agenda(store),
            follow_roster(store),
            beat,
            follow_drills(store),
            follow_availability(partial(build_store, settings)),
        ),
    )
    return Engine(settings, fittings)


def _reply_jobs(settings: Settings, channels: Mapping[str, DeliveryChannel]) -> list[Job]:
    """Read replies from the modem, where there is one and somebody may reply."""
    modem, signer, gsm = channels.get("gsm"), ack_signer(settings), settings.notify.gsm
    if not isinstance(modem, GsmChannel) or signer is None or gsm is None or not gsm.replies:
        return []
    return [follow_replies(modem, signer)]


def _policy(settings: Settings) -> WorldPolicy:
    snmp = settings.collector.snmp
    return WorldPolicy(
        poll_ms=snmp.poll_s * 1000,
        step=StepPolicy(misses_before_down=snmp.misses_before_down),
        restraint=Restraint(settings.notify.messages_per_10_min),
        ladders=settings.notify.ladders.ladders(),
        security_blocs=frozenset(settings.instance.security_events),
    )
