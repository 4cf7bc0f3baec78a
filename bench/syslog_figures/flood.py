"""Sends one device's chatter over and over. Usage: flood.py PORT RATE SECONDS ADDRESS..."""

from __future__ import annotations

import socket
import sys
import time
from datetime import datetime

_BURST_S = 0.001


def main() -> None:
    port, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    senders = []
    for address in sys.argv[4:]:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((address, 0))
        sender.connect(("127.0.0.1", port))
        senders.append(sender)
    stamp = datetime.now().strftime("%b %e %H:%M:%S")
    lines = [
        f"<30>{stamp} gw charon[812]: 10[NET] sending packet: from 192.0.2.{at}[500] to 198.51.100.1[500]".encode()
        for at in range(250)
    ]
    lines += [
        f"<86>{stamp} gw sshd[{at}]: Failed password for root from 192.0.2.{at} port {at + 1024} ssh2".encode()
        for at in range(1, 251)
    ]
    began, sent = time.perf_counter(), 0
    total = int(rate * seconds)
    while sent < total:
        due = min(total, int((time.perf_counter() - began) * rate) + 1)
        for at in range(sent, due):
            senders[at % len(senders)].send(lines[at % len(lines)])
        sent = due
        time.sleep(_BURST_S)
    print(sent, round(time.perf_counter() - began, 2), flush=True)


if __name__ == "__main__":
    main()
