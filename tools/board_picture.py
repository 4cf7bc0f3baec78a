"""Take the picture of the board that the README shows, from a running demonstration.

Usage: tools/board_picture.py [SECONDS] [OUT]: SECONDS after the story began (75), into OUT (docs/images/board.png).
Needs Debian's chromium.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PORT = 18089
READY_S = 90
SIGN_IN = re.compile(r"sign in as (?P<name>truong-ca) \(chief\), password (?P<password>\S+)")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 75.0
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("docs/images/board.png")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile("w+") as log:
        command = [
            sys.executable,
            "-m",
            "channelwatch.app",
            "demo",
            "--port",
            str(PORT),
            "--for",
            str(int(seconds) + 120),
        ]
        demo = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            account = wait_for_account(demo, log.fileno())
            time.sleep(seconds)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
                page = browser.new_page(viewport={"width": 1920, "height": 1080}, color_scheme="dark")
                shoot(page, account, out)
                browser.close()
        finally:
            demo.terminate()
            demo.wait(30)
    print(f"wrote {out}")


def wait_for_account(demo: subprocess.Popen[bytes], log: int) -> re.Match[str]:
    """The chief's account, once the demonstration prints it."""
    ends = time.monotonic() + READY_S
    while time.monotonic() < ends and demo.poll() is None:
        text = Path(f"/proc/self/fd/{log}").read_text(encoding="utf-8")
        found = SIGN_IN.search(text)
        if found is not None:
            return found
        time.sleep(0.5)
    raise SystemExit("the demonstration did not begin")


def shoot(page: Page, account: re.Match[str], out: Path) -> None:
    """Sign in and take the whole screen."""
    page.goto(f"http://127.0.0.1:{PORT}/")
    page.fill("input[name=name]", account["name"])
    page.fill("input[name=password]", account["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state()
    time.sleep(3)
    page.screenshot(path=out)


if __name__ == "__main__":
    main()
