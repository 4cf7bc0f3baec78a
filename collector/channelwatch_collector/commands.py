"""Subcommands that the collector adds to `channelwatch`."""

from __future__ import annotations

import argparse

from channelwatch_collector import probe as probing
from channelwatch_collector.profiles import cli as profile_cli
from channelwatch_collector.syslog import cli as syslog_cli


class Probe:
    """What one device answers, before it is in any inventory."""

    name = "probe"
    help = "ask one device and show its profile and every signal"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        probing.configure(parser)

    def run(self, args: argparse.Namespace) -> int:
        return probing.run(args)


class Profiles:
    """Device profiles as files: what there is, what is wrong, what they make of a recording."""

    name = "profile"
    help = "list, check, try and draft device profiles"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        profile_cli.configure(parser)

    def run(self, args: argparse.Namespace) -> int:
        return profile_cli.run(args)


class Syslog:
    """What the product makes of syslog lines."""

    name = "syslog"
    help = "read syslog lines and show what each means"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        syslog_cli.configure(parser)

    def run(self, args: argparse.Namespace) -> int:
        return syslog_cli.run(args)


probe = Probe()
profile = Profiles()
syslog = Syslog()
