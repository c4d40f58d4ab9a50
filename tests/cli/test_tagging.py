"""The tags of the archive at the command line: why they are there, what another catalog changes, who gets nothing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from dispatch.app import App
from dispatch.cli.evidence import Stretch, stretches
from dispatch.doctor import examine
from dispatch.model import Article, Block, BlockKind, Evidence
from dispatch.settings import load_settings

from .conftest import Office

ROW = "name,full_name,province,city\n新城高新区,新城高新技术产业开发区,江西省,新城市\n"
TITLE, OTHER = "新城高新区新增企业", "南昌高新区新增企业"


@pytest.fixture
def changed(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An archive of two issues, and a catalog that has a park more since."""
    office.desk.reader("a@example.com", "park:南昌高新区")
    office.desk.issue({"园区发展": [TITLE, OTHER]}, 534)
    office.desk.issue({"园区发展": [OTHER]}, 535, approve=False)
    office("tag", "--again")
    (office.folder / "own").mkdir()
    (office.folder / "own" / "parks.csv").write_text(ROW, encoding="utf-8")
    monkeypatch.setenv("DISPATCH_CATALOG__FOLDER", str(office.folder / "own"))
    return office


def test_a_dry_run_tells_and_changes_nothing(changed: Office) -> None:
    shown = changed("tag", "--again", "--dry-run").stdout
    assert "534 (approved): it is planned by these tags" in shown
    changed.desk.reader("b@example.com", "park:新城高新区")
    changed.desk.reader("c@example.com", "province:江西省")
    shown = changed("tag", "--again", "--dry-run").stdout
    assert f"1. {TITLE}\n     + subject 新城高新区, followed by 2\n" in shown
    assert "     active endpoints that gain the article: 2, that lose it: 0\n" in shown
    assert "535" not in shown
    assert "3 articles of 2 issues looked at: 1 articles in 1 issues would change their tags" in shown
    assert changed.json("tag", "--again", "--dry-run") == changed.json("tag", "--again", "--dry-run")


def test_it_is_done_for_all_or_for_those_named(changed: Office) -> None:
    assert [item["issue"] for item in changed.json("tag", "--again", "535")] == ["535"]
    found = changed.json("tag", "--again")
    tag = {"kind": "park", "key": "新城高新区", "name": "新城高新区", "was": "", "now": "subject", "followers": 0}
    [done] = [item for item in found if item["issue"] == "534"]
    assert done["changes"] == [{"position": 1, "title": TITLE, "gain": 0, "lose": 0, "tags": [tag]}]
    assert (done["state"], done["articles"], done["left"]) == ("approved", 2, "")
    assert changed.json("tag", "--again") == []
    assert "0 articles of 0 issues looked at" in (again := changed("tag", "--again").stdout)
    assert "left out: 2 issues that were tagged by the present catalog" in again
    for words in (("534", "535"), ("--all",)):
        assert [item["changes"] for item in changed.json("tag", "--again", *words)] == [[], []]
    parks = changed.json("issues", "show", "534")["issue"]["columns"][0]["articles"][0]["parks"]
    assert [park["name"] for park in parks] == ["新城高新区"]
    passage = {"where": "title", "block": -1, "start": 0, "end": 5, "text": "新城高新区"}
    assert passage in parks[0]["evidence"]


def test_what_cannot_be_done_is_said(changed: Office) -> None:
    changed("tag", "--again", "999", expect=1)
    changed("tag", expect=2)
    changed("tag", "--dry-run", "x.txt", expect=2)
    changed("tag", "--all", "x.txt", expect=2)
    changed("issues", "cancel", "535", "--yes")
    changed("tag", "--again", "535", expect=2)
    assert [item["issue"] for item in changed.json("tag", "--again")] == ["534"]
    changed.desk.db.run("UPDATE issues SET state = 'sending' WHERE ref = '534'")
    assert "534: not tagged again; it is being planned just now" in str(
        changed("tag", "--again", "534", expect=1).exception
    )
    changed("tag", "--again", "--dry-run", "534")
    changed.desk.db.run("UPDATE issues SET planned_at = 1 WHERE ref = '534'")
    changed("tag", "--again")


def test_doctor_names_the_issues_that_another_catalog_tagged(changed: Office) -> None:
    app = App(load_settings(None), begins=False)
    [finding] = [found for found in examine(app, None) if found.what == "tags"]
    assert finding.state == "note"
    assert "2 issues" in finding.detail
    assert "huoju:534" in finding.detail
    assert "dispatch tag --again" in finding.detail
    changed("tag", "--again")
    assert [found for found in examine(app, None) if found.what == "tags"] == []


def test_articles_that_nobody_would_get_are_named(changed: Office) -> None:
    nobodys = [{"position": 1, "title": TITLE, "column": "园区发展"}]
    assert changed.json("issues", "show", "534")["nobody"] == nobodys
    assert changed.json("issues", "send", "534", "--dry-run")["nobody"] == nobodys
    for words in (("show", "534"), ("send", "534", "--dry-run"), ("preview", "534", "--out", "out")):
        shown = changed("issues", *words).stdout
        assert "nobody would get 1 of 2 articles" in shown
        assert f"  1. {TITLE} (园区发展)" in shown
    assert changed.json("issues", "show", "535")["nobody"] == []
    assert "nobody would get" not in changed("issues", "show", "535").stdout


def test_who_is_paused_or_suppressed_is_nobody(changed: Office) -> None:
    changed("subscribers", "suppress", "a@example.com", "--reason", "wish")
    assert [item["position"] for item in changed.json("issues", "show", "534")["nobody"]] == [1, 2]
    changed.desk.reader("b@example.com", "all")
    assert changed.json("issues", "show", "534")["nobody"] == []


