"""Which engine speaks to which device."""

from __future__ import annotations

from channelwatch_collector.engines import RoutedEngine
from channelwatch_collector.snmp.port import V3, AuthProtocol, PollPlan, PrivProtocol, Target, V2c

from channelwatch.base.secrets import Secret
from tests.unit.poll.fakes import MemoryEngine


async def test_only_a_cipher_that_the_main_engine_lacks_goes_to_the_other() -> None:
    main, other = MemoryEngine(), MemoryEngine()
    made: list[MemoryEngine] = []

    def make() -> MemoryEngine:
        made.append(other)
        return other

    engine = RoutedEngine(main, make)
    phrase = Secret("long-enough")
    modern = V3("u", AuthProtocol.SHA256, phrase, PrivProtocol.AES128, phrase)
    old = V3("u", AuthProtocol.MD5, phrase, PrivProtocol.DES, phrase)
    for credential in (V2c(Secret("c")), modern):
        await engine.poll(Target("127.0.0.1", credential), PollPlan())
    assert (len(main.asked), made) == (2, [])
    await engine.poll(Target("127.0.0.1", old), PollPlan())
    await engine.get(Target("127.0.0.1", old), [])
    await engine.walk(Target("127.0.0.1", old), (1, 3))
    assert (len(main.asked), len(other.asked), len(made)) == (2, 3, 1)
    assert engine.counters == {"polls": 2, "other_polls": 3}
    await engine.close()
