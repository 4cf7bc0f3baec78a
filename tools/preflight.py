"""Check that this machine can run the project, and say in one sentence what to do if it cannot.

Whatever `python3` a machine has reads this file and `setup_env.py`: they keep to the syntax of Python 3.6.
"""

import shutil
import sys

OLDEST = (3, 11)
NEWER_COMMANDS = ("python3.14", "python3.13", "python3.12", "python3.11")


def problem():
    """Return a sentence that names the remedy, or an empty string when nothing is wrong."""
    if sys.version_info < OLDEST:
        return too_old(sys.version_info)
    try:
        import ensurepip  # noqa: F401  Debian ships Python without it
        import venv  # noqa: F401
    except ImportError:
        return "Python cannot make virtual environments here: run `apt install python3-venv`, then try again."
    return ""


def too_old(version):
    """Say what to use instead of a Python of this version."""
    found = f"Python {version[0]}.{version[1]} is too old, 3.11 or newer is needed"
    for command in NEWER_COMMANDS:
        if shutil.which(command):
            return f"{found}: run `make PYTHON={command} ...`."
    return f"{found}: install it (on Debian 12 or newer, `apt install python3 python3-venv`)."


def main():
    """Print the problem, if any; the exit status says whether there was one."""
    found = problem()
    if found:
        print(found, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
