"""The only place that builds adapters and joins them to the pipeline."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial

from channelwatch.app.agenda import follow_agenda
from channelwatch.app.engine import Engine, Fittings
from channelwatch.app.jobs import calendar
from channelwatch.app.meters import Meters
from channelwatch.app.outlook import follow_availability
from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.app.settings import Settings
from channelwatch.app.texts import word
from channelwatch.base.clock import Clock, SystemClock
from channelwatch.base.ids import LogId
from channelwatch.inventory.model import Inventory, Province
from channelwatch.notify.smtp.transport import SmtpChannel, SmtpConfig
from channelwatch.notify.webhook.transport import WebhookChannel, WebhookConfig
from channelwatch.pipeline.ports import DeliveryChannel
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.device import StepPolicy
from channelwatch.store.sqlstore import SqlStore, open_store

Closer = Callable[[], Awaitable[None]]


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
        world=world,
        channels=channels,
        meters=Meters(settings.instance.id),
        jitter=random.random,
        closers=closers,
        jobs=(
            calendar(store),
            follow_agenda(store),
            follow_availability(partial(build_store, settings)),
        ),
    )
    return Engine(settings, fittings)


def build_channels(settings: Settings, clock: Clock) -> tuple[dict[str, DeliveryChannel], tuple[Closer, ...]]:
    """The delivery channels that are configured, and what closes them."""
    language, notify = settings.instance.language, settings.notify
    words = partial(word, language=language)
    channels: dict[str, DeliveryChannel] = {}
    closers: list[Closer] = []
    if notify.smtp is not None:
        smtp = notify.smtp
        config = SmtpConfig(
            smtp.host,
            smtp.port,
            smtp.sender,
            smtp.tls,
            smtp.user,
            smtp.password,
            smtp.timeout_s,
            domain=smtp.sender.partition("@")[2],
        )
        channels["smtp"] = SmtpChannel(config, words, language)
    if notify.webhooks:
        targets = {
            name: WebhookConfig(item.url, item.secret, item.timeout_s)
            for name, item in notify.webhooks.items()
        }
        webhook = WebhookChannel(targets, words, language, clock)
        channels["webhook"] = webhook
        closers.append(webhook.close)
    return channels, tuple(closers)


def _policy(settings: Settings) -> WorldPolicy:
    snmp = settings.collector.snmp
    return WorldPolicy(
        poll_ms=snmp.poll_s * 1000, step=StepPolicy(misses_before_down=snmp.misses_before_down)
    )
