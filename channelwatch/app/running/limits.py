"""Every limit of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from channelwatch.pipeline.deliver import DeliveryPolicy


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Times in seconds unless named otherwise. Those of a stop count from when it was asked for."""

    batch: int = 2048
    storm_batch: int = 512
    storm_s: float = 2.0
    tick_s: float = 1.0
    lease_ttl_ms: int = 5_000
    begin_ttl_ms: int = 30_000
    inventory_s: float = 2.0
    count_s: float = 5.0
    retry_s: float = 0.5
    hold_s: float = 5.0
    hold_most: int = 20_000
    person_s: float = 5.0
    stop_parts_s: float = 2.3
    stop_drain_s: float = 2.9
    stop_send_s: float = 3.3
    stop_tasks_s: float = 3.6
    stop_close_s: float = 4.0
    delivery: DeliveryPolicy = DeliveryPolicy()
