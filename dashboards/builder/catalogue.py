"""Every dashboard. The uids are for ever: what links to one must go on working."""

from __future__ import annotations

from dashboards.builder.boards import audit, device, incidents, layers, own, pairs, province
from dashboards.builder.model import Board

BOARDS: tuple[Board, ...] = (
    province.BOARD,
    device.BOARD,
    pairs.BOARD,
    incidents.BOARD,
    audit.BOARD,
    own.BOARD,
    layers.BOARD,
)
