"""Figures of alerting, with Debian's Prometheus and Alertmanager asked the same in the same run.

`make bench-alert` prints one JSON line a figure; `make bench-alert ARGS="storm"` only some. What waits by its nature
(an outage of the receiver, Alertmanager's group interval, the classic chain) runs side by side; what needs the
processor runs alone. On a machine that does other things meanwhile every figure is worse than it should be, so what it
did before the run is said first, on standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from alert_figures import engine, peers, product
from alert_figures.sink import p95, sink
from figures import Figure

OUTAGE_S = 120.0
STORM = 5_000
STORM_GROUPS = 130
PEER = "Debian's Alertmanager"
CHAIN = "Debian's Prometheus (scrape and evaluation 15 s) and Alertmanager (group_wait 0s)"
BUSY = 0.5


def main() -> int:
    """Print one JSON line for each figure as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=1_000, help="how often the engine is killed")
    parser.add_argument("--kill-seconds", type=float, default=100.0,
                        help="and for how long at most; all thousand take about half an hour")  # fmt: skip
    parser.add_argument("part", nargs="*", help=f"what to measure, of {', '.join(PARTS)}; all without a name")
    args = parser.parse_args()
    unknown = set(args.part) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    busy = os.getloadavg()[0]
    print(f"load average before the run: {busy:.2f}", file=sys.stderr)
    if busy > BUSY:
        print("this machine is busy with something else: do not quote these figures", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-alert-") as name, ThreadPoolExecutor() as beside:
        bench = Bench(Path(name), beside, set(args.part) or set(PARTS), args.kills, args.kill_seconds)
        for figure in bench.figures():
            print(figure.line(), flush=True)
    return 0


class Bench:
    """One run in `folder`; what waits runs in the threads of `beside`."""

    def __init__(
        self, folder: Path, beside: ThreadPoolExecutor, wanted: set[str], kills: int, kill_seconds: float
    ) -> None:
        self.folder = folder
        self.wanted = wanted
        self.kills = kills
        self.kill_seconds = kill_seconds
        self._beside = beside

    def figures(self) -> Iterator[Figure]:
        """Each figure once it is there."""
        member = self._begin("member", partial(peers.new_member, self.folder / "am-member"))
        outage = self._begin("outage", partial(engine.after_outage, self.folder / "outage", OUTAGE_S))
        theirs = self._begin("outage", partial(peers.after_outage, self.folder / "am-outage", OUTAGE_S))
        chain = self._begin("latency", partial(peers.chain, self.folder / "chain"))
        joining: list[float] = []
        if self.wanted & {"latency", "member"}:
            joining, latency = self._latency(chain)
            yield from latency
        if outage is not None and theirs is not None:
            value, notes = outage.result() or 60.0, {"outage_s": OUTAGE_S, "alerts": 20}
            yield _figure(
                ("last delivery after a 2-minute outage", "s"), value, (10, 5), (PEER, theirs.result()), notes
            )
        if "storm" in self.wanted:
            yield from self._storm()
        if "kills" in self.wanted:
            yield from self._kills()
        if member is not None:
            notes = {
                "what": "p95, trap of a further device of a bloc whose first one has been told",
                "samples": len(joining),
                "peer_setting": "group_interval 5m, its default",
            }
            yield _figure(
                ("new member of a known group reaches a human", "s"),
                p95(joining),
                (5, 3),
                (PEER, member.result()),
                notes,
            )

    def _begin(self, part: str, work: Callable[[], object]) -> Future[object] | None:
        return self._beside.submit(work) if part in self.wanted else None

    def _latency(self, chain: Future[object] | None) -> tuple[list[float], list[Figure]]:
        """How long new members of known groups took, and the figures of single faults."""
        joining, traps, silences = asyncio.run(_product(self.folder / "product", chain is not None))
        if chain is None:
            return joining, []
        now, confirmed = chain.result()
        notes = {"p50": sorted(traps)[len(traps) // 2], "samples": len(traps)}
        found = [_figure(("trap to webhook, p95", "s"), p95(traps), (0.5, 0.25), (CHAIN, now), notes)]
        notes = {
            "p50": sorted(silences)[len(silences) // 2],
            "samples": len(silences),
            "poll_s": product.POLL_S,
        }
        peer = CHAIN + ", for: 1m"
        found.append(
            _figure(
                ("polled fault, confirmed, to webhook, p95", "s"),
                p95(silences),
                (15, 13),
                (peer, confirmed),
                notes,
            )
        )
        return joining, found

    def _storm(self) -> Iterator[Figure]:
        ours = engine.storm(self.folder / "storm", STORM, STORM_GROUPS)
        took, messages, growth = peers.storm(self.folder / "am-storm", STORM, STORM_GROUPS)
        notes = {
            "devices": STORM,
            "peer_setting": f"{STORM_GROUPS} groups, group_wait 0s, group_interval 10s",
        }
        yield _figure(("storm: whole picture out", "s"), ours.seconds, (2, 1), (PEER, took), notes)
        yield _figure(
            ("storm: messages to one receiver", "messages"),
            ours.messages,
            (130, 130),
            (PEER, messages),
            notes,
        )
        yield _figure(("storm: growth of memory", "MiB"), ours.growth_mib, (16, 8), (PEER, growth), notes)

    def _kills(self) -> Iterator[Figure]:
        ours = engine.deaths(self.folder / "kills", self.kills, self.kill_seconds, 20261122)
        lost, twice = peers.crash(self.folder / "am-crash")
        notes = {
            "kills": ours.kills,
            "messages": ours.messages,
            "seconds_alive": round(ours.alive_s),
            "incidents_without_message": ours.unpaged,
        }
        yield _figure(
            ("messages lost by SIGKILL", "messages"), ours.lost, (0, 0), (PEER, lost), notes | {"peer_of": 20}
        )
        share = 100 * ours.repeated / max(1, ours.messages)
        notes |= {
            "what": "messages that came twice, in percent of all messages of all lives",
            "repeated": ours.repeated,
            "repeated_per_kill": ours.repeated / max(1, ours.kills),
            "under_a_key_never_committed": ours.foreign,
            "peer_of": "percent of 20, sent again after a kill that came after their delivery",
        }
        yield _figure(("messages repeated by SIGKILL", "%"), share, (1, 0.2), (PEER, 100 * twice / 20), notes)


async def _product(folder: Path, with_single: bool) -> tuple[list[float], list[float], list[float]]:
    """How long new members, traps and silences took; only new members unless `with_single`."""
    with sink() as duty:
        async with product.watched(folder, duty) as simulation:
            silences = await product.silences(simulation, duty) if with_single else []
            joining = await product.members(simulation, duty)
            traps = await product.traps(simulation, duty) if with_single else []
            return joining, traps, silences


def _figure(
    name: tuple[str, str],
    value: float,
    limits: tuple[float, float],
    peer: tuple[str, object],
    notes: dict[str, object],
) -> Figure:
    """`name` with its unit, `limits` as floor and target, `peer` with what it reached."""
    (figure, unit), (floor, target), (who, theirs) = name, limits, peer
    return Figure(
        figure, unit, value, floor, target, measure="value", better="lower", peer=who,
        peer_value=float(theirs) if isinstance(theirs, int | float) else None, notes=notes,
    )  # fmt: skip


PARTS = ("latency", "member", "outage", "storm", "kills")

if __name__ == "__main__":
    sys.exit(main())
