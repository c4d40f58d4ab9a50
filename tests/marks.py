"""Marks of tests."""

from __future__ import annotations

import pytest

# For tests with the fixtures of tests/conftest.py that look at what SQLite alone shows, such as its plans.
sqlite_only = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

# For tests that run on SQLite unless they say otherwise.
both_databases = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
