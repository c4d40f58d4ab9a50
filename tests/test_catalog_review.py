"""`catalog check`: every wrong line, and what is allowed and hardly meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatch.app import App
from dispatch.assets import config_dir
from dispatch.catalog import load_catalog
from dispatch.catalog.review import Review, review
from dispatch.catalog.source import Place, check_shared_words
from dispatch.catalog.strays import strays
from dispatch.cli.main import cli
from dispatch.doctor import examine
from dispatch.errors import CatalogError
from dispatch.settings import load_settings

from .cli.conftest import Office, office

__all__ = ["office"]

HEADER = "name,full_name,province,city,national_since,aliases,loose_aliases\n"
TOPIC = """
[[topics]]
key = "{key}"
name = "{key}题"
name_en = "The {key}"
group = "industries"
description = "D."
{more}
description_en = "D."
"""


def looked(folder: Path, *, parks: str = "", topics: str = "", bulletins: dict[str, str] | None = None) -> Review:
    if parks:
        (folder / "parks.csv").write_text(parks, encoding="utf-8")
    if topics:
        (folder / "topics.toml").write_text(topics, encoding="utf-8")
    for name, text in (bulletins or {}).items():
        (folder / "bulletins").mkdir(exist_ok=True)
        (folder / "bulletins" / name).write_text(text, encoding="utf-8")
    return review(override=folder)


def told(found: Review, level: str) -> list[tuple[str, int, str]]:
    return [
        (Path(remark.file).name, remark.line, remark.reason)
        for remark in found.remarks
        if remark.level == level and Path(remark.file).parent != config_dir()
    ]


def test_our_own_files_have_no_errors() -> None:
    found = review()
    assert (found.errors, found.warnings) == (0, 0)
    catalog = load_catalog()
    assert (found.parks, found.topics) == (len(catalog.parks), len(catalog.topics))
    assert [remark for remark in found.remarks if "parks.csv" in remark.file] == []


def test_every_wrong_line_is_told_with_what_to_do(tmp_path: Path) -> None:
    parks = (
        HEADER
        + ",,江西省,甲江市,,,\n"
        + "乙高新区,乙高新技术产业开发区,江西,乙江市,二零,,\n"
        + "丙高新区,丙高新技术产业开发区\n"
        + "丁高新区,丁高新技术产业开发区,江西省,丁江市,,南昌高新区,\n"
    )
    topics = TOPIC.format(key="A b", more="colour = 1") + TOPIC.format(
        key="kites", more="terms.9999 = [1]\naliases = 1"
    )
    bulletins = {"Brief.toml": "title = 1\n", "other.toml": "name = \n"}
    found = looked(tmp_path, parks=parks, topics=topics, bulletins=bulletins)
    reasons = told(found, "error")
    assert [(file, line) for file, line, _ in reasons] == [
        *[("parks.csv", line) for line in (2, 2, 3, 3, 4, 5)],
        *[("topics.toml", line) for line in (2, 3, 8, 17, 18)],
        *[("Brief.toml", line) for line in (0, 0, 1)],
        ("other.toml", 1),
    ]
    said = "\n".join(reason for _, _, reason in reasons)
    for words in (
        "name is empty",
        "full_name is empty",
        "there is no province '江西'",
        "'二零' is no year",
        "2 fields",
        "taken already",
    ):
        assert words in said
    for words in (
        "unknown key 'colour'",
        "the key 'A b'",
        "needs terms",
        "weight '9999'",
        "list of texts",
        "unknown key",
    ):
        assert words in said
    assert all(remark.remedy for remark in found.remarks if remark.level == "error" and "not TOML" not in remark.reason)
    assert found.errors == len(reasons)
    with pytest.raises(CatalogError) as caught:
        load_catalog(override=tmp_path)
    first = next(remark for remark in found.remarks if remark.level == "error")
    assert (caught.value.file, caught.value.line, caught.value.reason) == (first.file, first.line, first.reason)


_LINE = "甲高新区,甲高新技术产业开发区,江西省,甲江市,,甲江新城,"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        *(
            ("甲江市", city, "is, without its rank, too short")
            for city in ("()", "/", "市", "州", "甲市", "郑州", "苏州市(市)")
        ),
        ("江西省", "省省", "there is no province '省省'"),
        ("江西省", "江东省", "there is no province '江东省'"),
        *(
            ("甲江新城", name, "would be found wherever a text says so of any zone")
            for name in (
                "高新区",
                "高新區",
                "国家级高新区",
                "高新技术产业开发区",
                "开发区",
                "自主创新示范区",
                "区",
                "高新",
                "园区",
            )
        ),
        ("甲江新城,", ",高新区", "would be found wherever"),
        ("甲高新区,", "高新区,", "would be found wherever"),
        ("甲高新技术产业开发区", "国家高新技术产业开发区", "would be found wherever"),
        ("甲江新城", "甲江", "'甲江' is shorter than 3 characters"),
        ("甲高新区,", "甲区,", "'甲区' is shorter than 3 characters"),
        ("甲江新城", "甲江+mentions", "holds +mentions"),
        ("甲高新区,", "甲高新区＋ｍｅｎｔｉｏｎｓ,", "holds +mentions"),
        ("甲江新城", "甲江\u200b新城", "U+200B, which nobody sees"),
        ("甲江新城", "甲江\x1b[31m新城", "U+001B, which nobody sees"),
        ("甲江新城,", ",甲\u202e谷", "U+202E, which nobody sees"),
        ("甲江市", "甲江\u2066市", "U+2066, which nobody sees"),
    ],
)
def test_a_park_that_the_tagger_could_not_use_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in _LINE
    found = looked(tmp_path, parks=f"{HEADER}{_LINE.replace(old, new, 1)}\n")
    [(file, line, words)] = told(found, "error")
    assert (file, line) == ("parks.csv", 2)
    assert reason in words
    with pytest.raises(CatalogError):
        load_catalog(override=tmp_path)


@pytest.mark.parametrize(
    ("topic", "at", "reason"),
    [
        (TOPIC.format(key="kites", more='terms.3 = [\n"纸鸢",\n"风\u200b筝"]'), 10, "U+200B"),
        (TOPIC.format(key="kites", more='terms.3 = ["风筝"]\naliases = ["\\u001b[0m"]'), 9, "U+001B"),
        (TOPIC.format(key="kites", more='terms.3 = ["风筝"]').replace("The kites", "The\\nkites"), 5, "U+000A"),
        (TOPIC.format(key="kites", more='terms.3 = ["风筝"]').replace('"D."', '"D\u202e."', 1), 7, "U+202E"),
    ],
)
def test_a_topic_with_characters_that_nobody_sees_is_refused(tmp_path: Path, topic: str, at: int, reason: str) -> None:
    [(file, line, words)] = told(looked(tmp_path, topics=topic), "error")
    assert (file, line) == ("topics.toml", at)
    assert f"{reason}, which nobody sees" in words


def test_a_description_may_have_lines(tmp_path: Path) -> None:
    topic = TOPIC.format(key="kites", more='terms.3 = ["风筝"]').replace('"D."', '"""One.\nTwo."""')
    assert told(looked(tmp_path, topics=topic), "error") == []


@pytest.mark.parametrize("name", ["高新区", "经开区", "國家級高新區"])
def test_an_other_zone_that_is_any_zone_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "zones-other.csv").write_text(f"name,province,kind\n{name},江西省,省级\n", encoding="utf-8")
    [(file, line, words)] = told(review(override=tmp_path), "error")
    assert (file, line) == ("zones-other.csv", 2)
    assert "of any zone" in words


def test_many_aliases_are_compared_with_each_other_once() -> None:
    """Each with all before it would be eight hundred million times."""
    words = [f"甲江{number}城" for number in range(40_000)]
    faults: list[CatalogError] = []
    check_shared_words([([*words, words[7]], Place(Path("parks.csv"), 2))], faults.append)
    assert ["'甲江7城'" in fault.reason for fault in faults] == [True]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("甲高新区,甲高新技术产业开发区,江西省,甲江市,,南昌国家级高新区,", "a form of the name of 南昌高新区"),
        ("甲高新区,甲高新技术产业开发区,江西省,甲江市,,,南昌市高新区", "a form of the name of 南昌高新区"),
        (
            "甲高新区,甲高新技术产业开发区,江西省,甲江市,,南昌市,",
            "'南昌市' of 甲高新区 is the name of a city or province",
        ),
        (
            "甲高新区,甲高新技术产业开发区,江西省,甲江市,,江西省,",
            "'江西省' of 甲高新区 is the name of a city or province",
        ),
        ("甲高新区,甲高新技术产业开发区,江西省,甲江市,,,甲", "the loose alias '甲' of 甲高新区 is one character"),
        ("南昌高新区,南昌高新技术产业开发区,江西省,南昌市,1992,昌高城,", "the park 南昌高新区 replaces that of"),
    ],
)
def test_a_park_that_is_hardly_meant_so(tmp_path: Path, row: str, reason: str) -> None:
    found = looked(tmp_path, parks=f"{HEADER}{row}\n")
    assert found.errors == 0
    [(file, line, words)] = told(found, "warning")
    assert (file, line) == ("parks.csv", 2)
    assert reason in words


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        (
            TOPIC.format(key="kites", more='terms.3 = [\n"集成电路"]'),
            9,
            "alone says the topic kites, and semiconductors too",
        ),
        (
            TOPIC.format(key="kites", more='terms.3 = ["风筝"]\ncounter_terms = ["纸鸢"]'),
            9,
            "contains none of its terms",
        ),
        ('[groups]\nempty = { name = "空", name_en = "None" }\n', 2, "no topic is in the group empty"),
        (TOPIC.format(key="kites", more='terms.1 = ["鸢"]'), 8, "the term '鸢' of kites is one character"),
        (TOPIC.format(key="ai", more='terms.3 = ["风筝"]'), 2, "the topic ai replaces that of"),
        (
            TOPIC.format(key="kites", more='terms.3 = ["风筝"]').replace('description_en = "D."', ""),
            2,
            "the topic kites has no description_en",
        ),
    ],
)
def test_a_topic_that_is_hardly_meant_so(tmp_path: Path, text: str, at: int, reason: str) -> None:
    found = looked(tmp_path, topics=text)
    assert found.errors == 0
    assert [line for _, line, words in told(found, "warning") if reason in words] == [at]


def test_what_is_meant_so_is_not_warned_of(tmp_path: Path) -> None:
    parks = f"{HEADER}甲高新区,甲高新技术产业开发区,江西省,甲江市,2027,甲江高新城,甲谷\n"
    more = 'terms.3 = ["风筝"]\nterms.2 = ["集成电路", "鸢"]\ncounter_terms = ["放风筝的人", "鸢尾花"]'
    found = looked(tmp_path, parks=parks, topics=TOPIC.format(key="kites", more=more))
    assert (told(found, "error"), told(found, "warning")) == ([], [])


def test_a_bulletin_that_replaces_ours_is_told(tmp_path: Path) -> None:
    found = looked(tmp_path, bulletins={"huoju.toml": 'name = "火炬"\n'})
    assert [words.partition(" of ")[0] for _, _, words in told(found, "warning")] == [
        "the bulletin huoju replaces that"
    ]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = review(override=tmp_path / "gone")
    [error] = [remark for remark in found.remarks if remark.level == "error"]
    assert error.reason == "there is no such folder"


def test_the_command(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert office.json("catalog", "check")["errors"] == 0
    own = office.folder / "own"
    own.mkdir()
    monkeypatch.setenv("DISPATCH_CATALOG__FOLDER", str(own))
    (own / "parks.csv").write_text(f"{HEADER}甲高新区,甲高新技术产业开发区,江西,甲江市,1,,\n", encoding="utf-8")
    shown = office("catalog", "check", expect=1).stdout
    assert f"{own / 'parks.csv'}, line 2: error: there is no province '江西'" in shown
    assert "national_since '1' is no year" in shown
    assert "errors 2" in shown
    office("catalog", "parks", expect=1)


def test_files_that_nobody_reads_are_told(tmp_path: Path) -> None:
    meant = {
        "park.csv": "parks.csv",
        "Topics.TOML": "topics.toml",
        "topics.tml": "topics.toml",
        "parks.csv.txt": "parks.csv",
        "parks.xlsx": "parks.csv",
        "zones.csv": "zones-other.csv",
    }
    for name in (*meant, "places.txt", "mine.csv", "README.md", ".hidden.csv", "notes.txt", "dispatch.toml"):
        (tmp_path / name).touch()
    (tmp_path / "topics.toml").write_text("", encoding="utf-8")
    (tmp_path / "topics.toml~").touch()
    (tmp_path / "bulletins").mkdir()
    (tmp_path / "bulletins" / "brief.tml").touch()
    found = {Path(remark.file).name: remark for remark in review(override=tmp_path).remarks}
    assert set(found) == {*meant, "places.txt", "mine.csv", "brief.tml"}
    assert {(remark.level, remark.line) for remark in found.values()} == {("warning", 0)}
    for name, known in meant.items():
        assert f"call it {known}" in found[name].remedy
    assert "call it brief.toml" in found["brief.tml"].remedy
    assert "the program's own folder only" in found["places.txt"].remedy
    assert load_catalog(override=tmp_path).parks == load_catalog().parks


def test_a_folder_of_bulletins_that_is_misnamed_is_told(tmp_path: Path) -> None:
    (tmp_path / "bulletin").mkdir()
    assert [(stray.path.name, stray.remedy) for stray in strays(tmp_path)] == [
        ("bulletin", "call it bulletins, or take it out")
    ]
    assert strays(tmp_path / "gone") == []


def test_start_up_and_doctor_say_what_nobody_reads(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    own = office.folder / "own"
    own.mkdir()
    (own / "park.csv").touch()
    monkeypatch.setenv("DISPATCH_CATALOG__FOLDER", str(own))
    assert f"{own / 'park.csv'}: it is not read" in office("run", "--once").stderr
    found = examine(App(load_settings(None), begins=False), None)
    assert ["call it parks.csv" in item.detail for item in found if item.what == "catalog"] == [False, True]


@pytest.fixture
def followed(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Readers who follow a park that has another name since, and what is gone."""
    own = office.folder / "own"
    own.mkdir()
    row = "新江高新区,新江高新技术产业开发区,江西省,新江市,2027,旧江高新区,\n"
    (own / "parks.csv").write_text(HEADER + row, encoding="utf-8")
    monkeypatch.setenv("DISPATCH_CATALOG__FOLDER", str(own))
    office.desk.reader("a@example.com", "park:旧江高新区", "topic:kites", "park:南昌高新区")
    office.desk.reader("b@example.com", "park:旧江高新区", "park:南昌高新老区+mentions", "column:huoju/专题", "all")
    office.desk.db.run("UPDATE endpoints SET state = 'paused' WHERE address = 'b@example.com'")
    return office


