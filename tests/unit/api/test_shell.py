"""Small rules of the pages: where a form may lead, what a link looks like."""

from __future__ import annotations

import pytest
from channelwatch_api.board.compose import density
from channelwatch_api.board.render import Speech
from channelwatch_api.pages.shell import local_path
from channelwatch_api.texts import Language, load_catalogue


@pytest.mark.parametrize("path", ["/", "/devices/51-D-21548-1", "/en/incidents?x=1"])
def test_a_path_on_this_server_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "//elsewhere.test", "https://elsewhere.test", "/\\elsewhere.test", "/a\r\nSet-Cookie: b", "devices"],
)
def test_anything_else_leads_to_the_board(path: str) -> None:
    assert local_path(path) == "/"


def test_links_carry_the_language_and_quote_their_parts() -> None:
    say = Speech(load_catalogue().words(Language.EN), "/en")
    assert say.url("devices", "a/b c") == "/en/devices/a%2Fb%20c"
    assert say.url("incidents", 7, "ack") == "/en/incidents/7/ack"


@pytest.mark.parametrize(
    ("tiles", "name"), [(12, "roomy"), (24, "roomy"), (25, "normal"), (60, "normal"), (130, "dense")]
)
def test_more_communes_stand_closer(tiles: int, name: str) -> None:
    assert density(tiles) == name
