"""What is raised or lowered, in each form: a power is no digit more, and a reference to a note is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.intake.readers import html, markdown
from dispatch.intake.readers.scripts import Script, scripted

_CASES = [
    ("10<sup>4</sup>立方米", "10⁴立方米"),
    ("10<sup>-3</sup>", "10⁻³"),
    ("每m<sup>2</sup>", "每m²"),
    ("(a+b)<sup>n+1</sup>", "(a+b)ⁿ⁺¹"),
    ("<sup>14</sup>C测年", "¹⁴C测年"),
    ("加速度9.8米/秒<sup>2</sup>", "加速度9.8米/秒²"),
    ("完成评审<sup>1</sup>;", "完成评审[1];"),
    ("增长8.2%<sup>12</sup>。", "增长8.2%[12]。"),
    ("会议召开。<sup>[3]</sup>", "会议召开。[3]"),
    ("“原话”<sup>1,2</sup>", "“原话”[1,2]"),
    ("1<sup>st</sup>", "1st"),
    ("10<sup>1.5</sup>", "10^1.5"),
    ("30<sup>1/2</sup>", "30^(1/2)"),
    ("25<sup>o</sup>C", "25°C"),
    ("品牌<sup>TM</sup>", "品牌TM"),
    ("CO<sub>2</sub>与H<sub>2</sub>O", "CO₂与H₂O"),
    ("NO<sub>x</sub>", "NOₓ"),
    ("PM<sub>2.5</sub>", "PM2.5"),
    ("C<sub>max</sub>", "Cmax"),
    ("<sup>没有结尾", "没有结尾"),
    ("10<SUP><b>4</b></SUP>", "10⁴"),
]


@pytest.mark.parametrize(("source", "expected"), _CASES)
def test_pages_and_markdown_say_the_same(source: str, expected: str) -> None:
    (page,) = html.document(f"<p>{source}</p>".encode(), "a.html").lines
    (line,) = markdown.lines(source + "\n")
    assert (page.text, line.text) == (expected, expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("面积10^4^m^2^,H~2~O", "面积10⁴m²,H₂O"),
        ("评审^1^;", "评审[1];"),
        ("评审$^{1}$;共$10^{-3}$与$\\mathrm{CO}_2$", "评审[1];共10⁻³与CO₂"),
        ("5~10万,20~30万", "5~10万,20~30万"),
        ("~~删去~~", "删去"),
        ("a^b", "a^b"),
    ],
)
def test_what_converters_write_for_it_in_markdown(source: str, expected: str) -> None:
    assert [line.text for line in markdown.lines(source + "\n")] == [expected]


def test_marks_keep_their_places_behind_a_reference() -> None:
    line = markdown.lines("完成评审<sup>1</sup>,**重大项目**开工\n")[0]
    page = html.document("<p>完成评审<sup>1</sup>,<b>重大项目</b>开工</p>".encode(), "a.html").lines[0]
    for found in (line, page):
        assert [found.text[mark.start : mark.end] for mark in found.marks] == ["重大项目"]


def test_cells_of_tables_have_them_too() -> None:
    table = "<table border=1><tr><td>指标<td>10<sup>4</sup>t</tr><tr><td>CO<sub>2</sub><td>3</tr></table>"
    (page,) = html.document(table.encode(), "a.html").lines
    (line,) = markdown.lines("|指标|10<sup>4</sup>t|\n|---|---|\n|CO<sub>2</sub>|3|\n")
    assert page.rows == line.rows == (("指标", "10⁴t"), ("CO₂", "3"))


def test_a_style_raises_as_a_tag_does() -> None:
    (line,) = html.document(b"<p>10<span style='vertical-align:super'>4</span></p>", "a.html").lines
    assert line.text == "10⁴"


@given(st.lists(st.tuples(st.text(alphabet="0123 [](),n。x评°o/.", max_size=6), st.sampled_from(Script)), max_size=12))
def test_nothing_is_lost_and_text_on_the_line_stays(pieces: list[tuple[str, Script]]) -> None:
    found = scripted(pieces)
    assert len(found) == len(pieces)
    assert all(text == given for text, (given, script) in zip(found, pieces, strict=True) if script is Script.NONE)