def test_follows_of_what_is_gone_are_told(followed: Office) -> None:
    lost = {item["tag"]: item for item in followed.json("catalog", "check")["lost_follows"]}
    assert set(lost) == {"park:旧江高新区", "topic:kites", "park:南昌高新老区+mentions"}
    assert [(item["active"], item["endpoints"]) for item in lost.values()] == [(0, 1), (1, 2), (1, 1)]
    assert lost["park:旧江高新区"]["now"] == "park:新江高新区"
    assert "park:南昌高新区" in lost["park:南昌高新老区+mentions"]["near"]
    shown = followed("catalog", "check").stdout
    assert "follows: topic:kites is followed by 1 active endpoints and is gone\n" in shown
    assert (
        "follows: park:旧江高新区 is followed by 1 active endpoints of 2 and is called park:新江高新区 now\n" in shown
    )
    assert "errors 0" in shown


def test_doctor_tells_follows_of_what_is_gone_and_what_to_do_helps(followed: Office) -> None:
    def told_by_doctor() -> list[str]:
        found = examine(App(load_settings(None), begins=False), None)
        return [item.detail for item in found if item.what == "follows"]

    details = told_by_doctor()
    assert len(details) == 3
    [renamed] = [detail for detail in details if "旧江" in detail]
    assert "dispatch subscribers bulk follow 'park:新江高新区' --follow 'park:旧江高新区', then dispatch" in renamed
    followed("subscribers", "bulk", "follow", "park:新江高新区", "--follow", "park:旧江高新区", "--yes")
    for tag in ("park:旧江高新区", "topic:kites", "park:南昌高新老区+mentions"):
        followed("subscribers", "bulk", "unfollow", tag, "--follow", tag, "--yes")
    assert told_by_doctor() == []
    rows = followed.desk.db.all("SELECT tag FROM follows WHERE tag LIKE 'park:新江%'")
    assert len(rows) == 2


