"""The catalog finds what people mean, says what it does not know, and refuses wrong lines by file and line."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatch.assets import config_dir
from dispatch.catalog import Catalog, ColumnSpec, load_catalog
from dispatch.catalog.positions import lines_of
from dispatch.errors import CatalogError, UsageError
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, ParkTag, Role, TopicTag

_CATALOG = load_catalog()

_HEADER = "name,full_name,province,city,national_since,aliases,loose_aliases\n"
_GROUPS = '[groups]\na = { name = "甲", name_en = "A" }\n'
_TOPIC = '[[topics]]\nkey = "k"\nname = "题"\nname_en = "T"\ngroup = "a"\ndescription = "D."\n'


def _override(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_the_shipped_lists_are_complete() -> None:
    assert len(_CATALOG.parks) == 178 + 1  # and 雄安
    assert 40 <= len(_CATALOG.topics) <= 60
    assert len({park.province for park in _CATALOG.parks}) == 31
    assert {topic.group for topic in _CATALOG.topics} == {group.key for group in _CATALOG.groups}


@pytest.mark.parametrize(
    ("what", "tag"),
    [
        ("park:南昌高新区", "park:南昌高新区"),
        ("park:南昌高新技术产业开发区", "park:南昌高新区"),
        ("park：潍坊市高新区 ", "park:潍坊高新区"),
        ("park:武汉东湖高新区+mentions", "park:东湖高新区+mentions"),
        ("park:中关村", "park:中关村"),
        ("park:杭州高新区（滨江）", "park:杭州高新区"),
        ("province:江西", "province:江西省"),
        ("province:广西壮族自治区", "province:广西壮族自治区"),
        ("topic:blockchain", "topic:blockchain"),
        ("topic:区块链", "topic:blockchain"),
        ("topic:Party Building", "topic:party-building"),
        ("topic:博士后", "topic:talent"),
        ("topic:人才", "topic:talent"),
        ("topic:品牌", "topic:brands"),
        ("topic:标准化", "topic:standards"),
        ("topic:孵化器", "topic:incubation"),
        ("topic:揭榜挂帅", "topic:open-bidding"),
        ("topic:重大项目", "topic:major-projects"),
        ("topic:生物医药", "topic:biomedicine"),
        ("topic:党建", "topic:party-building"),
        ("column:zones", "column:huoju/zones"),
        ("column:huoju/zones", "column:huoju/zones"),
        ("column:高质量发展在高新区", "column:huoju/zones"),
        ("column:《园区发展》", "column:huoju/parks"),
        ("bulletin:huoju", "bulletin:huoju"),
        ("bulletin:火炬动态", "bulletin:huoju"),
        ("all", "all"),
    ],
)
def test_a_follow_is_resolved_to_its_tag(what: str, tag: str) -> None:
    assert _CATALOG.resolve(what) == tag
    assert _CATALOG.resolve(tag) == tag


@pytest.mark.parametrize(
    ("what", "hint"),
    [
        ("park:南昌", "park:南昌高新区"),
        ("park:南昌高新", "park:南昌高新区"),
        ("park:南昌高薪区", "park:南昌高新区"),
        ("park:苏州", "park:苏州工业园区"),
        ("park:光谷", "park:东湖高新区"),
        ("park:", "''"),
        ("topic:区快链", "topic:区块链"),
        ("topic:医", "topic:生物医药"),
        ("province:江", "province:江西省"),
        ("column:园区", "column:huoju/parks"),
        ("column:huoju/园区", "column:huoju/parks"),
        ("bulletin:火炬", "bulletin:huoju"),
        ("南昌高新区", "park:南昌高新区"),
        ("江西", "province:江西省"),
        ("人才", "topic:talent"),
        ("火炬动态", "bulletin:huoju"),
        ("zone:南昌", "province:NAME"),
        ("", "park:NAME"),
    ],
)
def test_an_unknown_follow_names_the_word_and_what_is_near(what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        _CATALOG.resolve(what)
    assert hint in str(caught.value)
    assert what.rpartition("/")[2].partition(":")[2] in str(caught.value)
    assert str(caught.value).count("park:") <= 5


@pytest.mark.parametrize(
    ("tag", "zh", "en"),
    [
        ("park:南昌高新区", "南昌高新区", "Nanchang High-tech Zone"),
        ("park:南昌高新区+mentions", "南昌高新区(含提及)", "Nanchang High-tech Zone (and mentions)"),
        ("province:江西省", "江西省全部高新区", "all high-tech zones in Jiangxi"),
        ("topic:blockchain", "区块链", "Blockchain"),
        ("topic:gone", "gone", "gone"),
        ("column:huoju/parks", "栏目《园区发展》", 'the column "Park Development"'),
        ("column:huoju/专题", "栏目《专题》", 'the column "专题"'),
        ("bulletin:huoju", "火炬动态 全部", "Torch Bulletin, everything"),
        ("bulletin:gone", "gone 全部", "gone, everything"),
        ("all", "全部内容", "everything"),
    ],
)
def test_a_tag_has_a_label_in_both_languages(tag: str, zh: str, en: str) -> None:
    assert (_CATALOG.label(tag, "zh"), _CATALOG.label(tag, "en")) == (zh, en)


def test_the_tags_of_an_article() -> None:
    parks = (ParkTag("南昌高新区", Role.SUBJECT), ParkTag("苏州高新区", Role.MENTION))
    article = Article("", "", (), parks, (TopicTag("ai", "人工智能", 9.0),))
    assert sorted(_CATALOG.tags_of(article, "huoju", "zones")) == sorted(
        [
            "park:南昌高新区",
            "park:南昌高新区+mentions",
            "province:江西省",
            "park:苏州高新区+mentions",
            "topic:ai",
            "column:huoju/zones",
            "bulletin:huoju",
            "all",
        ]
    )


def test_a_column_is_found_by_either_name_by_likeness_or_made() -> None:
    assert _CATALOG.column_spec("huoju", "高质量发展看高新区", "高质量发展在高新区").key == "zones"
    assert _CATALOG.column_spec("huoju", "新栏目", "高质量发展在高新区").key == "zones"
    assert _CATALOG.column_spec("huoju", "高质量发展瞧高新区").key == "zones"
    assert _CATALOG.column_spec("huoju", "党建专栏") == ColumnSpec("党建专栏", "党建专栏")
    assert _CATALOG.column_spec("unknown", "专题", "") == ColumnSpec("专题", "专题")


def test_a_column_of_two_bulletins_needs_its_bulletin(tmp_path: Path) -> None:
    text = 'name = "简报"\n[[columns]]\nkey = "parks"\nname = "园区"\n'
    catalog = load_catalog(override=_override(tmp_path, "bulletins/brief.toml", text))
    with pytest.raises(UsageError, match="column:brief/parks"):
        catalog.resolve("column:parks")
    assert catalog.resolve("column:brief/parks") == "column:brief/parks"
    found = catalog.column("parks", "huoju")
    assert found is not None
    assert found[1].name == "园区发展"


def test_an_override_replaces_and_adds(tmp_path: Path) -> None:
    rows = "南昌高新区,南昌新名,江西省,南昌市,1992,昌高城,\n测试高新区,测试高新技术产业开发区,江西省,测试市,,,\n"
    _override(tmp_path, "parks.csv", _HEADER + rows)
    _override(tmp_path, "topics.toml", _TOPIC.replace('"a"', '"innovation"') + 'terms.3 = ["词"]\n')
    _override(tmp_path, "bulletins/huoju.toml", 'name = "新火炬"\n')
    catalog = load_catalog(override=tmp_path)
    assert len(catalog.parks) == len(_CATALOG.parks) + 1
    assert catalog.resolve("park:昌高城") == "park:南昌高新区"
    assert catalog.park("测试高新区") is not None
    assert catalog.resolve("topic:题") == "topic:k"
    assert len(catalog.topics) == len(_CATALOG.topics) + 1
    assert [bulletin.name for bulletin in catalog.bulletins if bulletin.key == "huoju"] == ["新火炬"]
    with pytest.raises(UsageError):
        catalog.resolve("column:zones")


def test_a_column_may_be_called_in_english_as_its_key(tmp_path: Path) -> None:
    text = 'name = "简报"\n[[columns]]\nkey = "news"\nname = "要闻"\nname_en = "News"\n'
    catalog = load_catalog(override=_override(tmp_path, "bulletins/brief.toml", text))
    assert catalog.resolve("column:News") == "column:brief/news"


def test_an_empty_override_changes_nothing(tmp_path: Path) -> None:
    assert load_catalog(override=tmp_path) == _CATALOG


_ROW = "甲高新区,甲高新技术产业开发区,江西省,甲江市,2010,甲江区,\n"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("name,full_name,province\n", 1, "city is missing"),
        ("", 1, "name is missing"),
        (_HEADER.replace("city", "town,city"), 1, "unknown column 'town'"),
        (_HEADER.replace("aliases", "city"), 1, "named twice|unknown"),
        (_HEADER + "甲高新区,甲,江西省\n", 2, "3 fields, but the header has 7"),
        (_HEADER + ",甲,江西省,甲江市,,,\n", 2, "name is empty"),
        (_HEADER + _ROW.replace("江西省", "江西"), 2, "there is no province '江西'; near it: 江西省"),
        (_HEADER + _ROW + _ROW.replace("江西省", "江东省"), 3, "there is no province '江东省'; near it: .*江西省"),
        (_HEADER + _ROW.replace("江西省", "广西省"), 2, "there is no province '广西省'; near it: .*广西壮族自治区"),
        (_HEADER + _ROW.replace("江西省", "南昌市"), 2, "there is no province '南昌市'"),
        (_HEADER + _ROW.replace("江西省", "Jiangxi"), 2, "there is no province 'Jiangxi'; its official name"),
        (_HEADER + _ROW.replace("2010", "10年"), 2, "national_since '10年' is no year"),
        (_HEADER + _ROW + _ROW, 3, "甲高新区 stands in line 2 already"),
        (_HEADER + _ROW + "乙高新区,乙江新城,江西省,乙江市,,甲江区,\n", 3, "'甲江区' is taken already .*line 2"),
        (_HEADER + _ROW + "乙高新区,乙江新城,江西省,乙江市,,,甲高新区\n", 3, "'甲高新区' is taken already"),
        (_HEADER + _ROW.replace("甲江区", "甲江区|甲江区"), 2, "'甲江区' is taken already"),
        (_HEADER + '甲高新区,"甲,江西省\n', 2, "not CSV"),
        (_HEADER.encode() + "甲".encode("gb18030"), 2, "not UTF-8"),
    ],
)
def test_a_wrong_line_of_the_parks(tmp_path: Path, text: str | bytes, line: int, reason: str) -> None:
    with pytest.raises(CatalogError, match=rf"parks\.csv, line {line}: .*{reason}"):
        load_catalog(override=_override(tmp_path, "parks.csv", text))


_TERMS = 'terms.3 = ["词"]\n'
# What else TOML allows: keys and brackets in texts and comments, a table within a line.
_INLINE = '''# [[topics]] of one's own
"key" = "k" # group = 1
name = "题"
name_en = 'T'
description = """
[[topics]]" group = "x" """
group = "a"
terms = { 3 = [ "词#", # "字"
  '[' ] }
