"""`dispatch report`: the same numbers as a table, as JSON and as a page that loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dispatch.errors import RenderError
from dispatch.model import Rejected, Retry, Sent
from tests.cli.conftest import Office

HOSTILE = "<script>alert(1)</script> & \"x\" 'y' </style>"


def filled(office: Office) -> Office:
    """a is sent, b refused, c put off and then sent, a bundle waits in Telegram."""
    for name in ("a@x.test", "b@x.test", "c@x.test"):
        office.desk.reader(name, "topic:red")
    office.desk.reader("77", "all", channel="telegram")
    office.desk.issue({"一": ["red"], "二<b>": ["blue"]})
    office.desk.plan()

    def answer(address: str) -> Sent | Retry | Rejected:
        if address.startswith("b"):
            return Rejected(f"550 {HOSTILE}", "550")
        return Retry("451 later", "451") if address.startswith("c") else Sent(code="250")

    office.settle(answer)
    office.desk.clock.ms += 90_000
    office.settle()
    return office


class Checked(HTMLParser):
    """Notes what a page would load or run, and that its elements are closed."""

    VOID = frozenset({"meta", "br", "rect", "line", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(office: Office, *words: str) -> str:
    office("report", "534", "--html", "report.html", *words)
    return (office.folder / "report.html").read_text(encoding="utf-8")


def test_the_numbers_are_the_ledgers(office: Office) -> None:
    filled(office)
    found = office.json("report", "534")
    assert found["total"]["total"] == 5
    assert (found["total"]["sent"], found["total"]["failed"], found["total"]["waiting"]) == (2, 1, 2)
    assert found["total"]["attempted"] == 3
    [email, telegram] = found["channels"]
    assert (email["channel"], email["total"], telegram["waiting"]) == ("email", 3, 2)
    assert [(item["column"], item["articles"], item["total"]) for item in found["columns"]] == [
        *(("一", 1, 4), ("二<b>", 1, 1)),
    ]
    assert [(item["channel"], item["p50"], item["longest"]) for item in found["latency_ms"]] == [("email", 0, 90_000)]
    assert found["latency_histogram"][0] == {"from_ms": 0, "deliveries": 1}
    assert found["latency_histogram"][-1] == {"from_ms": 60_000, "deliveries": 1}
    assert sum(item["deliveries"] for item in found["sent_over_time"]["points"]) == 2
    assert found["tries"] == [{"attempts": 1, "deliveries": 1}, {"attempts": 2, "deliveries": 1}]
    assert {(item["outcome"], item["attempts"]) for item in found["attempts"]} == {
        *(("sent", 2), ("retry", 1), ("rejected", 1)),
    }
    assert found["answer_ms"] == {"email": 20}


def test_a_table_is_told_with_bars(office: Office) -> None:
    filled(office)
    told = office("report", "534").stdout
    assert "534 火炬动态: sending" in told
    assert re.search(r"email +3 +3 +2 +1 +0 +█+░+ 66%", told)
    assert "1 at attempt 1, 1 at attempt 2; attempts on record: 4" in told
    assert "<script>" in told
    titles = [line.split() for line in told.splitlines() if line.split()[:1] in (["channel"], ["column"])]
    assert ["channel", "planned", "attempted", "sent", "failed", "waiting"] in titles
    assert all(len(set(words)) == len(words) for words in titles)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_loads_nothing_and_runs_nothing(office: Office, language: str) -> None:
    filled(office)
    text = page(office, "--language", language)
    checked = Checked()
    checked.feed(text)
    assert checked.open == []
    assert not checked.seen & {"script", "link", "img", "iframe", "object", "b"} - {"b"}
    assert checked.addresses == []
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_words_of_strangers_are_text_on_the_page(office: Office) -> None:
    text = page(filled(office))
    assert "<script>" not in text
    assert text.count("</style>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "二&lt;b&gt;" in text


def test_the_page_has_a_drawing_of_everything(office: Office) -> None:
    text = page(filled(office))
    for words in ("送达报告", "发送中", "各渠道进展", "送达进度", "送达用时", "没有送达的原因", "各栏目", "尝试与重试"):
        assert words in text
    assert text.count('class="wide"') == text.count('class="narrow"') == 2
    assert "1 分 30 秒" in text


def test_a_page_in_english_is_in_english(office: Office) -> None:
    text = page(filled(office), "--language", "en")
    assert '<html lang="en">' in text
    assert "Delivery report" in text
    assert not re.search("[\u4e00-\u9fff]", re.sub(r"<title>.*?</title>|<h1>.*?</h1>|<td>[一二].*?</td>", "", text))


def test_an_issue_that_is_not_planned_has_nothing_to_report(office: Office) -> None:
    office.desk.issue({"一": ["red"]}, approve=False)
    assert "还没有发送计划" in page(office)
    assert "nothing of it is planned" in office("report", "534").stdout
    assert office.json("report", "534")["total"]["total"] == 0


def test_what_was_planned_and_not_yet_sent_is_drawn_too(office: Office) -> None:
    office.desk.reader("a", "all")
    office.desk.issue({"一": ["red"]})
    office.desk.plan()
    text = page(office)
    assert "等待" in text
    assert "送达用时" not in text


def test_what_is_left_after_the_time_of_keeping_is_drawn(office: Office) -> None:
    filled(office)
    with office.desk.db.transaction():
        office.desk.db.run("UPDATE deliveries SET message_id = NULL, variant = 0, reason = ''")
        office.desk.db.run("DELETE FROM attempts")
        office.desk.db.run("DELETE FROM messages")
    text = page(office)
    assert "送达进度" in text
    assert "送达用时" not in text
    assert office.json("report", "534")["total"]["sent"] == 2


def test_words_of_the_installation_replace_ours(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(office)
    monkeypatch.setenv("DISPATCH_TEMPLATES__FOLDER", str(office.folder / "own"))
    (office.folder / "own" / "report").mkdir(parents=True)
    (office.folder / "own" / "report" / "words.zh.toml").write_text('report = "发送情况"\n', encoding="utf-8")
    assert "发送情况" in page(office)
    (office.folder / "own" / "report" / "report.html.j2").write_text("{{ nothing.at.all }}", encoding="utf-8")
    with pytest.raises(RenderError, match="report's template fails: 'nothing' is undefined"):
        page_of_broken(office)


def page_of_broken(office: Office) -> None:
    from dispatch.app import App
    from dispatch.cli.report import page as made
    from dispatch.report.outcome import gather
    from dispatch.settings import load_settings

    app = App(load_settings(None))
    with app.database() as db:
        from dispatch import archive

        outcome = gather(db, archive.load(db, archive.find(db, "534")), app.expire_ms(), 0)
    made(app, outcome, "zh")


def test_a_wrong_call_is_refused(office: Office) -> None:
    office("report", "999", expect=1)
    office("report", "534", "--language", "fr", expect=2)
    filled(office)
    office("report", "534", "--html", "no/such/folder.html", expect=1)


def test_both_languages_have_the_same_words() -> None:
    import tomllib

    folder = Path(__file__).resolve().parents[2] / "templates" / "report"
    zh, en = (tomllib.loads((folder / f"words.{name}.toml").read_text(encoding="utf-8")) for name in ("zh", "en"))
    assert list(zh) == list(en)
    for key, words in zh.items():
        assert set(re.findall(r"{\w+}", words)) == set(re.findall(r"{\w+}", en[key])), key


def test_what_stands_in_a_title_turns_no_text_of_the_page_around(office: Office) -> None:
    office.desk.reader("a@x.test", "all")
    office.desk.issue({"一\u202e\x1b[2J": ["red"]})
    office.desk.plan()
    office.settle(lambda address: Rejected("550 \u202eno\x07", "550"))
    office("report", "534", "--html", "report.html")
    page = (office.folder / "report.html").read_text(encoding="utf-8")
    assert "一" in page
    assert all(sign.isprintable() or sign in "\n\t\u3000\xa0" for sign in page), sorted(
        {sign for sign in page if not sign.isprintable()}
    )
