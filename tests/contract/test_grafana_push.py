"""`channelwatch grafana push` against a strict Grafana: what it makes, what it leaves alone, what it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channelwatch.app.cli import main
from channelwatch.app.grafana.port import SENTENCES
from tests.support import free_port
from tests.support.grafana import TOKEN, FakeGrafana, fake_grafana

BOARDS = 7


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with fake_grafana() as found:
        yield found


@pytest.fixture
def push(grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)

    def run(*more: str, url: str = grafana.url, token: str = "env:GRAFANA_TOKEN") -> int:
        return main(["grafana", "push", "--url", url, "--token", token, *more])

    return run


def test_the_first_run_makes_everything_and_the_second_changes_nothing(
    grafana: FakeGrafana, push: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    assert push("--alertmanager", "http://127.0.0.1:9093", "--token-file", str(key)) == 0
    assert len(grafana.dashboards) == 2 * BOARDS
    assert {item["title"] for item in grafana.folders.values()} == {
        "Giám sát kênh truyền",
        "channelwatch (English)",
    }
    assert key.read_text() == "glsa_made_by_the_fake\n"
    assert key.stat().st_mode & 0o777 == 0o600
    made = len(grafana.changes)
    assert made == 2 * BOARDS + 2 + 1 + 1 + 1
    capsys.readouterr()
    key.unlink()
    assert push("--alertmanager", "http://127.0.0.1:9093", "--token-file", str(key), "--prune") == 0
    assert len(grafana.changes) == made
    assert capsys.readouterr().out == "0 to change, 18 as they ought to be\n"
    assert not key.exists()


def test_a_dry_run_shows_the_difference_and_changes_nothing(
    grafana: FakeGrafana, push: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push("--dry-run") == 0
    assert "would create dashboard cw-province" in capsys.readouterr().out
    assert grafana.changes == []
    push()
    grafana.dashboards["cw-self"]["dashboard"]["title"] = "Somebody's own title"
    before = len(grafana.changes)
    capsys.readouterr()
    assert push("--dry-run") == 0
    shown = capsys.readouterr().out
    assert "would update dashboard cw-self" in shown
    assert '- "title": "Somebody\'s own title"' in " ".join(shown.split())
    assert "1 to change" in shown
    assert len(grafana.changes) == before


def test_what_differs_is_updated_under_its_number(grafana: FakeGrafana, push: Any) -> None:
    push()
    grafana.folders["channelwatch-vi"]["title"] = "another"
    grafana.dashboards["cw-ha"]["dashboard"]["refresh"] = "1s"
    grafana.dashboards["cw-self"]["meta"]["folderUid"] = ""
    before = len(grafana.changes)
    assert push("--lang", "vi") == 0
    assert sorted(grafana.changes[before:]) == [
        ("POST", "/dashboards/db"),
        ("POST", "/dashboards/db"),
        ("PUT", "/folders/channelwatch-vi"),
    ]
    assert grafana.dashboards["cw-ha"]["dashboard"]["version"] == 2
    assert grafana.dashboards["cw-self"]["meta"]["folderUid"] == "channelwatch-vi"


def other(uid: str, *tags: str) -> dict[str, Any]:
    return {
        "dashboard": {"id": 99, "uid": uid, "title": uid, "version": 3, "tags": list(tags)},
        "meta": {"folderUid": "channelwatch-vi", "provisioned": False},
    }


def test_only_what_carries_our_tag_is_pruned_and_only_when_asked(grafana: FakeGrafana, push: Any) -> None:
    push()
    grafana.dashboards |= {"cw-old": other("cw-old", "channelwatch"), "theirs": other("theirs", "network")}
    elsewhere = other("copy", "channelwatch")
    elsewhere["meta"]["folderUid"] = "their-folder"
    grafana.dashboards["copy"] = elsewhere
    push()
    assert "cw-old" in grafana.dashboards
    push("--prune")
    assert "cw-old" not in grafana.dashboards
    assert {"theirs", "copy"} <= set(grafana.dashboards)


def test_what_is_not_ours_to_change_is_left_alone_and_told(
    grafana: FakeGrafana, push: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    push()
    grafana.dashboards["cw-audit"] = other("cw-audit", "network")
    grafana.dashboards["cw-ha"]["meta"]["provisioned"] = True
    grafana.dashboards["cw-ha"]["dashboard"]["title"] = "x"
    before = len(grafana.changes)
    capsys.readouterr()
    assert push() == 0
    shown = capsys.readouterr().out
    assert "left alone: dashboard cw-audit: another one has this uid" in shown
    assert "left alone: dashboard cw-ha: Grafana loads it from provisioning files" in shown
    assert len(grafana.changes) == before


def test_a_change_in_between_is_not_overwritten(
    grafana: FakeGrafana, push: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    push()
    board = grafana.dashboards["cw-self"]["dashboard"]
    board["refresh"] = "1s"
    grafana.before["POST", "/dashboards/db"] = lambda: board.update(version=7, title="theirs")
    assert push() == 1
    assert SENTENCES[412] in capsys.readouterr().err
    assert board["title"] == "theirs"


@pytest.mark.parametrize("status", [401, 403, 404, 409, 500, 503])
def test_each_refusal_is_one_sentence(
    grafana: FakeGrafana, push: Any, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    grafana.fail["POST", "/folders"] = status
    assert push() == 1
    told = capsys.readouterr().err.strip()
    sentence = SENTENCES.get(status, f"fails ({status}): look into its log, then run again")
    assert sentence in told
    assert "POST /folders" in told
    assert "\n" not in told
    assert TOKEN not in told
    assert len(grafana.changes) == 1


def test_a_wrong_token_an_absent_server_and_a_silent_one_are_told_apart(
    grafana: FakeGrafana, push: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_TOKEN", "not-the-token-of-it")
    assert push(token="env:OTHER_TOKEN") == 1
    assert SENTENCES[401] in capsys.readouterr().err
    assert push(url=f"http://127.0.0.1:{free_port()}") == 1
    assert "no Grafana answers at" in capsys.readouterr().err
    grafana.fail["GET", "/folders"] = 0
    assert push("--timeout", "0.2") == 1
    assert "did not answer within 0.2 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["ftp://host", "grafana.example.test", "http://user:pass@host", "http://host?x=1"]
)
def test_an_address_that_is_none_is_refused(push: Any, url: str) -> None:
    assert push(url=url) == 2


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9"])
def test_a_time_limit_that_is_none_is_refused(
    push: Any, seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push("--timeout", seconds) == 2
    assert "--timeout" in capsys.readouterr().err


def test_a_token_of_several_lines_is_refused_before_anything_is_asked(
    grafana: FakeGrafana, push: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "one\ntwo")
    assert push() == 2
    assert "a token has no blanks" in capsys.readouterr().err
    assert grafana.changes == []


def test_a_token_file_is_never_overwritten(grafana: FakeGrafana, push: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("precious")
    assert push("--token-file", str(key)) == 2
    assert key.read_text() == "precious"
    assert grafana.calls == []


def test_the_client_does_not_replace_urllib3() -> None:
    """A package that swaps urllib3 under a security product is out of the question."""
    code = (
        "import importlib.metadata as m, urllib3, grafana_api;"
        "assert urllib3.__version__ == m.version('urllib3');"
        "names = {d.metadata['Name'].lower() for d in m.distributions()};"
        "assert not names & {'urllib3-future', 'niquests'}, names"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