'''


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (_GROUPS + "[[topics]\n", 3, "not TOML"),
        (_GROUPS + _TOPIC + "colour = 1\n" + _TERMS, 9, "unknown key 'colour'"),
        (_GROUPS + _TOPIC.replace('"T"', "1") + _TERMS, 6, "name_en must be a text"),
        (_GROUPS + _TOPIC.replace('"题"', '""') + _TERMS, 5, "name is missing"),
        (_GROUPS + _TOPIC.replace('name = "题"\n', "") + _TERMS, 3, "name is missing"),
        (_GROUPS + _TOPIC.replace('"k"', '"K!"') + _TERMS, 4, "the key 'K!'"),
        (_GROUPS + _TOPIC.replace('"a"', '"b"') + _TERMS, 7, "the group 'b'"),
        (_GROUPS + _TOPIC, 3, "needs terms"),
        *(
            (_GROUPS + _TOPIC + _TERMS + f'terms.{weight} = ["字"]\n', 10, f"the weight '{name}' is none of 3, 2 and 1")
            for weight, name in (
                *((word, word) for word in ("x", "0", "nan", "11", "4", "2.5", "03", "-1", "1e0")),
                ('"2.5"', "2.5"),
                ('"3.0"', "3.0"),
                ('" 3"', " 3"),
            )
        ),
        (_GROUPS + _TOPIC + "terms.3 = [1]\n", 9, "3 must be a list of texts"),
        (_GROUPS + _TOPIC + 'terms.3 = [\n    "词",\n    "",\n]\n', 11, "3 must be a list of texts"),
        (_GROUPS + _TOPIC + 'terms.3 = "词"\n', 9, "3 must be a list of texts"),
        (_GROUPS + _TOPIC + "terms = 3\n", 9, "terms must be a table"),
        (_GROUPS + _TOPIC + 'terms.3 = [\n"词",\n"字", "词"]\n', 11, "'词' stands twice"),
        (_GROUPS + _TOPIC + _TERMS + 'counter_terms = ["词"]\n', 10, "'词' stands twice"),
        (_GROUPS + (_TOPIC + _TERMS) * 2, 10, "the topic k stands in line 3 already"),
        (_GROUPS + _TOPIC.replace('"题"', '"区块链"') + _TERMS, 5, "'区块链' is taken already"),
        (_GROUPS + _TOPIC + _TERMS + 'aliases = [\n"甲",\n"区块链",\n]\n', 12, "'区块链' is taken already"),
        (_GROUPS + _TOPIC + _TERMS + 'aliases = [\n"甲",\n"甲",\n]\n', 12, "'甲' is taken already"),
        (_GROUPS + _TOPIC + '[topics.terms]\n3 = ["词"]\n2 = [\n"字",\n"字"\n]\n', 13, "'字' stands twice"),
        (_GROUPS + "[[topics]]\n" + _INLINE.replace('"a"', '"b"'), 10, "the group 'b'"),
    ],
)
def test_a_wrong_line_of_the_topics(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(CatalogError, match=rf"topics\.toml, line {line}: .*{reason}"):
        load_catalog(override=_override(tmp_path, "topics.toml", text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("topics = 1\n", r"topics must be written as \[\[topics\]\]"),
        ("colour = 1\n", "unknown key 'colour'"),
        ("groups.a = 1\n", "a must be a table"),
        ("groups = 1\n", "groups must be a table"),
    ],
)
def test_a_wrong_whole_of_the_topics(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(CatalogError, match=rf"topics\.toml, line 1: {reason}"):
        load_catalog(override=_override(tmp_path, "topics.toml", text))


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("brief.toml", 'title = "简报"\n', ", line 1: unknown key 'title'"),
        ("brief.toml", "publishers = []\n", ": name is missing"),
        ("brief.toml", 'name = "简报"\npublishers = "甲"\n', ", line 2: publishers must be a list"),
        ("Brief 1.toml", 'name = "简报"\n', ": the key 'Brief 1'"),
        ("brief.toml", 'name = "简报"\n[[columns]]\nname = "甲"\n', ", line 2: key is missing"),
        (
            "brief.toml",
            'name = "简报"\n[[columns]]\nkey = "a"\nname = "甲"\n[[columns]]\nkey = "b"\nname = "甲"\n',
            ", line 7: the name '甲' is taken already",
        ),
        ("brief.toml", 'name = "简报"\noffered = "no"\n', ", line 2: offered must be true or false"),
        (
            "brief.toml",
            'name = "简报"\nnumbering = ["第{number}期",\n "第{nummer}期"]\n',
            ", line 3: numbering: {nummer} is not one of {number}, {total}",
        ),
        (
            "brief.toml",
            "name = '简报'\nnumbering = ['第{year}年']\n",
            ", line 2: numbering: '第{year}年' needs {number}",
        ),
        ("brief.toml", 'name = "简报"\nnumbering = ["{number}-{number}"]\n', ", line 2: numbering: a name in braces"),
        ("brief.toml", 'name = "简报"\nnumbering = ["{number}{total}"]\n', ", line 2: numbering: nothing stands"),
        ("brief.toml", 'name = "简报"\ncredit_patterns = ["文/"]\n', ", line 2: credit_patterns: '文/' needs {credit}"),
        ("brief.toml", 'name = "简报"\ncredit_patterns = ["{credit}"]\n', "would be every line"),
    ],
)
def test_a_wrong_bulletin(tmp_path: Path, name: str, text: str, reason: str) -> None:
    with pytest.raises(CatalogError) as caught:
        load_catalog(override=_override(tmp_path, f"bulletins/{name}", text))
    assert str(caught.value).count(reason) == 1
    assert f"{name}{reason}" in str(caught.value) or reason.startswith("would")


def test_a_bulletin_that_is_not_offered_is_known_and_not_suggested(tmp_path: Path) -> None:
    text = 'name = "滨城简报"\noffered = false\n[[columns]]\nkey = "harbour"\nname = "港口新闻"\n'
    catalog = load_catalog(override=_override(tmp_path, "bulletins/brief.toml", text))
    assert catalog.resolve("column:港口新闻") == "column:brief/harbour"
    assert catalog.resolve("bulletin:滨城简报") == "bulletin:brief"
    assert "brief" not in [bulletin.key for bulletin in catalog.offered]
    assert "brief" in [bulletin.key for bulletin in catalog.bulletins]
    assert all("brief" not in found.tag for found in catalog.suggest("港口新闻"))


@pytest.mark.parametrize("load", [lambda path: load_catalog(path), lambda path: load_catalog(override=path)])
def test_a_missing_folder(tmp_path: Path, load: Callable[[Path], Catalog]) -> None:
    with pytest.raises(CatalogError, match="there is no such folder"):
        load(tmp_path / "gone")


@pytest.mark.parametrize("name", ["topics.toml", "dispatch.toml", "bulletins/huoju.toml", "providers.toml"])
def test_the_line_of_each_value_of_a_file_is_known(name: str) -> None:
    text = (config_dir() / name).read_text(encoding="utf-8")
    lines, found = text.splitlines(), lines_of(text)
    values = list(_values(tomllib.loads(text), ()))
    assert len(values) > 10 or name == "dispatch.toml"
    for path, value in values:
        if isinstance(value, str) and "\n" not in value and "\\" not in lines[found[path] - 1]:
            assert value in lines[found[path] - 1]
        assert 0 < found[path] <= len(lines)


def _values(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _values(item, (*path, key))
    else:
        yield path, value


def test_a_missing_file(tmp_path: Path) -> None:
    _override(tmp_path, "parks.csv", (config_dir() / "parks.csv").read_bytes())
    with pytest.raises(CatalogError, match=r"topics\.toml: the file is missing"):
        load_catalog(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    catalog = load_catalog(override=_override(tmp_path, "parks.csv", b"\xef\xbb\xbf" + (_HEADER + _ROW).encode()))
    assert catalog.park("甲江区") is not None


@pytest.mark.parametrize(
    ("park", "date", "year"),
    [
        ("滁州高新区", dt.date(2021, 12, 31), 2022),
        ("滁州高新区", dt.date(2022, 1, 1), None),
        ("南昌高新区", dt.date(2022, 3, 15), None),
        ("滁州高新区", None, None),
        ("没有这个高新区", dt.date(2000, 1, 1), None),
    ],
)
def test_a_park_is_national_from_a_year(park: str, date: dt.date | None, year: int | None) -> None:
    assert load_catalog().not_yet_national(park, date) == year


def test_a_zone_of_ones_own_is_no_park_and_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "zones-other.csv").write_text("name,province,kind\n江西南昌高新区东园,江西省,省级\n", encoding="utf-8")
    own, ours = load_catalog(override=tmp_path), load_catalog()
    assert len(own.zones) == len(ours.zones) + 1
    assert own.fingerprint != ours.fingerprint
    article = Article("江西南昌高新区东园开工", "", ())
    assert [len(Tagger(catalog).tag(article).parks) for catalog in (own, ours)] == [0, 1]


def test_a_zone_that_became_national_is_one_line_of_the_parks(tmp_path: Path) -> None:
    row = "太仓高新区,太仓高新技术产业开发区,江苏省,苏州市(太仓市),2027\n"
    (tmp_path / "parks.csv").write_text("name,full_name,province,city,national_since\n" + row, encoding="utf-8")
    tagger = Tagger(load_catalog(override=tmp_path))
    for name in ("太仓高新区", "江苏省太仓高新技术产业开发区", "江苏太仓高新区"):
        assert [park.name for park in tagger.tag(Article(f"{name}开工", "", ())).parks] == ["太仓高新区"]


@pytest.mark.parametrize("word", ["all", "ALL", "everything", "全部内容", "全部", "所有", "所有内容"])
def test_everything_has_its_names(word: str) -> None:
    assert load_catalog().find(word) == load_catalog().resolve(word) == "all"


def test_a_name_comes_before_what_is_another_name_of_something_else() -> None:
    catalog = load_catalog()
    assert catalog.find("创业孵化") == "column:huoju/incubation"
    assert catalog.resolve("topic:创业孵化") == "topic:incubation"
