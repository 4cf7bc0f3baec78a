"""A collector that is killed without warning while a relay sends: nothing that RELP brought is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.relay_kill import kill_while_sending

KILLS = 10


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_counted_twice_over_relp(tmp_path: Path) -> None:
    outcome = kill_while_sending(tmp_path, "relp", kills=KILLS, lines_per_s=500)
    assert outcome.sent > 5_000
    assert (outcome.lost, outcome.repeated) == (0, 0)
