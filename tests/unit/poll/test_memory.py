"""What the collector remembers between two runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from channelwatch_collector.memory import Remembered, memory_path, recall, remember
from channelwatch_collector.poll.watched import Box

from channelwatch.app.settings import load_settings
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import DeviceCode

SOME = Remembered(7, {DeviceCode("51-D-21548-1"): Box("8001", "S1", "2.4")})


def test_what_was_remembered_is_recalled(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "collector.json"
    remember(path, SOME)
    assert recall(path) == SOME
    assert [item.name for item in path.parent.iterdir()] == ["collector.json"]


def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    assert recall(tmp_path / "none.json") == Remembered()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"boots": 1}', '{"boots": 1, "boxes": {"a": {"b": 1}}}'])
def test_a_broken_file_is_set_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "collector.json"
    path.write_text(text, encoding="utf-8")
    assert recall(path) == Remembered()
    assert path.with_suffix(".broken").read_text(encoding="utf-8") == text


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(Permanent):
        remember(tmp_path / "data" / "collector.json", SOME)


@pytest.mark.parametrize(
    ("url", "folder"),
    [("sqlite:///store/cw.db", "store"), ("postgresql+psycopg://localhost/cw", "data")],
)
def test_it_lies_beside_the_store(tmp_path: Path, url: str, folder: str) -> None:
    config = tmp_path / "channelwatch.yaml"
    config.write_text(
        f'instance: {{id: i, province: "51", blocs: [party]}}\nstore: {{url: "{url}"}}\ncollector: {{id: c1}}\n',
        encoding="utf-8",
    )
    assert memory_path(load_settings(config)) == tmp_path / folder / "collector-c1.json"
