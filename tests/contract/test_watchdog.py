"""The watchdog's ear and voice, and the heartbeat of the engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from channelwatch.app.running.engine import Engine
from channelwatch.app.settings.heartbeat import (
    CheckinTarget,
    HeartbeatSettings,
    WatchdogSettings,
    WatchdogTarget,
    load_watchdog,
)
from channelwatch.app.watch.dog import Dog
from channelwatch.app.watch.heart import SIGNATURE, STAMP, beat
from channelwatch.app.watch.listener import MAX_BODY_BYTES
from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import InputError
from channelwatch.base.secrets import Secret, sign
from channelwatch.pipeline.heartbeat import Evidence
from tests.support import eventually
from tests.support.house import engine_over, running, store_of
from tests.support.net import free_port
from tests.support.receivers import WebSink, web_sink

SECRET = Secret("the heartbeat secret of a test")


def evidence(seq: int, **changes: int) -> Evidence:
    now = SystemClock().now()
    return replace(Evidence("test-1", now - 60_000, seq, now, 500, 0, 0, 0, 1, 0), **changes)


async def send(port: int, content: bytes, *, signature: str | None = None, path: str = "/beat") -> int:
    """Post `content`; the status of the answer."""
    stamp = "1789970400"
    signature = signature or "sha256=" + sign(SECRET, stamp.encode() + b"." + content)
    head = f"POST {path} HTTP/1.1\r\nHost: dog\r\n{STAMP}: {stamp}\r\n{SIGNATURE}: {signature}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


def body(found: Evidence) -> bytes:
    return json.dumps(asdict(found)).encode()


def configured(folder: Path, sink: WebSink, **times: float) -> WatchdogSettings:
    for name in ("beat", "hook"):
        (folder / name).write_text(SECRET.reveal(), encoding="utf-8")
    text = f"""\
