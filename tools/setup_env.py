"""Create `.venv` and install the locked requirements and the project into it: `setup_env.py runtime|dev`."""

import subprocess
import sys
from pathlib import Path

import preflight

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
LOG_TAIL_LINES = 15
PIP_OPTIONS = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--retries", "2"]
USABLE = f"import sys, pip; sys.exit(sys.version_info < {preflight.OLDEST!r})"

UNREACHABLE = (
    "pip could not get a package that {lock} lists: check the network or the proxy, "
    "or name a mirror or a folder of wheels with PIP_INDEX_URL or PIP_FIND_LINKS, then try again."
)
REMEDIES = (
    ("DO NOT MATCH THE HASHES", "The index in use has altered a package that {lock} locks: use another."),
    ("No space left on device", "The disk is full: free about 500 MB, then try again."),
    ("Permission denied", "Files here belong to another user: remove .venv, then try again."),
    ("No matching distribution found", UNREACHABLE),
    ("Could not find a version", UNREACHABLE),
    ("Max retries exceeded", UNREACHABLE),
    ("connection broken", UNREACHABLE),
)


def usable():
    """Whether `.venv` has a Python that starts, is new enough and has pip."""
    if not PYTHON.exists():
        return False
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.call([str(PYTHON), "-c", USABLE], **quiet) == 0


def run(command, lock):
    """Run a step with its output in the log; end the program with one sentence when it fails."""
    with LOG.open("ab") as log:
        status = subprocess.call(command, cwd=str(ROOT), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if status:
        sys.exit(explain(LOG.read_text(encoding="utf-8", errors="replace"), lock))


def explain(log_text, lock):
    """Turn pip's output into a remedy, or into its own last lines when the failure is a new one."""
    for sign, remedy in REMEDIES:
        if sign in log_text:
            return remedy.format(lock=lock)
    tail = "\n".join(log_text.splitlines()[-LOG_TAIL_LINES:])
    return f"Installing {lock} failed; the last lines of {LOG.relative_to(ROOT)}:\n{tail}"


def main(names):
    """Install each named requirement file, then the project itself without asking any index."""
    found = preflight.problem()
    if found:
        sys.exit(found)
    if not usable():
        print("Creating .venv ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    LOG.write_bytes(b"")
    pip = [str(PYTHON), "-m", "pip", "install", *PIP_OPTIONS]
    for name in names:
        lock = f"requirements/{name}.txt"
        print(f"Installing {lock} (about a minute the first time) ...", flush=True)
        run([*pip, "--require-hashes", "--requirement", lock], lock)
    run([*pip, "--no-deps", "--no-index", "--no-build-isolation", "--editable", "."], "the project")


if __name__ == "__main__":
    main(sys.argv[1:])
