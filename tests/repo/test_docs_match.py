"""What the documents say of keys, defaults, limits, rules, fields and commands is what the program does."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
from functools import partial
from itertools import product
from pathlib import Path

import pytest
import yaml
from channelwatch_api.texts import own_rows
from pydantic import BaseModel

from channelwatch.app.alertrules.cases import load_cases, play
from channelwatch.app.cli import main
from channelwatch.app.inventoryfile import InventoryFile, load_inventory
from channelwatch.app.rulefile import RuleFile, duration_ms, load_rules, shipped_rules
from channelwatch.app.settings import Settings, load_settings
from channelwatch.app.settings.heartbeat import WatchdogSettings, load_watchdog
from channelwatch.app.texts import catalogue, word
from channelwatch.base.ids import RuleId
from channelwatch.base.secrets import Secret
from channelwatch.incidents.escalation import LADDERS
from channelwatch.incidents.model import PageKind, Severity
from channelwatch.incidents.rules import EXTERNAL, external_rule
from channelwatch.inventory.model import LifeCycle, Role
from channelwatch.notify.webhook import template
from channelwatch.notify.words import Voice
from channelwatch.status.signals import Signal
from channelwatch.status.topology import Claim, Member, pair_state
from tests.repo.documents import (
    DOCS,
    NAME_IN_CODE,
    blocks,
    example,
    keys_of,
    named,
    plain,
    rows_under,
)
from tests.repo.tree import PACKAGES, repository_files, text_of
from tests.support import require_binary
from tests.support.alerts import ALERT
from tests.support.peers import ROOT

RULES = load_rules(shipped_rules()).rules
RUNBOOKS = Path("docs/runbooks")


def doc(name: str) -> str:
    return text_of(Path("docs") / name)


def documented(name: str) -> dict[str, list[str]]:
    """The rows of a document's key tables by key."""
    rows = rows_under(doc(name), "key", "default", "meaning")
    keys = [plain(row[0]) for row in rows]
    assert len(keys) == len(set(keys)), "a key is explained twice"
    return dict(zip(keys, rows, strict=True))


# Keys ---------------------------------------------------------------------------------------------------------

FORMATS = [("configuration.md", Settings), ("inventory.md", InventoryFile), ("alert-rules.md", RuleFile)]


@pytest.mark.parametrize(("name", "model"), FORMATS)
def test_every_key_of_a_file_is_explained_and_every_explained_key_exists(
    name: str, model: type[BaseModel]
) -> None:
    assert set(documented(name)) == set(keys_of(model))


@pytest.mark.parametrize(("name", "model"), FORMATS)
def test_the_default_of_a_key_is_the_programs(name: str, model: type[BaseModel]) -> None:
    said = {key: plain(row[1]) for key, row in documented(name).items()}
    assert said == {key: found.default for key, found in keys_of(model).items()}


@pytest.mark.parametrize(("name", "model"), FORMATS)
def test_every_word_that_a_key_takes_is_named(name: str, model: type[BaseModel]) -> None:
    rows = documented(name)
    missing = {
        f"{key}: {word}"
        for key, found in keys_of(model).items()
        if found.words != frozenset(Signal)
        for word in found.words
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", rows[key][2])
    }
    assert missing == set()


# Examples -----------------------------------------------------------------------------------------------------


def installed_example(folder: Path) -> Settings:
    """The configuration of the document, written down with its secrets and understood."""
    text = example("configuration.md", "# channelwatch.yaml")
    for name in re.findall(r"file:([\w/.-]+)", text):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a secret of a test\n", encoding="utf-8")
    path = folder / "channelwatch.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, {})


def test_the_example_configuration_is_understood_and_shows_every_section(tmp_path: Path) -> None:
    settings = installed_example(tmp_path)
    shown = yaml.safe_load((tmp_path / "channelwatch.yaml").read_text(encoding="utf-8"))
    left_out = {"alert_rules"}  # a folder of one's own is the exception
    assert set(shown) == set(type(settings).model_fields) - {"folder", "loose_secrets"} - left_out


