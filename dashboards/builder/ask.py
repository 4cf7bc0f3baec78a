"""What Grafana does with a query before it asks: variables and intervals are filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"\$\{?(\w+)(?::\w+)?\}?")


def filled(expr: str, variables: Mapping[str, str], *, span: str = "6h", rate: str = "1m") -> str:
    """`expr` as Prometheus gets it; a variable that is not given is everything."""
    known = {"__rate_interval": rate, "__interval": rate, "__range": span, **variables}
    return _NAME.sub(lambda found: known.get(found[1], ".*"), expr)