def test_the_passages_that_decided_stand_in_their_context(sampled: Office) -> None:
    shown = sampled("issues", "show", "534").stdout
    found = sampled.json("issues", "show", "534")["issue"]["columns"]
    articles = [article for column in found for article in column["articles"]]
    assert shown.count("【") >= len(articles)
    for article in articles:
        texts = {"title": article["title"], "credit": article["credit"]}
        for tag in (*article["parks"], *article["topics"]):
            for item in tag["evidence"]:
                text = article["blocks"][item["block"]]["text"] if item["where"] == "text" else texts[item["where"]]
                assert text[item["start"] : item["end"]] == item["text"]


def test_a_file_is_tagged_with_its_passages(office: Office) -> None:
    Path("a.txt").write_text(f"{OTHER}\n南昌高新区上半年新增企业120家。\n", encoding="utf-8")
    shown = office("tag", "a.txt").stdout
    assert "subject: 南昌高新区" in shown
    assert "title   【南昌高新区】新增企业" in shown
    assert "text 1  【南昌高新区】上半年新增企业120家。" in shown
    [found] = office.json("tag", "a.txt")
    assert found["parks"][0]["evidence"][0]["where"] == "title"


def test_topics_that_score_too_low_are_shown_with_why(office: Office) -> None:
    text = "南昌高新区上半年新增企业120家。管委会说，园区有一家机器人公司。" + "园区道路已经修好，请大家放心出行。" * 20
    Path("a.txt").write_text(f"{OTHER}\n{text}\n", encoding="utf-8")
    [found] = office.json("tag", "a.txt")
    assert "robotics" not in [topic["key"] for topic in found["topics"]]
    [missed] = [topic for topic in found["below"] if topic["key"] == "robotics"]
    assert 0 < missed["score"] < missed["needed"] == 6
    assert [(item["text"], item["block"]) for item in missed["evidence"]] == [("机器人", 0)]
    assert "below" not in office("tag", "a.txt").stdout
    shown = office("tag", "--below", "a.txt").stdout
    assert f"below: 机器人 [robotics] {missed['score']:.2f} of 6.00\n" in shown
    assert "园区有一家【机器人】公司" in shown
    office("tag", "--again", "--below", expect=2)


def test_a_terminal_underlines_the_passages(office: Office) -> None:
    Path("a.txt").write_text(f"{OTHER}\n南昌高新区上半年新增企业120家。\n", encoding="utf-8")
    ours, theirs = pty.openpty()
    try:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONUTF8": "1",
            "TERM": "xterm",
        }
        command = [sys.executable, "-m", "dispatch", "tag", "a.txt"]
        subprocess.run(command, stdout=theirs, cwd=office.folder, env=environment, check=True)
        told = os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "\x1b[1;4m南昌高新区\x1b[0m" in told
    assert "【" not in told


def _article(*texts: str) -> Article:
    return Article("题目", "", tuple(Block(BlockKind.PARAGRAPH, text) for text in texts))


def _passage(text: str, word: str, block: int = 0) -> Evidence:
    start = text.index(word)
    return Evidence("text", block, start, start + len(word), word)


def test_a_passage_is_cut_out_of_its_text_and_near_ones_share_a_stretch() -> None:
    text = "前" * 40 + "甲区" + "中" * 10 + "乙区" + "间" * 60 + "丙区" + "后" * 5
    found = stretches(_article(text), [_passage(text, word) for word in ("丙区", "甲区", "乙区")])
    assert [stretch.marked for stretch in found] == [
        "…" + "前" * 14 + "【甲区】" + "中" * 10 + "【乙区】" + "间" * 14 + "…",
        "…" + "间" * 14 + "【丙区】" + "后" * 5,
    ]


def test_passages_come_in_the_order_of_the_article() -> None:
    article = _article("甲区。", "乙区。")
    evidence = [_passage("乙区。", "乙区", 1), _passage("甲区。", "甲区"), Evidence("title", -1, 0, 2, "题目")]
    assert [stretch.where for stretch in stretches(article, evidence)] == ["title", "text 1", "text 2"]


def test_a_passage_whose_text_was_changed_since_stands_alone() -> None:
    found = stretches(_article("另外的话"), [Evidence("text", 0, 0, 2, "甲区"), Evidence("text", 7, 0, 2, "乙区")])
    assert found == [Stretch("text 1", (("甲区", True),)), Stretch("text 8", (("乙区", True),))]


def test_nothing_of_a_title_steers_the_terminal(office: Office) -> None:
    office.desk.issue({"园区发展": ["a\x1b[31m南昌高新区"]})
    office("tag", "--again")
    assert "\x1b" not in office("issues", "show", "534").stdout


def test_a_park_that_was_not_national_yet_is_told_with_its_year(office: Office) -> None:
    file = office.folder / "a.txt"
    file.write_text("滁州高新区扩建\n滁州高新区与南昌高新区交流。\n", encoding="utf-8")
    shown = office("tag", "--date", "2021-05-01", str(file)).stdout
    assert "subject: 滁州高新区, national since 2022 only\n" in shown
    assert "mention: 南昌高新区\n" in shown
    assert "since" not in office("tag", str(file)).stdout
    assert office.json("tag", "--date", "2021-05-01", str(file))[0]["national_later"] == {"滁州高新区": 2022}
    assert office.json("tag", "--date", "2022-05-01", str(file))[0]["national_later"] == {}


def test_an_issue_says_which_of_its_parks_were_not_national_yet(office: Office) -> None:
    office.desk.issue({"园区发展": ["雄安高新区开工", OTHER]}, 534)
    office("tag", "--again")
    assert "subject: 雄安高新区, national since 2026 only" in office("issues", "show", "534").stdout
    assert office.json("issues", "show", "534")["national_later"] == {"雄安高新区": 2026}
