"""Commands that this package adds to `channelwatch`."""

from __future__ import annotations

import argparse
import getpass
import sys

from channelwatch.base.errors import Permanent
from channelwatch.base.passwords import hash_password as make_hash
from channelwatch_api.limits import MAX_PASSWORD_CHARS

MIN_PASSWORD_CHARS = 12


class HashPassword:
    """Reads a password twice and prints its hash; the password is never an argument, so no process list shows it."""

    name = "hash-password"
    help = "print the scrypt hash of a password read from the terminal or from standard input"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """No arguments: see `run`."""
        parser.description = (
            "Reads the password twice from the terminal (or two equal lines from standard input) and prints "
            "the hash. Keep the hash in a file that `password: file:PATH` of an account names."
        )

    def run(self, args: argparse.Namespace) -> int:
        """Print the hash. Permanent when the two differ or the length is out of range."""
        first, again = _read()
        if first != again:
            raise Permanent("the two passwords differ", operation=self.name)
        if not MIN_PASSWORD_CHARS <= len(first) <= MAX_PASSWORD_CHARS:
            raise Permanent(
                f"a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters", operation=self.name
            )
        print(make_hash(first))
        return 0


def _read() -> tuple[str, str]:
    if sys.stdin.isatty():
        return getpass.getpass("Mật khẩu / Password: "), getpass.getpass("Nhập lại / Again: ")
    return _line(), _line()


def _line() -> str:
    try:
        return sys.stdin.readline(4 * MAX_PASSWORD_CHARS).rstrip("\r\n")
    except UnicodeDecodeError:
        raise Permanent("the password is not UTF-8 text", operation=HashPassword.name) from None


hash_password = HashPassword()
