"""`channelwatch rules`: what the rules are, whether they are right, and what Prometheus would make of them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from channelwatch.app.alertrules.cases import Verdict, load_cases, play
from channelwatch.app.alertrules.prometheus import duration, is_followed, remarks, rule_file
from channelwatch.app.alertrules.promtool import unit_tests
from channelwatch.app.arguments import show_acts
from channelwatch.app.rulefile import RuleFile, load_rules, shipped_rules
from channelwatch.incidents.rules import RuleBook

OK, FAILED = 0, 1
COMPILED = "channelwatch.rules.yml"
HEADER = "# Made by `channelwatch rules export`. Do not edit: change the rules and export them again.\n"


class Rules:
    """Alert rules as people and other programs see them."""

    name = "rules"
    help = "check, list and test alert rules; compile them for Prometheus"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Four acts, each on a folder of rule files."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="check|list|test|export")
        made = []
        for name, text in (
            ("check", "read every rule file and say what is wrong"),
            ("list", "one line for each rule"),
            ("test", "play test cases to the rules"),
            ("export", "print the rules for another program"),
        ):
            act = acts.add_parser(name, help=text, description=text)
            act.add_argument(
                "--rules", type=Path, metavar="FOLDER", help="rule files (default: those shipped)"
            )
            if name == "list":
                act.add_argument("--json", action="store_true", help="print JSON")
            elif name == "test":
                act.add_argument("cases", type=Path, nargs="+", help="files of test cases")
            elif name == "export":
                act.add_argument("--format", choices=tuple(_FORMATS), default="prometheus")
                act.add_argument(
                    "--rule-file", default=COMPILED, help="with promtool: the name of the compiled rules"
                )
            made.append(act)
        show_acts(parser, *made)

    def run(self, args: argparse.Namespace) -> int:
        """Status 1 when a test case fails."""
        book = load_rules(args.rules or shipped_rules())
        match args.act:
            case "check":
                print(f"{len(book.rules)} rules, all of them right")
            case "list":
                print(_json(book) if args.json else "\n".join(_lines(book)))
            case "test":
                return _test(book, args.cases)
            case _:
                sys.stdout.write(_FORMATS[args.format](book, args.rule_file))
        return OK


def _test(book: RuleBook, paths: list[Path]) -> int:
    cases = [case for path in paths for case in load_cases(path, book)]
    failed = 0
    for case in cases:
        verdict = play(case, book)
        failed += not verdict.passed
        print("\n".join(_told(verdict)))
    print(f"{len(cases)} cases, {failed} failed")
    return FAILED if failed else OK


def _told(verdict: Verdict) -> list[str]:
    if verdict.passed:
        return [f"ok      {verdict.case.name}"]
    return [
        f"FAILED  {verdict.case.name}",
        f"        expected: {_spans(verdict.case.live)}",
        f"        live:     {_spans(verdict.live)}",
    ]


def _spans(spans: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"[{duration(first)}, {duration(last)}]" for first, last in spans) or "never"


def _lines(book: RuleBook) -> list[str]:
    return [
        f"{rule.severity.value}  {rule.subject.value:<10}{rule.id:<28}{rule.title['vi']} / {rule.title['en']}"
        for rule in sorted(book.rules, key=lambda rule: (rule.severity, rule.subject, rule.id))
    ]


def _json(book: RuleBook) -> str:
    listed = [
        {
            "id": rule.id,
            "subject": rule.subject,
            "severity": rule.severity,
            "title": dict(rule.title),
            "confirm_ms": rule.confirm_ms,
            "clear_after_ms": rule.clear_ms,
            "layer": rule.layer,
            "pages": rule.pages,
            "inhibits": sorted(rule.inhibits),
            "runbook": rule.runbook,
        }
        for rule in book.rules
    ]
    return json.dumps(listed, ensure_ascii=False, indent=2)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stay readable."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _yaml(content: dict[str, Any]) -> str:
    plain = json.loads(json.dumps(content))
    dumped: str = yaml.dump(plain, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    return HEADER + dumped


def _schema() -> str:
    return json.dumps(RuleFile.model_json_schema(), ensure_ascii=False, indent=2) + "\n"


def _compiled(book: RuleBook) -> str:
    """The rule file, with a comment where a compiled rule is less than ours."""
    said, text = remarks(book), _yaml(rule_file(book))
    left_out = "".join(
        f"# {rule.id}: {said[rule.id]}\n" for rule in book.rules if rule.id in said and not is_followed(rule)
    )
    for name, remark in said.items():
        text = text.replace(f"  - alert: {name}\n", f"  # {remark}\n  - alert: {name}\n")
    return text.replace(HEADER, HEADER + left_out)


_FORMATS = {
    "prometheus": lambda book, name: _compiled(book),
    "promtool": lambda book, name: _yaml(unit_tests(book, name)),
    "schema": lambda book, name: _schema(),
}