def test_without_a_database_only_the_files_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_DATABASE__URL", f"sqlite:///{tmp_path / 'none.db'}")
    result = CliRunner().invoke(cli, ["catalog", "check", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["lost_follows"] == []
    assert not (tmp_path / "none.db").exists()


ZONES = "name,province,kind\n"


def test_wrong_lines_of_the_other_zones_are_told_and_refused(tmp_path: Path) -> None:
    rows = (
        "甲经济技术开发区,江西省,\n乙高新技术产业开发区,江西,省级高新区\n丙高新区,江西省\n" + "丁区,江西省,省级\n" * 2
    )
    (tmp_path / "zones-other.csv").write_text(ZONES + rows, encoding="utf-8")
    found = review(override=tmp_path)
    assert told(found, "error") == [
        ("zones-other.csv", 2, "kind is empty"),
        ("zones-other.csv", 3, "there is no province '江西'"),
        ("zones-other.csv", 4, "2 fields, but the header has 3"),
        ("zones-other.csv", 6, "the zone 丁区 stands in line 5 already"),
    ]
    assert found.zones == review().zones + 1
    with pytest.raises(CatalogError) as caught:
        load_catalog(override=tmp_path)
    assert (caught.value.line, caught.value.reason) == (2, "kind is empty")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("name,kind\n甲,乙\n", "the column province is missing"), ('name,province,kind\n"甲,乙,丙\n', "not CSV")],
)
def test_a_file_that_is_no_table_of_zones_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "zones-other.csv").write_text(text, encoding="utf-8")
    [(file, _, words)] = told(review(override=tmp_path), "error")
    assert file == "zones-other.csv"
    assert reason in words


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("南昌高新技术产业开发区,江西省,省级高新区", "is the park 南昌高新区, which counts"),
        ("江西省南昌高新技术产业开发区,江西省,省级高新区", "is the park 南昌高新区, which counts"),
        ("江西南昌,江西省,其他", "the zone 江西南昌 hides the park's name 江西南昌高新区"),
    ],
)
def test_a_zone_that_is_a_park_or_hides_one_is_warned_of(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "zones-other.csv").write_text(f"{ZONES}{row}\n", encoding="utf-8")
    found = review(override=tmp_path)
    assert found.errors == 0
    assert reason in "\n".join(words for _, _, words in told(found, "warning"))


def test_our_own_zones_are_none_of_our_parks_and_hide_none() -> None:
    assert [remark for remark in review().remarks if "zones-other.csv" in remark.file] == []
