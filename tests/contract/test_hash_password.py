"""The command that makes a hash, at the cost that it has in earnest."""

from __future__ import annotations

import argparse
import io

import pytest
from channelwatch_api.commands import hash_password

from channelwatch.base.errors import Permanent
from channelwatch.base.passwords import Cost, parse_hash


def test_the_command_prints_the_hash_of_two_equal_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("mật khẩu đủ dài\nmật khẩu đủ dài\n"))
    assert hash_password.run(argparse.Namespace()) == 0
    printed = capsys.readouterr().out
    held = parse_hash(printed.strip())
    assert held.verify("mật khẩu đủ dài")
    assert held.cost == Cost()
    assert "mật khẩu" not in printed


def test_a_password_that_is_no_text_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe12345678901\n" * 2), encoding="utf-8")
    )
    with pytest.raises(Permanent, match="not UTF-8 text"):
        hash_password.run(argparse.Namespace())
