"""What the bot says: one word for one thing (docs/telegram.md, Words), in both languages, and nothing untranslated."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from dispatch.assets import templates_dir
from dispatch.testing.telegram_html import parse_html

ROOT = Path(__file__).parent.parent.parent


def texts() -> list[tuple[str, str]]:
    """Chinese and English."""
    with (templates_dir() / "bot" / "en.po").open("rb") as file:
        return [(str(found.id), str(found.string)) for found in read_po(file) if found.id]


TEXTS = texts()


def test_every_text_is_translated_and_said() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "bot_texts.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("words", ["退订“", "不再关注", "全部取消", "静音", "审核", "园区", "刊物", "我们的管理员"])
def test_chinese_has_one_word_for_one_thing(words: str) -> None:
    assert [chinese for chinese, _ in TEXTS if words in chinese] == []


@pytest.mark.parametrize("words", [r"\bdrop", r"stop following", r"no longer followed", r"\bmute", r"\bzones? park"])
def test_english_has_one_word_for_one_thing(words: str) -> None:
    assert [english for _, english in TEXTS if re.search(words, english, re.IGNORECASE)] == []


@pytest.mark.parametrize("pair", TEXTS, ids=lambda pair: pair[0][:20])
def test_a_text_and_its_translation_can_be_filled_in_and_shown(pair: tuple[str, str]) -> None:
    """English may have values of its own beside those of Chinese: the names of months."""
    chinese, english = ({name for _, name, _, _ in string.Formatter().parse(text) if name} for text in pair)
    assert english - chinese <= {"month_name"}
    assert chinese - english <= {"month"}
    for text in pair:
        assert parse_html(text.replace("{", "").replace("}", "")).text
    assert set(re.findall(r"/[a-z]+\b(?!>)", pair[0])) - set(re.findall(r"/[a-z]+\b(?!>)", pair[1])) <= {"/code", "/b"}
