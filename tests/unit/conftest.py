"""Unit tests are for every save: property tests draw few examples here, and many in `tests/sim` and elsewhere."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", parent=settings.get_profile("house"), max_examples=20)
settings.load_profile("unit")