def test_the_example_inventory_is_understood_under_the_example_configuration(tmp_path: Path) -> None:
    settings = installed_example(tmp_path)
    path = tmp_path / "inventory.yaml"
    path.write_text(example("inventory.md", "# inventory.yaml"), encoding="utf-8")
    inventory = load_inventory(path, settings)
    assert [len(found) for found in (inventory.ha_groups, inventory.channels)] == [1, 2]
    assert {item.life_cycle for item in inventory.devices} == {LifeCycle.IN_SERVICE, LifeCycle.RECEIVED}


def test_the_example_rules_are_understood(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(example("alert-rules.md", "# own-rules.yaml"), encoding="utf-8")
    rules = load_rules(tmp_path).rules
    assert {rule.id for rule in rules} == {"commune-down", "module-battery"}
    assert {rule.runbook for rule in rules} <= {rule.runbook for rule in RULES}


def test_the_example_of_a_watchdog_is_understood_and_its_keys_are_explained(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/beat").write_text("a secret of a test", encoding="utf-8")
    path = tmp_path / "watchdog.yaml"
    path.write_text(example("watchdog.md", "# watchdog.yaml"), encoding="utf-8")
    assert load_watchdog(path).tell == ("smtp:chief@example.test", "siren:desk")
    explained = {plain(row[0]).partition(".")[0] for row in rows_under(doc("watchdog.md"), "key")}
    assert explained == set(WatchdogSettings.model_fields) - {"folder"}


def test_the_example_cases_pass(tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(example("alert-rules.md", "# cases.yaml"), encoding="utf-8")
    book = load_rules(shipped_rules())
    assert [play(case, book).passed for case in load_cases(path, book)] == [True] * 3


# Rules and runbooks -------------------------------------------------------------------------------------------


def test_the_shipped_rules_are_listed_as_they_are() -> None:
    listed = {
        plain(row[0]): (
            plain(row[1]),
            plain(row[2]).lower(),
            0 if plain(row[3]) == "-" else duration_ms(plain(row[3])),
            plain(row[4]) == "yes",
            plain(row[5]),
        )
        for row in rows_under(doc("alert-rules.md"), "rule", "subject")
    }
    assert listed == {
        rule.id: (rule.subject, rule.severity, rule.confirm_ms, rule.pages, rule.runbook) for rule in RULES
    }


def minutes(text: str) -> int | str | None:
    """`at once`, `10 min`, `2 h`, `every 60 min` in minutes; None for never; words about working days as they are."""
    if text in ("never", "at once"):
        return 0 if text == "at once" else None
    if text.endswith("working day"):
        return text
    number, unit = text.removeprefix("every ").split()
    return int(number) * {"min": 1, "h": 60}[unit]


def test_the_escalation_is_as_the_ladders_say() -> None:
    rows = rows_under(doc("alert-rules.md"), "severity", "watch")
    said = {row[0].lower(): [minutes(cell) for cell in row[1:]] for row in rows}
    for severity in Severity:
        ladder = LADDERS[severity]
        at: dict[Role, int | str] = {
            role: "next working day" if rung.is_next_day else rung.after_ms // 60_000
            for rung in ladder.rungs
            for role in rung.roles
        }
        again = "every working day" if ladder.repeats_daily else ladder.repeat_ms // 60_000 or None
        roles = (Role.WATCH, Role.ONSITE, Role.CHIEF, Role.RESPONDER, Role.OWNER)
        assert said[severity] == [*map(at.get, roles), again, ladder.ack_ms // 60_000 or None]


def test_every_rule_has_a_runbook_and_every_runbook_a_rule() -> None:
    written = {path.stem for path in DOCS if path.parent == RUNBOOKS} - {"README"}
    external = external_rule(RuleId(f"{EXTERNAL}any"))
    assert written == {rule.runbook for rule in (*RULES, external)}


@pytest.mark.parametrize("runbook", sorted({rule.runbook for rule in RULES}))
def test_a_runbook_speaks_both_languages_and_names_its_rules(runbook: str) -> None:
    text = text_of(RUNBOOKS / f"{runbook}.md")
    vietnamese, english = text.split("\n## English\n")
    for rule in RULES:
        if rule.runbook == runbook:
            assert f"`{rule.id}`" in vietnamese
            assert rule.severity.upper() in vietnamese
            assert rule.title["vi"] in vietnamese
            assert rule.title["en"] in english
    for part, headings in (
        (vietnamese, ("**Nghĩa là gì.**", "**Gọi ai.**", "**Khi nào xong.**")),
        (english, ("**Call.**", "**Over when**")),
    ):
        assert all(heading in part for heading in headings)
        assert 3 <= len(re.findall(r"^\d+\. ", part, re.MULTILINE)) <= 6
    assert len(re.findall(r"^\d+\. ", vietnamese, re.MULTILINE)) == len(
        re.findall(r"^\d+\. ", english, re.MULTILINE)
    )


PARTS = {
    *("Nghĩa là gì.", "Làm ngay", "Làm trong ca", "Làm", "Gọi ai.", "Khi nào xong."),
    *("Meaning.", "Do now", "Within the shift", "Do", "Call.", "Over when"),
}


@pytest.mark.parametrize("path", [path for path in DOCS if path.parent == RUNBOOKS], ids=str)
def test_what_a_runbook_prints_bold_is_what_the_reader_sees_on_the_board(path: Path) -> None:
    rows = [*own_rows(), *catalogue().values()]
    words = {row[language] for row in rows for language in ("vi", "en")}
    shown = (*RULES, external_rule(RuleId(f"{EXTERNAL}any")))
    titles = {f"{rule.title['en']}." for rule in shown}
    bold = {" ".join(found.split()) for found in re.findall(r"\*\*([^*]+)\*\*", text_of(path))}
    assert bold - words - titles - PARTS == set()


# The webhook --------------------------------------------------------------------------------------------------

SECRET = "the secret of a receiver"


def message() -> tuple[bytes, dict[str, str]]:
    """A body and its headers as the product sends them, header names in lower case."""
    content = template.body(ALERT, Voice(partial(word, language="vi"), "vi"))
    sent = template.headers(ALERT, content, Secret(SECRET), sent_at=ALERT.created_at)
    return content, {name.lower(): value for name, value in sent.items()}


def test_the_fields_of_a_webhook_are_those_of_the_document() -> None:
    content, headers = message()
    rows = {plain(row[0]): row for row in rows_under(doc("webhook.md"), "field", "type")}
    assert set(rows) == set(json.loads(content))
    assert set(re.findall(r"`(\w+)`", rows["kind"][2])) == set(PageKind)
    assert {plain(row[0]).lower() for row in rows_under(doc("webhook.md"), "header")} == set(headers)


def test_the_python_example_takes_our_signature_and_refuses_others() -> None:
    (code,) = blocks(doc("webhook.md"), "python")
    scope: dict[str, object] = {}
    exec(code, scope)
    genuine = scope["genuine"]
    assert callable(genuine)
    content, headers = message()
    now_s = ALERT.created_at / 1000
    assert genuine(content, headers, SECRET, now_s)
    assert not genuine(content + b" ", headers, SECRET, now_s)
    assert not genuine(content, headers, "another secret", now_s)
    assert not genuine(content, headers, SECRET, now_s + 301)
    assert not genuine(content, {**headers, "x-channelwatch-timestamp": str(int(now_s) + 1)}, SECRET, now_s)
    assert not genuine(content, {}, SECRET, now_s)


def test_the_openssl_example_computes_our_signature(tmp_path: Path) -> None:
    openssl = require_binary("openssl", package="openssl")
    (command,) = [block for block in blocks(doc("webhook.md"), "sh") if "openssl" in block]
    content, headers = message()
    (tmp_path / "body.json").write_bytes(content)
    (tmp_path / "secret").write_text(SECRET + "\n", encoding="utf-8")
    environment = {
        "TIMESTAMP": headers["x-channelwatch-timestamp"],
        "PATH": f"{openssl.parent}:/usr/bin:/bin",
    }
    ran = subprocess.run(
        ["bash", "-euc", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert f"sha256={ran.stdout.strip()}" == headers["x-channelwatch-signature"]


# The pair -----------------------------------------------------------------------------------------------------


def test_the_table_of_claims_is_the_programs() -> None:
    text = doc("decisions/0005-claims-decide-the-pair.md")
    said = {}
    for first, *cells in rows_under(text, "member A \\ member B"):
        for second, state in zip(
            ("active", "standby", "not_serving", "silent", "unseen"), cells, strict=True
        ):
            said[Claim(first), Claim(second)] = state.removesuffix(" (1)")
    assert said == {(a, b): pair_state(Member(a), Member(b)).value for a, b in product(Claim, Claim)}
    for claims in (
        (Member(Claim.STANDBY, True), Member(Claim.SILENT)),
        (Member(Claim.SILENT), Member(Claim.STANDBY, True)),
    ):
        assert pair_state(*claims) == "unknown"


# Figures, names, commands -------------------------------------------------------------------------------------

LIMITS = rows_under(doc("threat-model.md"), "limit", "value")


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: row[0])
def test_a_limit_has_the_value_that_the_document_says(row: list[str]) -> None:
    place, name = plain(row[2]).split("::")
    assert named(place, name) == float(row[1].replace(",", ""))


@pytest.mark.parametrize("path", DOCS, ids=str)
def test_what_a_document_names_in_the_code_is_there(path: Path) -> None:
    for place, name in NAME_IN_CODE.findall(text_of(path)):
        assert (ROOT / place).is_file(), place
        named(place, name)


def test_documents_name_places_in_the_code() -> None:
    assert sum(len(NAME_IN_CODE.findall(text_of(path))) for path in DOCS) > 50


PLACE = re.compile(
    r"`((?:channelwatch|collector|api|simulator|alert_rules|deploy|docs|tests|requirements)/[\w./-]+)"
)


@pytest.mark.parametrize("path", DOCS, ids=str)
def test_a_path_that_a_document_names_exists(path: Path) -> None:
    assert [place for place in PLACE.findall(text_of(path)) if not (ROOT / place).exists()] == []


CALL = re.compile(r"(?:^|[ /])channelwatch +([a-z][a-z-]*)((?: +\S+)*)")


def calls() -> list[tuple[str, str, str]]:
    """Each (document, subcommand, arguments) that a shell block shows."""
    found = []
    for path in DOCS:
        for block in blocks(text_of(path), "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                match = CALL.search(line)
                if match and not line.startswith(("systemctl", "journalctl")):
                    found.append((str(path), match[1], match[2]))
    return found


def help_of(command: str) -> str:
    """What `channelwatch COMMAND --help` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    return out.getvalue()


@pytest.mark.parametrize("command", sorted({command for _, command, _ in calls()}))
def test_a_command_of_the_documents_exists_with_its_options(command: str) -> None:
    shown = help_of(command)
    options = {
        option
        for _, name, rest in calls()
        if name == command
        for option in re.findall(r" (--?[a-z][\w-]*)", rest)
    }
    assert {option for option in options if not re.search(rf"{option}(?![\w-])", shown)} == set()


def test_the_documents_show_the_commands_that_matter() -> None:
    shown = {command for _, command, _ in calls()}
    assert {"init", "probe", "apply", "check-config", "run", "hash-password"} <= shown


def program_text() -> str:
    """The program's whole source."""
    code = [path for path in repository_files() if path.suffix == ".py" and str(path).startswith(PACKAGES)]
    return "\n".join(map(text_of, code))


def test_the_metrics_of_the_operations_guide_are_exported() -> None:
    source = program_text()
    names = {
        name
        for row in rows_under(doc("operations.md"), "metric")
        for name in re.findall(r"channelwatch_\w+", " ".join(row))
    }
    assert len(names) > 10
    missing = {name for name in names if f'"{name}"' not in source}
    assert {name for name in missing if f'"{name.removesuffix("_total")}"' not in source} == set()


def test_the_log_events_of_the_operations_guide_are_written() -> None:
    source = program_text()
    events = [plain(row[0]) for row in rows_under(doc("operations.md"), "event", "what to do")]
    assert events
    assert [event for event in events if f'"{event}"' not in source] == []
