"""The folders of the checkout that the harness uses."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CHECKOUT", "DOCS", "FIXTURES"]

CHECKOUT = Path(__file__).resolve().parent.parent
DOCS = CHECKOUT / "docs"
FIXTURES = CHECKOUT / "fixtures"
