"""XLSX and JSON: the same rows as CSV, and files that are made to hurt."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from subscribers import directory
from subscribers.database import SCHEMA, Database
from subscribers.errors import BadFile, InvalidValue
from subscribers.model import OPTED_OUT, Cadence, EndpointState, Preferences, Rhythm
from subscribers.transfer.bulk import Terms
from subscribers.transfer.columns import COLUMNS, Columns
from subscribers.transfer.incoming import Import
from subscribers.transfer.outgoing import WRITERS, write_file
from subscribers.transfer.rows import Checker
from subscribers.transfer.tables import read_table
from subscribers.transfer.xlsx_guard import LONGEST_TEXT, MOST_TEXT, Guard
from subscribers.transfer.xlsx_table import MOST_BYTES
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email, telegram, webhook
from tests.subscribers.test_transfer import address, tag

WEEKLY = Preferences(Rhythm(Cadence.WEEKLY, 4, 600, "Europe/Berlin", 1320, 420), "en", "titles", bundled=True)
LATER = NOW + 1_000


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    db = Database.open(f"sqlite:///{tmp_path / 'other.db'}", [SCHEMA], synchronous="normal")
    yield db
    db.close()


def take(db: Database, file: Path, sheet: str = "") -> list[tuple[int, str]]:
    """Import a file; the bad rows."""
    with Import(db) as incoming:
        incoming.check(read_table(file, sheet=sheet), Columns(), Checker(address, tag, LATER))
        with db.transaction():
            incoming.write(Terms(), at(LATER))
        return [(row.line, row.problem) for row in incoming.bad_rows()]


def content(file: Path) -> object:
    """What is to be the same: the bytes, and of a sheet the cells."""
    if file.suffix != ".xlsx":
        return file.read_bytes()
    book = CalamineWorkbook.from_path(str(file))
    return book.get_sheet_by_name(book.sheet_names[0]).to_python()


def all_kinds(db: Database, add: Add) -> None:
    add(email("li"), telegram("-100123"), webhook("a"), name="李娜", follows=("park:南昌高新区", "all"))
    add(email("a"), email("b"), telegram("@news"), name='Wang, "the" =1\nReader; tab\there', preferences=WEEKLY)
    add(telegram("7"), email("seven"), name="=HYPERLINK(1)", consent="")
    add(email("quote"), name="'=1 _x0041_ <&>", consent="+by letter\nof May")
    for n, state in enumerate(EndpointState):
        item = add(email(f"in{n}"), telegram(f"9{n}"), follows=("all",), name=f"in {state}", now=NOW - n).endpoints[0]
        until = NOW + 86_400_123 if state is EndpointState.PAUSED else None
        directory.set_state(db, item.id, state, "a reason", at(NOW), until=until)
    directory.opt_out(db, item.id, at(NOW))


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx", "out.json"])
@pytest.mark.parametrize("secrets", [True, False])
def test_there_and_back_is_the_same(
    db: Database, other: Database, add: Add, tmp_path: Path, name: str, *, secrets: bool
) -> None:
    all_kinds(db, add)
    first, second = tmp_path / name, tmp_path / f"again-{name}"
    count = write_file(directory.everyone(db), first, secrets=secrets)
    assert take(other, first) == []
    assert write_file(directory.everyone(other), second, secrets=secrets) == count
    assert content(second) == content(first)
    if secrets:
        assert b"whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" in first.read_bytes() or name == "out.xlsx"
        kept = [e.address.secret for p in directory.everyone(other) for e in p.endpoints if e.address.secret]
        assert kept == ["whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"]
    people = list(directory.everyone(other))
    assert len(people) == len(list(directory.everyone(db)))
    assert next((e.state, e.reason) for e in people[-1].endpoints) == (EndpointState.SUPPRESSED, OPTED_OUT)


def test_json_is_an_array_of_rows_without_what_is_empty(add: Add, db: Database) -> None:
    out = io.StringIO()
    assert WRITERS["json"](directory.everyone(db), out) == 0
    assert json.loads(out.getvalue()) == []
    add(email("li"), follows=("all", "topic:x"))
    WRITERS["json"](directory.everyone(db), out := io.StringIO())
    [row] = json.loads(out.getvalue())
    assert (row["follows"], row["bundle"], "name" in row) == (["all", "topic:x"], False, False)


@pytest.mark.parametrize(
    "text",
    [
        '[{"email": "li@example.com", "follows": ["all", "topic:x"]},\n {"telegram": 7, "name": null}]',
        '{"email": "li@example.com", "follows": "all;topic:x"}\n{"telegram": "7"}\n',
        '\ufeff [\n{"邮箱": "li@example.com", "关注": ["all", "topic:x"]}, {"telegram": 7.0e0, "name": ""}]',
    ],
)
def test_json_is_an_array_or_a_line_each(other: Database, tmp_path: Path, text: str) -> None:
    file = tmp_path / "people.json"
    file.write_text(text.replace("7.0e0", "7"), encoding="utf-8")
    assert take(other, file) == []
    first, second = directory.everyone(other)
    assert (first.endpoints[0].address.address, first.endpoints[0].follows) == ("li@example.com", ("all", "topic:x"))
    assert second.endpoints[0].address.address == "7"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty; it is an array of objects"),
        ('[{"email": "a@b.cn"}', "line 1: the array does not end"),
        ('[{"email": "a@b.cn"},\n{"email": ', "line 2: not valid JSON"),
        ('[{"email": "a@b.cn"},\n7]', "line 2: not a row: each is an object"),
        ('[{"email": "a@b.cn"}] x', "something stands behind the end"),
        ('[{"email": "a@b.cn", "email": "c@d.cn"}]', "a name stands twice"),
        ('[{"email": {"work": "a@b.cn"}}]', "line 1: 'email' is neither text nor a number"),
        ('[{"email": "a@b.cn", "phone": "1"}]', "unknown column 'phone'"),
        ('[{"email": ' + "[" * 100_000, "line 1: not"),
        ('[{"email": ' + "9" * 10_000 + "}]", "line 1: not"),
        ('[{"email": "' + "x" * 3_000_000, "line 1: not valid JSON"),
    ],
)
def test_json_that_is_no_table_is_refused(other: Database, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "people.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as refused:
        take(other, file)
    assert told in str(refused.value)


def test_json_in_another_encoding_is_refused(other: Database, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_bytes('[{"email": "a@b.cn", "name": "李"}]'.encode("gb18030"))
    with pytest.raises(BadFile, match="not UTF-8"):
        take(other, file)


def sheets(file: Path, **by_name: list[list[object]]) -> Path:
    with Workbook(str(file)) as book:
        date, clock = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "hh:mm"})
        for name, rows in by_name.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    form = {"at": clock, "paused_until": date}.get(str(rows[0][c])) if r else None
                    sheet.write(r, c, value, form)
    return file


def test_cells_of_other_kinds_are_read_as_they_look(other: Database, tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["telegram", "cadence", "at", "bundle", "paused_until", "name"],
        [-1001234567890, "daily", 8.5 / 24, True, 47484, 5],
        [],
        ["@news", "now", None, False, None, "  Li "],
        ["chat", "now"],
        [0.5, "now"],
    ]
    bad = take(other, sheets(tmp_path / "people.xlsx", people=rows))
    assert [line for line, _ in bad] == [5, 6]
    assert all("Telegram chat" in problem for _, problem in bad)
    first, second = (person.endpoints[0] for person in directory.everyone(other))
    assert first.address.address == "-1001234567890"
    assert (first.preferences.rhythm.minute, first.preferences.bundled) == (510, True)
    assert first.paused_until == 1_893_427_200_000
    assert second.address.address == "@news"
    assert [person.name for person in directory.everyone(other)] == ["5", "Li"]


def test_of_several_sheets_the_first_is_read_unless_one_is_named(other: Database, tmp_path: Path) -> None:
    file = sheets(tmp_path / "people.xlsx", one=[["email"], ["a@b.cn"]], two=[["email"], ["c@d.cn"]], three=[])
    take(other, file)
    take(other, file, "two")
    assert [p.endpoints[0].address.address for p in directory.everyone(other)] == ["a@b.cn", "c@d.cn"]
    with pytest.raises(BadFile, match="no sheet 'four'; there are: one, two, three"):
        take(other, file, "four")
    with pytest.raises(BadFile, match="the sheet 'three' is empty"):
        take(other, file, "three")
    (tmp_path / "people.csv").write_text("email\n")
    with pytest.raises(InvalidValue, match="--sheet is for XLSX"):
        take(other, tmp_path / "people.csv", "two")


def test_a_sheet_is_one_whatever_the_file_is_called(other: Database, tmp_path: Path) -> None:
    file = sheets(tmp_path / "people.xlsx", one=[["email"], ["a@b.cn"]])
    assert take(other, file.rename(tmp_path / "people.csv")) == []


def rewritten(file: Path, name: str, text: bytes) -> Path:
    """The same book with other text in a part."""
    made = file.with_name("made.xlsx")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, text if part == name else old.read(part))
    return made


def test_a_bomb_is_refused_by_what_it_declares_and_by_what_it_is(other: Database, tmp_path: Path) -> None:
    file = sheets(tmp_path / "people.xlsx", one=[["email"], ["a@b.cn"]])
    made = file.with_name("bomb.xlsx")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bomb, bomb.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(MOST_BYTES // 10_000_000 + 1):
            part.write(bytes(10_000_000))
    with pytest.raises(BadFile, match="unpacks to more than 400 MB"):
        take(other, made)
    lying = bytearray(made.read_bytes())
    place = lying.rfind(b"PK\x01\x02")
    lying[place + 24 : place + 28] = struct.pack("<I", 1_000)
    made.write_bytes(lying)
    with pytest.raises(BadFile, match="unpacks to more than 400 MB"):
        take(other, made)


@pytest.mark.parametrize("cell", ['r="XFD1048576"', "r='XFD1048576'", 'r = "xfd1048576"'])
def test_two_cells_that_span_billions_are_refused(other: Database, tmp_path: Path, cell: str) -> None:
    file = sheets(tmp_path / "people.xlsx", one=[["email"], ["a@b.cn"]])
    text = f'<worksheet><sheetData><row><c r="A1"><v>1</v></c><c {cell}><v>1</v></c></row></sheetData></worksheet>'
    with pytest.raises(BadFile, match=r"reaches to row 1,048,576 and column 16,384"):
        take(other, rewritten(file, "xl/worksheets/sheet1.xml", text.encode()))


@pytest.mark.parametrize("damage", ["cut", "no book", "broken part", "no zip"])
def test_a_damaged_book_is_refused(other: Database, tmp_path: Path, damage: str) -> None:
    file = sheets(tmp_path / "people.xlsx", one=[["email"], ["a@b.cn"]])
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    elif damage == "no zip":
        file.write_bytes(b"PK\x03\x04" + b"x" * 100)
    elif damage == "no book":
        with zipfile.ZipFile(file, "w") as empty:
            empty.writestr("hello.txt", "hello")
    else:
        file = rewritten(file, "xl/workbook.xml", zlib.compress(b"x"))
    with pytest.raises(BadFile, match=r"not a readable XLSX file|no sheets"):
        take(other, file)


def test_a_text_too_long_for_a_cell_is_told_and_nothing_is_left(add: Add, db: Database, tmp_path: Path) -> None:
    add(email("li"), name="x" * 40_000)
    with pytest.raises(BadFile, match="row 2 has a text of 40,000 characters"):
        write_file(directory.everyone(db), tmp_path / "out.xlsx")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name or "export" in path.name]


def test_a_format_may_be_named_and_no_other(add: Add, db: Database, tmp_path: Path) -> None:
    add(email("li"))
    write_file(directory.everyone(db), tmp_path / "people.data", given="json")
    assert json.loads((tmp_path / "people.data").read_text())[0]["email"] == "li@example.com"
    with pytest.raises(InvalidValue, match="format 'pdf': allowed are csv, xlsx, json"):
        write_file(directory.everyone(db), tmp_path / "x", given="pdf")
    assert COLUMNS[1] == "email"


@pytest.mark.parametrize(
    ("sheet", "reach"),
    [
        ("<row>" + "<c><v>1</v></c>" * 4_000 + "</row>" + "<row/>" * 100_000, "row 100,001 and column 4,000"),
        ('<row r="900000">' + "<c/>" * 4_000 + "</row>", "row 900,000 and column 4,000"),
        ('<row r="5"/>' + "<x:row></x:row>" * 10_000 + '<row><c r="XFD1"/></row>', "row 10,006 and column 16,384"),
        # a reference that only seems to be one, in another attribute or across a piece of text
        ("<row x=\" r='1'\"/>" * 100_000 + '<row><c r="XFD1"/></row>', "row 100,002 and column 16,384"),
        ('<!-- <c " -->' + "<row/>" * 100_000 + '<row><c r="XFD1"/></row>', "row 100,002 and column 16,384"),
        ("<row>" + "<c/>" * 16_385 + "</row>", "row 1 and column 16,385"),
        ("<row/>" * 1_048_577, "row 1,048,577 and column 0"),
    ],
)
def test_cells_without_a_place_are_counted(tmp_path: Path, sheet: str, reach: str) -> None:
    file = sheets(tmp_path / "people.xlsx", one=[["email"], ["a@b.cn"]])
    text = f"<worksheet><sheetData>{sheet}</sheetData></worksheet>"
    with pytest.raises(BadFile, match=r"reaches to row (.*), most of it empty") as told:
        read_table(rewritten(file, "xl/worksheets/sheet1.xml", text.encode()))
    rows, columns = (int(word.replace(",", "")) for word in reach.removeprefix("row ").split(" and column "))
    found = [int(word.replace(",", "")) for word in re.findall(r"[0-9][0-9,]*(?= and|, most)", str(told.value))]
    assert found[0] <= rows + 1  # refused as soon as it is too much
    assert found[1] == columns


def shared(file: Path, text: str, cells: str) -> Path:
    """A book with one column, whose cells are these and whose shared texts are `email` and `text`."""
    made = sheets(file, one=[["email"], ["a@b.cn"]])
    texts = f"<sst><si><t>email</t></si><si><t>{text}</t></si></sst>"
    sheet = f'<worksheet><sheetData><row><c t="s"><v>0</v></c></row>{cells}</sheetData></worksheet>'
    return rewritten(
        rewritten(made, "xl/sharedStrings.xml", texts.encode()).rename(file), "xl/worksheets/sheet1.xml", sheet.encode()
    )


def test_a_shared_text_is_no_longer_than_a_cell(tmp_path: Path) -> None:
    cells = '<row><c t="s"><v>1</v></c></row>'
    for text in ("y" * LONGEST_TEXT, "读" * LONGEST_TEXT, "&amp;" * LONGEST_TEXT):
        [row] = read_table(shared(tmp_path / "people.xlsx", text, cells)).rows
        assert len(row.cells[0]) == LONGEST_TEXT
    for text in ("y" * (LONGEST_TEXT + 1), "<![CDATA[" + "y" * LONGEST_TEXT + "]]>", "</t><t>".join("ab" * 20_000)):
        with pytest.raises(BadFile, match="a text of more than 32,767 characters"):
            read_table(shared(tmp_path / "people.xlsx", text, cells))


@pytest.mark.parametrize(
    "value",
    ["<v>1</v>", "<v> 1 </v>", "<v>+1</v>", "<v>01</v>", '<v a=">">1</v>', "<v><![CDATA[1]]></v>", "<v>&#49;</v>"],
)
def test_what_is_shared_counts_as_often_as_it_is_referred_to(tmp_path: Path, value: str) -> None:
    row = f'<row><c t="s">{value}</c></row>'
    few = MOST_TEXT // 32_000 // 2
    file = shared(tmp_path / "people.xlsx", "y" * 32_000, row * (2 * few + 1_000))
    with pytest.raises(BadFile, match="characters in all"):
        read_table(file)
    empty = "<row><c><v></v></c></row><row><c><v /></c></row>" * few
    read_table(shared(tmp_path / "people.xlsx", "y" * 32_000, '<row><c t="s"><v>1</v></c></row>' + empty))


def test_where_a_piece_ends_makes_no_difference() -> None:
    text = b'<si><t>abc</t></si><row><c t="s"><v>0</v></c><c r="C1" t="s"><v>0</v></c></row><row r="7"/><row/>'
    whole = Guard()
    first = whole.part()
    first.look(text)
    first.end()
    for size in range(1, 30):
        pieces = Guard()
        part = pieces.part()
        for start in range(0, len(text), size):
            part.look(text[start : start + size])
        part.end()
        assert vars(part) | {"_guard": None} == vars(first) | {"_guard": None}, size
        assert vars(pieces) == vars(whole), size
