"""`channelwatch probe HOST`: ask one device twice and show what the product would make of it."""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from channelwatch.app.settings import read_secret
from channelwatch.base.clock import Clock, EpochMs, SystemClock
from channelwatch.base.errors import InputError, Permanent
from channelwatch.base.secrets import Secret
from channelwatch_collector.credentials import AUTH, PRIV
from channelwatch_collector.engines import engine_for
from channelwatch_collector.poll.poller import recognise_device
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.match import By, Recognised, probes
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Memory, Moment
from channelwatch_collector.profiles.shown import Shown, as_json, as_text
from channelwatch_collector.snmp.port import (
    V3,
    Credential,
    PollAnswer,
    PollFailure,
    SnmpEngine,
    SnmpError,
    Target,
    V2c,
)

FAILED, WRONG_INPUT = 1, 2
BETWEEN_POLLS_S = 1.0
"""Two answers make rates; a second between them is enough to show that they work."""

ADVICE: Mapping[PollFailure, str] = {
    PollFailure.NO_ANSWER: "no answer: wrong address or port, a filter in between, an agent that does not allow this"
    " machine, a wrong community (version 2c) or a wrong privacy pass phrase (version 3)",
    PollFailure.PORT_CLOSED: "the host is there, but no SNMP agent listens on this port",
    PollFailure.UNREACHABLE: "there is no way to this address from here",
    PollFailure.MALFORMED: "what came back is not SNMP",
    PollFailure.WRONG_OIDS: "the agent answers other questions than those asked",
    PollFailure.WRONG_COMMUNITY: "the agent answers under another community",
    PollFailure.WRONG_KEY: "the agent refuses the pass phrase or the protocols: check --auth, --auth-pass, --priv and"
    " --priv-pass",
    PollFailure.UNAUTHENTIC: "the answers are not signed with this pass phrase: a wrong key, or a forger",
    PollFailure.UNKNOWN_USER: "the agent does not know this SNMPv3 user",
    PollFailure.UNSUPPORTED_SEC_LEVEL: "the agent wants another security level for this user: check --auth and --priv",
    PollFailure.NOT_IN_TIME_WINDOW: "the agent's SNMP clock does not settle: is there another device with the same"
    " engine ID?",
    PollFailure.UNKNOWN_ENGINE: "the agent denies its own engine ID",
    PollFailure.NO_SUCH_CONTEXT: "the agent has no such context",
    PollFailure.TOO_BIG: "even the smallest question is too big for this agent",
    PollFailure.GEN_ERR: "the agent reports an internal error",
    PollFailure.NO_ACCESS: "the credential is right, but its view does not cover what was asked",
    PollFailure.WALK_NOT_INCREASING: "the agent's tables never end (its objects do not increase)",
    PollFailure.WALK_TOO_LONG: "the agent's tables are longer than the limit",
    PollFailure.UNSUPPORTED_PROTOCOL: "this cipher is not built in",
    PollFailure.BUSY: "this program is busy",
    PollFailure.ENGINE_CLOSED: "this program is ending",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments. Secrets may be given as env:NAME or file:PATH, and should be."""
    parser.add_argument("host", metavar="HOST[:PORT]", help="address or name; an IPv6 address in brackets")
    who = parser.add_argument_group("credential (one of the two)")
    who.add_argument("--community", metavar="SECRET", help="SNMP version 2c")
    who.add_argument("--v3-user", metavar="USER", help="SNMP version 3")
    parser.add_argument("--auth", choices=sorted(AUTH), default="SHA-256", help="default SHA-256")
    parser.add_argument("--auth-pass", metavar="SECRET")
    parser.add_argument("--priv", choices=sorted(PRIV), default="AES-128", help="default AES-128")
    parser.add_argument("--priv-pass", metavar="SECRET")
    parser.add_argument("--profile", metavar="NAME", help="use this profile instead of recognising one")
    parser.add_argument(
        "--profiles", type=Path, metavar="DIR", help="further profiles, beside the built-in ones"
    )
    parser.add_argument(
        "--expect", action="append", default=[], metavar="PEER", help="a tunnel that must be there"
    )
    parser.add_argument("--timeout", type=float, default=2.0, metavar="S", help="wait for one answer (2)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = "SECRET is env:NAME or file:PATH; given as it is, other users of this machine may see it."


def run(args: argparse.Namespace, *, clock: Clock | None = None, out: TextIO | None = None) -> int:
    """0: the device answered. 1: it did not, and one sentence says why. InputError for wrong arguments."""
    profiles = load_profiles(args.profiles)
    if args.profile is not None and args.profile not in profiles:
        raise InputError([f"there is no profile {args.profile!r}; there are {', '.join(profiles)}"])
    target = _target(args)
    try:
        shown = asyncio.run(_ask(target, profiles, args, clock or SystemClock()))
    except SnmpError as error:
        raise Permanent(ADVICE[error.failure], operation="probe", subject=str(target)) from None
    print(as_json(shown) if args.json else as_text(shown), file=out or sys.stdout)
    return 0


def _target(args: argparse.Namespace) -> Target:
    host, port = _host_and_port(args.host)
    try:
        return Target(_address(host), _credential(args), port=port, timeout_s=args.timeout)
    except ValueError as error:
        raise InputError([str(error)]) from None


def _host_and_port(text: str) -> tuple[str, int]:
    host, port = text, "161"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or not port.isdecimal():
        raise InputError([f"{text!r} is not HOST or HOST:PORT"])
    return host, int(port)


def _address(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise Permanent(f"unknown host: {error.strerror}", operation="probe", subject=host) from None
    return str(found[0][4][0])


def _credential(args: argparse.Namespace) -> Credential:
    if (args.community is None) == (args.v3_user is None):
        raise InputError(["give either --community or --v3-user"])
    if args.community is not None:
        return V2c(_secret(args.community))
    auth, priv = AUTH[args.auth], PRIV[args.priv]
    if args.auth_pass is None:
        auth = None
    if args.priv_pass is None:
        priv = None
    return V3(
        user=args.v3_user,
        auth_protocol=auth,
        auth_pass=_secret(args.auth_pass) if auth is not None else None,
        priv_protocol=priv,
        priv_pass=_secret(args.priv_pass) if priv is not None else None,
    )


def _secret(text: str) -> Secret:
    return read_secret(text) if text.startswith(("env:", "file:")) else Secret(text)


async def _ask(
    target: Target, profiles: Mapping[str, Profile], args: argparse.Namespace, clock: Clock
) -> Shown:
    engine = engine_for("native")
    try:
        asked = probes(profiles)
        device, recognised = await recognise_device(engine, target, profiles, asked)
        if args.profile is not None:
            recognised = Recognised(profiles[args.profile], By.SET, args.profile)
        profile, memory = recognised.profile, Memory()
        for wait_s in (BETWEEN_POLLS_S, 0):
            answer, moment = await _poll(engine, target, profile, clock)
            decoded = decode(profile, answer, memory, moment, expected=args.expect)
            memory = decoded.memory
            await asyncio.sleep(wait_s)
        return Shown(
            str(target),
            EpochMs(moment.sent_at),
            device,
            recognised,
            decoded,
            agent=answer.agent,
            rtt_ms=answer.rtt_ms,
            not_read=answer.failed,
        )
    finally:
        await engine.close()


async def _poll(
    engine: SnmpEngine, target: Target, profile: Profile, clock: Clock
) -> tuple[PollAnswer, Moment]:
    sent_at, began = clock.now(), clock.monotonic_ms()
    answer = await engine.poll(target, profile.plan)
    tick = clock.monotonic_ms()
    return answer, Moment(sent_at, sent_at + tick - began, tick)
