"""An issue that was sent is corrected: who got the changed article gets the new text, marked, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.conftest import SAMPLE, Command, Mailbox, Recorder
from tests.marks import both_databases

NANCHANG = "南昌高新区:打造区域创新生态增长极"
OLD, NEW = "644.24亿元", "644.42亿元"


def sent(dispatch: Command, hooks: Recorder) -> None:
    """The sample, sent to one reader of the article that will be changed by mail and one by webhook, and to others."""
    for address, follow in (("a@x.test", "park:南昌高新区"), ("b@x.test", "park:苏州高新区"), ("gone@x.test", "all")):
        dispatch("subscribers", "add", "--email", address, "--follow", follow, "--confirmed")
    dispatch("subscribers", "add", "--webhook", f"{hooks.url}/in", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    dispatch("subscribers", "suppress", "gone@x.test", "--reason", "a wish on the telephone")


def corrected(dispatch: Command, old: str = OLD, new: str = NEW, name: str = "corrected.md") -> Path:
    """Take the sample in with other words."""
    last = dispatch.folder / "corrected.md"
    source = last if last.exists() else SAMPLE
    file = dispatch.folder / name
    file.write_text(source.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    dispatch("ingest", str(file))
    return file


@both_databases
def test_a_correction_reaches_who_got_the_old_text_once(dispatch: Command, mailbox: Mailbox, hooks: Recorder) -> None:
    sent(dispatch, hooks)
    mailbox.mails.clear()
    hooks.requests.clear()
    corrected(dispatch)
    dispatch("run", "--once")
    assert (mailbox.mails, hooks.requests) == ([], [])  # never by itself

    found = dispatch("issues", "diff", "534")
    assert f"changed: {NANCHANG} (高质量发展看高新区)" in found.out
    assert "[-644.24-]亿元" in found.out
    assert "{+644.42+}亿元" in found.out
    [change] = dispatch("issues", "diff", "534", "--json").json["articles"]
    assert change["changes"] == ["changed"]
    dry = dispatch("issues", "send", "534", "--corrections", "--dry-run", "--json").json
    assert dry["corrections"] == {"email": 1, "webhook": 1}
    assert (mailbox.mails, hooks.requests) == ([], [])

    done = dispatch("issues", "send", "534", "--corrections", "--json").json
    assert (done["revision"], done["corrections"]) == (2, {"sent": 2})
    [mail] = mailbox.mails
    assert (mail["To"], str(mail["Subject"]).startswith("【更正】")) == ("a@x.test", True)
    assert mail["References"]
    assert mail["List-Unsubscribe"]
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "下列文章在发出后作了修改" in text
        assert NEW in text
        assert "苏州高新区:推动" not in text  # an article of the column that was not changed
    [hook] = hooks.requests
    assert hook.json["type"] == "digest.corrected"
    assert [entry["title"] for entry in hook.json["data"]["digests"][0]["matching"]] == [NANCHANG]

    dispatch("issues", "send", "534", "--corrections")
    dispatch("run", "--once")
    assert len(mailbox.mails) + len(hooks.requests) == 2
    dispatch("doctor", "--json")
    assert dispatch("issues", "show", "534", "--json").json["revision"] == 2


def test_a_second_correction_goes_only_to_those_whom_it_concerns(
    dispatch: Command, mailbox: Mailbox, hooks: Recorder
) -> None:
    sent(dispatch, hooks)
    corrected(dispatch)
    dispatch("issues", "send", "534", "--corrections")
    mailbox.mails.clear()
    hooks.requests.clear()
    text = (dispatch.folder / "corrected.md").read_text(encoding="utf-8")
    start = text.index("苏州高新区", text.index("苏州高新区:推动区域高质量发展实现新突破") + 40)
    changed = f"{text[:start]}经核实，苏州高新区{text[start + 5 :]}"
    (dispatch.folder / "second.md").write_text(changed, encoding="utf-8")
    dispatch("ingest", "second.md")
    titles = [item["new"]["title"] for item in dispatch("issues", "diff", "534", "--json").json["articles"]]
    assert len(titles) == 1
    dispatch("issues", "send", "534", "--corrections")
    assert ([str(mail["To"]) for mail in mailbox.mails], hooks.requests) == (["b@x.test"], [])


def test_what_only_looks_otherwise_is_told_to_nobody(dispatch: Command, mailbox: Mailbox, hooks: Recorder) -> None:
    sent(dispatch, hooks)
    mailbox.mails.clear()
    corrected(dispatch, "改革工作不断深化。南昌", "改革工作不断深化；南昌")
    found = dispatch("issues", "diff", "534").out
    assert "typography" in found
    refused = dispatch("issues", "send", "534", "--corrections", expect=1)
    assert "differs only in spaces" in refused.err
    dispatch("issues", "dismiss", "534")
    assert "no revision" in dispatch("issues", "send", "534", "--corrections", expect=1).err
    assert mailbox.mails == []


def test_the_file_is_kept_and_known_by_its_bytes(bare: Command) -> None:
    file = bare.folder / "issue.md"
    file.write_bytes(SAMPLE.read_bytes())
    bare("ingest", "issue.md")
    [kept] = (bare.folder / "originals").glob("*/*.md")
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (SAMPLE.read_bytes(), 0o600)
    assert kept.name.startswith(kept.parent.name)
    again = bare("ingest", "issue.md", "--json").json["issues"][0]
    assert (again["outcome"], again["revision"], again["issue"]["ref"]) == ("known", 1, "534")
    refused = bare("issues", "original", "534", expect=2)
    assert "there already" in refused.err
    bare("issues", "original", "534", "--to", "copy.md")
    assert (bare.folder / "copy.md").read_bytes() == SAMPLE.read_bytes()
    kept.write_bytes(b"something else")
    assert "damaged" in bare("issues", "original", "534", "--to", "other.md", expect=1).err
    kept.unlink()
    assert "is not kept" in bare("issues", "original", "534", "--to", "other.md", expect=1).err
    assert bare("ingest", "issue.md", "--again", "--json").json["issues"][0]["outcome"] == "known"
    assert kept.exists()


def test_without_a_folder_no_file_is_kept(bare: Command) -> None:
    bare("ingest", str(SAMPLE), DISPATCH_INTAKE__ORIGINALS="")
    assert not (bare.folder / "originals").exists()
    assert bare("ingest", str(SAMPLE), "--json", DISPATCH_INTAKE__ORIGINALS="").json["issues"][0]["outcome"] == "known"


@pytest.mark.parametrize(
    "words", [("diff", "--revision", "7"), ("original", "--revision", "7"), ("diff",), ("dismiss",)]
)
def test_what_is_not_there_is_said(bare: Command, words: tuple[str, ...]) -> None:
    bare("ingest", str(SAMPLE))
    command, *more = words
    done = bare("issues", command, "534", *more, expect=1)
    assert done.err.startswith("error: ")
    assert json.loads(bare("issues", "list", "--json").out)[0]["state"] == "held"
