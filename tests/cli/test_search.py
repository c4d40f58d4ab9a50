"""`dispatch search`, as an administrator calls it."""

from __future__ import annotations

from tests.cli.conftest import Office


def test_the_sample_is_searched_from_the_command_line(sampled: Office) -> None:
    shown = sampled("search", "区块链").stdout
    assert "huoju:534 2022-03-15" in shown
    assert "区块链" in shown
    assert "articles: " in shown.splitlines()[-1]


def test_json_has_the_places_of_the_words(sampled: Office) -> None:
    found = sampled.json("search", "南昌", "高新区", "--about", "park:南昌高新区", "--limit", "1")
    assert found["total"] >= 1
    (hit,) = found["hits"]
    assert (hit["bulletin"], hit["issue"]) == ("huoju", "534")
    texts = [hit[part]["text"][start:end] for part in ("title", "passage") for start, end in hit[part]["marks"]]
    assert texts
    assert set(texts) <= {"南昌", "高新区"}


def test_a_province_is_all_its_parks(sampled: Office) -> None:
    assert sampled.json("search", "高新区", "--about", "province:江西")["total"] >= 1
    assert sampled.json("search", "高新区", "--about", "province:西藏")["total"] == 0


def test_nothing_found_is_said_and_no_failure(sampled: Office) -> None:
    assert sampled("search", "没有这样的词").stdout == "nothing was found\n"
    assert "no more" in sampled("search", "高新区", "--page", "99").stdout


def test_the_index_is_made_anew(sampled: Office) -> None:
    assert sampled.json("search", "--rebuild") == {"indexed": 11}


def test_calls_that_are_wrong_end_with_2(sampled: Office) -> None:
    sampled("search", expect=2)
    sampled("search", "。", expect=2)
    sampled("search", "算力", "--since", "15.3.2022", expect=2)
    sampled("search", "算力", "--about", "没有这个园区", expect=2)
