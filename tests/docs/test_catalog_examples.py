"""The examples of docs/catalog.md do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatch.catalog import Catalog, load_catalog
from dispatch.catalog.review import review
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind, Role
from dispatch.settings import load_settings

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "catalog.md").read_text(encoding="utf-8")


def example(form: str, begins: str) -> str:
    [found] = [text for text in re.findall(rf"```{form}\n(.*?)```", DOCUMENT, re.DOTALL) if text.startswith(begins)]
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an installation that has all the examples."""
    found = tmp_path / "catalog"
    (found / "bulletins").mkdir(parents=True)
    (found / "parks.csv").write_text(example("csv", "name,full_name"), encoding="utf-8")
    (found / "zones-other.csv").write_text(example("csv", "name,province"), encoding="utf-8")
    (found / "topics.toml").write_text(example("toml", "[[topics]]"), encoding="utf-8")
    (found / "bulletins" / "brief.toml").write_text(example("toml", "name ="), encoding="utf-8")
    return found


@pytest.fixture
def catalog(folder: Path) -> Catalog:
    return load_catalog(override=folder)


def tagged(catalog: Catalog, title: str, text: str) -> Article:
    return Tagger(catalog).tag(Article(title, "", (Block(BlockKind.PARAGRAPH, text),)))


def test_the_setting_names_the_folder(folder: Path) -> None:
    config = folder.parent / "dispatch.toml"
    config.write_text(example("toml", "[catalog]"), encoding="utf-8")
    assert load_settings(config).catalog.folder == folder


def test_the_examples_have_neither_errors_nor_warnings(folder: Path) -> None:
    assert [remark for remark in review(override=folder).remarks if str(folder) in remark.file] == []


def test_a_new_zone_is_one_line(catalog: Catalog, folder: Path) -> None:
    assert len((folder / "parks.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert len(catalog.parks) == len(load_catalog().parks) + 1
    assert catalog.resolve("park:新城国家高新区") == "park:新城高新区"
    for name in ("新城高新区", "新城国家高新区", "新城市高新区", "新城高新技术产业园区"):
        article = tagged(catalog, f"{name}新增企业", f"{name}今年新增企业三家。")
        assert [(park.name, park.role) for park in article.parks] == [("新城高新区", Role.SUBJECT)]
        assert "province:江西省" in catalog.tags_of(article, "huoju", "parks")


def test_a_zone_that_is_none_is_no_park(catalog: Catalog) -> None:
    assert len(catalog.zones) == len(load_catalog().zones) + 1
    assert tagged(catalog, "江苏省新港高新技术产业开发区开工", "新港高新区今日开工。").parks == ()


def test_a_topic_is_found_and_followed(catalog: Catalog) -> None:
    assert len(catalog.topics) == len(load_catalog().topics) + 1
    assert catalog.resolve("topic:茶业") == "topic:tea"
    article = tagged(catalog, "茶产业振兴", "茶叶加工企业集聚，茶产业成为支柱。")
    assert "tea" in [topic.key for topic in article.topics]
    assert tagged(catalog, "举行茶话会", "各企业在茶话会上交流，茶歇后参观。").topics == ()


def test_a_bulletin_is_added_with_its_columns(catalog: Catalog) -> None:
    assert catalog.bulletins[-1].key == "brief"
    assert len(catalog.bulletins) == len(load_catalog().bulletins) + 1
    assert catalog.resolve("column:本期要闻") == "column:brief/news"