instance: {{id: test-1, language: en}}
listen: "127.0.0.1:{free_port()}"
secret: "file:beat"
dead_after_s: {times.get("dead_after_s", 1)}
repeat_s: {times.get("repeat_s", 900)}
notify: {{webhooks: {{chief: {{url: "{sink.url}", secret: "file:hook"}}}}}}
tell: ["webhook:chief"]
"""
    (folder / "watchdog.yaml").write_text(text, encoding="utf-8")
    return load_watchdog(folder / "watchdog.yaml")


@asynccontextmanager
async def watching(settings: WatchdogSettings) -> AsyncIterator[int]:
    """A watchdog at work; its port."""
    stop = asyncio.Event()
    task = asyncio.create_task(Dog(settings, SystemClock()).run(stop))
    port = settings.listen.port

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(listens, what="the watchdog to listen")
    try:
        yield port
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def test_it_tells_of_silence_and_of_the_return(tmp_path: Path) -> None:
    with web_sink() as sink:
        async with watching(configured(tmp_path, sink)) as port:
            await eventually(lambda: sink.requests, 30, what="the cry")
            assert sink.requests[0].json["kind"] == "opened"
            assert sink.requests[0].json["severity"] == "p1"
            assert "The monitoring is dead or hangs" in sink.requests[0].json["text"]
            assert await send(port, body(evidence(1))) == 204
            await eventually(lambda: len(sink.requests) > 1, 30, what="the all-clear")
            assert sink.requests[1].json["kind"] == "restored"


async def test_beats_that_prove_nothing_do_not_keep_it_quiet(tmp_path: Path) -> None:
    with web_sink() as sink:
        async with watching(configured(tmp_path, sink)) as port:
            seq = 0
            while not sink.requests:
                seq += 1
                assert seq < 600, "alive but stale was taken for alive"
                assert await send(port, body(evidence(seq, evaluated_ms=31_000))) == 204
                await asyncio.sleep(0.05)


async def test_it_goes_on_telling_until_its_receiver_takes_it(tmp_path: Path) -> None:
    with web_sink() as sink:
        sink.answers = [(503, {})]
        async with watching(configured(tmp_path, sink)):
            await eventually(lambda: len(sink.requests) > 1, 30, what="another try")
            first, second = sink.requests[:2]
            assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


async def test_only_new_beats_with_the_right_signature_count(tmp_path: Path) -> None:
    with web_sink() as sink:
        async with watching(configured(tmp_path, sink, dead_after_s=3600)) as port:
            found = evidence(1)
            assert await send(port, body(found), signature="sha256=" + "0" * 64) == 401
            assert await send(port, body(found)) == 204
            assert await send(port, body(found)) == 400
            assert await send(port, body(replace(found, seq=2, instance="other"))) == 400
            assert await send(port, body(evidence(3, at=1))) == 400
            assert await send(port, b"{}") == 400
            assert await send(port, b'{"seq": NaN}') == 400
            assert await send(port, body(evidence(4)), path="/other") == 404
            assert await send(port, b" " * (MAX_BODY_BYTES + 1)) == 413
            assert await send(port, body(evidence(5))) == 204


async def test_whoever_says_nothing_or_too_much_is_cut_off(tmp_path: Path) -> None:
    with web_sink() as sink:
        async with watching(configured(tmp_path, sink, dead_after_s=3600)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /beat HTTP/1.1\r\n" + b"X: " + b"x" * 20_000)
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()
            idle, idle_writer = await asyncio.open_connection("127.0.0.1", port)
            assert await asyncio.wait_for(idle.read(), 30) == b""
            idle_writer.close()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("webhook:chief", "webhook:nobody", "is no way of notify"),
        ('secret: "file:beat"', "secret: plain", "must be a reference"),
        ("dead_after_s: 1", "dead_after_s: 0", "watchdog.yaml:4: dead_after_s"),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with web_sink() as sink:
        configured(tmp_path, sink)
    path = tmp_path / "watchdog.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_watchdog(path)
    assert any(problem in line for line in caught.value.problems), caught.value.problems


# The engine's side -------------------------------------------------------------------------------------------


def engine_with(heartbeat: HeartbeatSettings) -> Engine:
    engine = engine_over(store_of("memory", Path()))
    engine.settings = engine.settings.model_copy(update={"heartbeat": heartbeat})
    return engine


async def test_the_heart_sends_signed_evidence_and_calls_check_in_receivers() -> None:
    with web_sink() as dog, web_sink() as checkin:
        heartbeat = HeartbeatSettings.model_construct(
            every_s=0.2,
            watchdog=WatchdogTarget.model_construct(url=dog.url, secret=SECRET),
            checkins={"board": CheckinTarget(url=checkin.url)},
        )
        async with running(engine := engine_with(heartbeat)):
            task = asyncio.create_task(beat(engine))
            await eventually(lambda: len(dog.requests) > 2 and checkin.requests, 30, what="beats")
            task.cancel()
        first, second = (item.json for item in dog.requests[:2])
        assert (first["instance"], second["seq"] - first["seq"]) == ("test-1", 1)
        posted = dog.requests[0]
        stamp = posted.headers[STAMP.lower()]
        wanted = sign(SECRET, stamp.encode() + b"." + posted.body)
        assert posted.headers[SIGNATURE.lower()] == f"sha256={wanted}"


async def test_a_heart_that_beats_over_a_dead_pipeline_says_so() -> None:
    with web_sink() as good, web_sink() as bad:
        heartbeat = HeartbeatSettings.model_construct(
            every_s=0.1, checkins={"board": CheckinTarget(url=good.url, fail_url=bad.url)}
        )
        engine = engine_with(heartbeat)
        engine.evaluated_at_ms = engine.clock.monotonic_ms() - 31_000
        task = asyncio.create_task(beat(engine))
        await eventually(lambda: bad.requests, 30, what="the other address")
        task.cancel()
        assert good.requests == []


async def test_a_receiver_that_does_not_take_it_is_a_fault_of_the_monitoring() -> None:
    with web_sink() as sink:
        sink.answers = [(500, {})] * 2
        heartbeat = HeartbeatSettings.model_construct(
            every_s=0.1, checkins={"board": CheckinTarget(url=sink.url)}
        )
        async with running(engine := engine_with(heartbeat)):
            task = asyncio.create_task(beat(engine))
            await eventually(lambda: engine.extra_faults == {"unwatched"}, 30, what="the fault")
            await eventually(lambda: not engine.extra_faults, 30, what="its end")
            task.cancel()
