"""Marks of tests."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

import pytest

# For tests with the fixtures of tests/conftest.py that look at what SQLite alone shows, such as its plans.
sqlite_only = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

# For tests that run on SQLite unless they say otherwise.
both_databases = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])


@dataclass(frozen=True, slots=True)
class Part:
    """A program of the machine's own that tests run, and the Debian packages that it is in."""

    name: str
    packages: str
    programs: tuple[str, ...]

    @property
    def missing(self) -> str:
        """Why tests that need it are skipped; "" where it is there."""
        if all(which(program) for program in self.programs):
            return ""
        return f"{self.name} {MISSING}; on Debian: apt install {self.packages}"


MISSING = "is not on this machine"
_SYSTEM = ":/usr/sbin:/usr/lib/postfix/sbin"  # where some of them are, and not on everybody's PATH

POSTFIX = Part("Postfix", "postfix sasl2-bin libsasl2-modules", ("master", "smtpd", "virtual", "saslpasswd2"))
CHROMIUM = Part("Chromium", "chromium fonts-noto-cjk", ("chromium",))


def which(program: str) -> str:
    """Where a program is, "" if nowhere."""
    return shutil.which(program, path=os.environ.get("PATH", "") + _SYSTEM) or ""
