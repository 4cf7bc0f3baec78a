"""What the classifier remembers changes nothing of what it finds."""

from __future__ import annotations

from channelwatch_collector.syslog.packfile import PackFile, built_in_packs, load_packs
from channelwatch_collector.syslog.parse.classify import Classified, Classifier
from channelwatch_collector.syslog.parse.header import parse_header
from channelwatch_collector.syslog.parse.message import Message
from channelwatch_collector.syslog.parse.redact import MASK

from channelwatch.app.yamlfile import YamlFile
from channelwatch.base.clock import EpochMs

AT = EpochMs(1_795_318_923_000)


def example_messages() -> list[Message]:
    """The lines that prove the shipped packs."""
    return [
        parse_header(example.line.encode(), received_at=AT)
        for path in built_in_packs()
        for pattern in YamlFile(path).validate(PackFile).patterns
        for example in pattern.examples
    ]


def login(account: bytes) -> Message:
    line = b"<86>Nov 22 10:42:03 gw sshd[1]: Failed password for %s from 192.0.2.7 port 5 ssh2"
    return parse_header(line % account, received_at=AT)


def test_what_is_remembered_of_a_text_is_what_would_be_found_anew() -> None:
    patterns = load_packs()
    remembering, forgetful = Classifier(patterns), Classifier(patterns)
    for message in example_messages():
        for variant in (message, message._replace(severity=1), message._replace(app_name=None)):
            for with_readings in (True, False, True):
                forgetful._known.clear()
                anew = forgetful.classify(variant, with_readings=with_readings)
                known = remembering.classify(variant._replace(hostname="x"), with_readings=with_readings)
                assert known == anew


def test_each_masked_field_is_counted_however_often_it_comes() -> None:
    classifier = Classifier(load_packs())
    for _ in range(3):
        told = classifier.classify(login(b"ab12" * 10))
        assert isinstance(told, Classified)
        assert MASK in dict(told.fields)["account"]
    assert classifier.masked == 3


def test_only_so_much_is_remembered() -> None:
    classifier = Classifier(load_packs())
    for number in range(9_000):
        classifier.classify(login(b"u%d" % number))
        classifier.classify(login(b"x")._replace(app_name=f"a{number}"))
    assert max(len(classifier._known), len(classifier._clean), len(classifier._named)) <= 8192
