"""A correction is marked as one in every channel and language, and has nothing but what was changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.app import App
from dispatch.preview import _channels, nobodys_envelope
from dispatch.settings import Settings
from dispatch.testing.samples import sample_content

MARKS = {"zh": ("更正", "请以本次内容为准"), "en": ("Correction", "this is the text that counts")}


@pytest.mark.parametrize("language", MARKS)
@pytest.mark.parametrize("channel", ["email", "telegram", "webhook"])
def test_it_says_that_it_is_one(channel: str, language: str) -> None:
    app = App(Settings())
    content = sample_content("correction", language)
    content = replace(content, sections=tuple(replace(section, others=()) for section in content.sections))
    envelope = nobodys_envelope(app, channel, language, "bulletin:huoju")
    for suffix, text in _channels(app)[channel].preview(content, envelope).items():
        if suffix != ".eml":
            assert all(mark in text for mark in MARKS[language]), suffix
            assert "苏州工业园区" not in text
