"""Simulations and properties at full strength."""

from __future__ import annotations

from hypothesis import settings

settings.load_profile("house")
