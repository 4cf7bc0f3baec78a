"""What tests of every kind share: free ports, waiting, peers' programs, recordings."""

from tests.support.net import free_port
from tests.support.peers import on_ci, recording, require_binary, skip_or_fail
from tests.support.process import Process
from tests.support.waiting import eventually, wait_until

__all__ = [
    "Process",
    "eventually",
    "free_port",
    "on_ci",
    "recording",
    "require_binary",
    "skip_or_fail",
    "wait_until",
]
