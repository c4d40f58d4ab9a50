"""CSV in and out: nothing lost, nothing half imported, nothing that a spreadsheet would run."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
import tracemalloc
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers import directory
from subscribers.addresses import email_address, named_address, telegram_chat
from subscribers.database import SCHEMA, Database
from subscribers.errors import BadFile, InvalidValue
from subscribers.model import Address, Cadence, Endpoint, EndpointState, Preferences, Rhythm, Subscriber
from subscribers.transfer.bulk import Terms
from subscribers.transfer.columns import COLUMNS, Columns
from subscribers.transfer.csv_table import neutral, plain
from subscribers.transfer.incoming import SLICE, Import
from subscribers.transfer.outgoing import write_csv, write_file
from subscribers.transfer.rows import Checker, Entry
from subscribers.transfer.tables import read_table
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email, telegram, webhook

WEEKLY = Preferences(Rhythm(Cadence.WEEKLY, 4, 600, "Europe/Berlin", 1320, 420), "en", "titles", bundled=True)


def address(channel: str, text: str) -> Address:
    checks: dict[str, Callable[[str], str]] = {"email": email_address, "telegram": telegram_chat}
    return Address(channel, checks[channel](text) if channel in checks else text, channel)


def tag(word: str) -> str:
    if ":" not in word and word != "all":
        raise InvalidValue(f"{word!r} is nothing to follow")
    return word


@dataclass(frozen=True)
class Found:
    """What an import makes of a file: its good rows, and the lines of the bad ones with the reason."""

    entries: list[Entry]
    bad: list[tuple[int, str]]


Read = Callable[..., Found]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Checks the rows of a file against an empty store."""
    folder = tmp_path_factory.mktemp("transfer")
    db = Database.open(f"sqlite:///{folder / 'store.db'}", [SCHEMA], synchronous="normal")

    def found(content: str | bytes, *words: str, ignore_unknown: bool = False) -> Found:
        file = folder / "people.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        with Import(db) as incoming:
            columns = Columns.of(words, ignore_unknown=ignore_unknown)
            incoming.check(read_table(file), columns, Checker(address, tag, NOW))
            entries = [planned.entry for planned in incoming.planned()]
            return Found(entries, [(row.line, row.problem) for row in incoming.bad_rows()])

    yield found
    db.close()


@pytest.fixture(scope="module")
def read(find: Read) -> Callable[[str | bytes], list[Entry]]:
    """The rows of a file that has no bad ones."""

    def rows(content: str | bytes) -> list[Entry]:
        found = find(content)
        assert not found.bad
        return found.entries

    return rows


@pytest.fixture(scope="module")
def refusal(find: Read) -> Callable[..., str]:
    """Why a file is refused as a whole."""

    def told(content: str | bytes, *words: str) -> str:
        with pytest.raises(BadFile) as refused:
            find(content, *words)
        return str(refused.value)

    return told


Rows = Callable[[str | bytes], list[Entry]]
Told = Callable[..., str]


def written(subscribers: Sequence[Subscriber]) -> str:
    out = io.StringIO()
    assert write_csv(subscribers, out) == len(list(csv.reader(io.StringIO(out.getvalue(), newline="")))) - 1
    return out.getvalue()


def imported(text: str, basis: str = "") -> list[Subscriber]:
    """The subscribers that a fresh store has after an import."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{Path(folder) / 'store.db'}", [SCHEMA], synchronous="normal")
        file = Path(folder) / "people.csv"
        file.write_text(text, encoding="utf-8", newline="")
        with Import(db) as incoming:
            incoming.check(read_table(file), Columns(), Checker(address, tag, NOW + 1_000))
            assert list(incoming.bad_rows()) == []
            with db.transaction():
                incoming.write(Terms(basis, "file people.csv"), at(NOW + 1_000))
        found = list(directory.everyone(db))
        db.close()
        return found


def one(name: str, address: Address, follows: tuple[str, ...] = ()) -> Subscriber:
    endpoint = Endpoint(1, 1, address, EndpointState.ACTIVE, "", "asked", NOW, Preferences(), follows, NOW)
    return Subscriber(1, name, NOW, (endpoint,))


# ---- there and back


def test_an_export_read_and_exported_again_is_the_same_text(db: Database, add: Add) -> None:
    first = add(email("li"), telegram("-100123"), webhook("a"), name="李娜", follows=("park:南昌高新区", "all"))
    directory.follow(db, first.endpoints[0].id, ["column:later"], at(NOW + 5))
    directory.follow(db, first.endpoints[0].id, ["column:latest"], at(NOW + 9))
    add(email("a"), email("b"), telegram("@news"), name='Wang, "the" =1\nReader; tab\there', preferences=WEEKLY)
    add(telegram("7"), email("seven"), name="=HYPERLINK(1)", consent="")
    for n, state in enumerate(EndpointState):
        item = add(email(f"in{n}"), telegram(f"9{n}"), follows=("all",)).endpoints[0]
        directory.set_state(db, item.id, state, "why", at(NOW))
    text = written(list(directory.everyone(db)))
    assert written(imported(text)) == text
    assert text.count("\n") > 5


def test_follows_that_came_in_another_order_share_a_row(db: Database, add: Add) -> None:
    one, other = add(email("li"), telegram("1")).endpoints
    for endpoint, tags in ((one, ("all", "topic:x")), (other, ("topic:x", "all"))):
        for n, word in enumerate(tags):
            directory.follow(db, endpoint.id, [word], at(NOW + n))
    assert written(list(directory.everyone(db))).splitlines()[1].startswith(",li@example.com,1,,all;topic:x,")


def test_endpoints_that_differ_are_rows_of_their_own(db: Database, add: Add) -> None:
    one, _ = add(email("li"), telegram("1"), name="李娜", follows=("all",)).endpoints
    directory.unfollow(db, one.id, ["all"], at(NOW))
    rows = list(csv.DictReader(io.StringIO(written(list(directory.everyone(db))))))
    assert [(row["name"], row["email"], row["telegram"], row["follows"]) for row in rows] == [
        ("李娜", "li@example.com", "", ""),
        ("李娜", "", "1", "all"),
    ]


def test_no_secret_is_exported(db: Database, add: Add) -> None:
    add(webhook("a"))
    assert "whsec_" not in written(list(directory.everyone(db)))


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(name=st.one_of(names, st.text("=+-@'\"＝\t\r\n ;,7x", max_size=8)))
def test_any_name_survives_but_for_blanks_around_it_controls_and_the_kind_of_line_break(read: Rows, name: str) -> None:
    text = written([one(name, email("li"))])
    same = name.replace("\r\n", "\n").replace("\r", "\n")
    assert read(text)[0].name == "".join(c for c in same if c in "\t\n" or unicodedata.category(c) != "Cc").strip()
    assert written(imported(text)) == text


@settings(max_examples=200)
@given(text=st.text("name,email;\t\"'\r\n@.x= \0", max_size=60))
def test_any_text_is_read_or_refused(find: Read, text: str) -> None:
    with suppress(BadFile):
        assert all(entry.addresses for entry in find(text).entries)


@settings(max_examples=200)
@given(content=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(find: Read, content: bytes) -> None:
    with suppress(BadFile):
        assert all(entry.addresses for entry in find(b"email,name\n" + content).entries)


@pytest.mark.parametrize("consent", ["", "confirmed by an administrator"])
@pytest.mark.parametrize("state", [state for state in EndpointState if state is not EndpointState.ACTIVE])
def test_an_import_makes_nobody_active_whom_the_file_says_is_not(state: EndpointState, consent: str) -> None:
    text = f"email,state\nli@example.com,{state.upper()}\n"
    assert [item.state for found in imported(text, consent) for item in found.endpoints] == [state]


@pytest.mark.parametrize("word", ["active", ""])
@pytest.mark.parametrize(("consent", "state"), [("", EndpointState.PENDING), ("asked", EndpointState.ACTIVE)])
def test_of_the_others_the_import_says_whether_they_are_active(word: str, consent: str, state: EndpointState) -> None:
    item = imported(f"name,email,state\nLi,li@example.com,{word}\n", consent)[0].endpoints[0]
    assert (item.state, item.consent, item.reason) == (state, consent, "")


def test_a_paused_endpoint_that_nobody_confirmed_is_not_made_active_by_a_resume(db: Database, add: Add) -> None:
    item = add(email("li"), state=EndpointState.PAUSED, consent="").endpoints[0]
    assert directory.resume(db, item, at(NOW))
    assert directory.get(db, item.subscriber_id).endpoints[0].state is EndpointState.PENDING


# ---- files


def many(db: Database, count: int) -> None:
    numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    with db.transaction():
        rhythm = directory.rhythm_id(db, Rhythm())
        db.run(
            f"INSERT INTO subscribers (id, created_at) {numbers} SELECT i, 0 FROM n WHERE true ON CONFLICT DO NOTHING"
        )
        db.run(
            "INSERT INTO endpoints (id, subscriber_id, channel, address, queue, state, language, format, bundled,"
            f" rhythm_id, created_at, changed_at) {numbers} SELECT i, i, 'telegram', i, 'telegram', 'active', 'zh',"
            " 'full', 0, :rhythm, 0, 0 FROM n WHERE true ON CONFLICT DO NOTHING",
            {"rhythm": rhythm},
        )
        for tag_name in ("all", "topic:x", "park:南昌高新区"):
            words = {"tag": tag_name}
            db.run(f"INSERT INTO follows {numbers} SELECT :tag, i, 0 FROM n WHERE true ON CONFLICT DO NOTHING", words)


def test_an_export_takes_no_more_memory_for_more_subscribers(db: Database, tmp_path: Path) -> None:
    peaks = []
    for count in (1_000, 20_000):
        many(db, count)
        tracemalloc.start()
        assert write_file(directory.everyone(db), tmp_path / "people.csv") == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000


def test_a_file_begins_with_a_mark_for_spreadsheets_and_stands_alone(read: Rows, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("what was there before")
    assert write_file([one("李娜", email("li"))], file) == 1
    assert file.read_bytes().startswith(b"\xef\xbb\xbfname,email")
    assert read(file.read_bytes())[0].name == "李娜"
    assert list(tmp_path.iterdir()) == [file]


def test_an_export_that_breaks_off_leaves_the_file_of_before_and_no_other(tmp_path: Path) -> None:
    def breaking_off() -> Iterator[Subscriber]:
        yield one("李娜", email("li"))
        raise KeyboardInterrupt

    file = tmp_path / "people.csv"
    file.write_text("what was there before")
    with pytest.raises(KeyboardInterrupt):
        write_file(breaking_off(), file)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["what was there before"]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "people.csv")
    write_file([one("李娜", email("li"))], tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert "李娜" in (tmp_path / "people.csv").read_text(encoding="utf-8")


def test_a_device_is_written_to_and_not_replaced() -> None:
    assert write_file([one("李娜", email("li"))], Path("/dev/null")) == 1
    assert Path("/dev/null").is_char_device()


# ---- spreadsheets


@pytest.mark.parametrize("name", ["=1+1", "+1+1", "-1+1", "@SUM(1)", "＝1", "＋1", "－1", "＠x", "'=1", "\t=1", "\n=1"])
def test_no_cell_begins_as_a_formula_would(read: Rows, name: str) -> None:
    cell = next(csv.DictReader(io.StringIO(written([one(name, email("li"))]))))["name"]
    assert cell.startswith("'")
    assert read(written([one(name, email("li"))]))[0].name == name.strip()


@pytest.mark.parametrize("chat", ["-1001234567890", "-5", "123456789"])
def test_the_chat_id_of_a_group_is_a_number_and_stays_one(chat: str) -> None:
    assert next(csv.DictReader(io.StringIO(written([one("", telegram(chat))]))))["telegram"] == chat


def test_the_name_of_a_channel_is_no_formula_and_comes_back(read: Rows) -> None:
    text = written([one("", telegram("@huoju_news"))])
    assert "'@huoju_news" in text
    assert read(text)[0].addresses == (address("telegram", "@huoju_news"),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_files_are_read_as_spreadsheets_save_them(read: Rows, encoding: str) -> None:
    entry = read("name,email,follows\r\n李娜,li@example.com,park:南昌高新区\r\n".encode(encoding))[0]
    assert (entry.name, entry.follows) == ("李娜", ("park:南昌高新区",))


def test_what_excel_calls_unicode_text_is_read(read: Rows) -> None:
    text = "姓名\t邮箱\t关注\r\n李娜\tli@example.com\tall;topic:x\r\n"
    assert read(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))[0].follows == ("all", "topic:x")
    assert read(codecs.BOM_UTF16_BE + text.encode("utf-16-be"))[0].name == "李娜"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"email\n\xff\x81\x81\n", "neither UTF-8 nor GB18030"),
        (codecs.BOM_UTF8 + b"email\n\xff\n", "marked as UTF-8 and has bytes that are none"),
        (codecs.BOM_UTF16_LE + b"e\0m\0a", "marked as UTF-16 and has bytes that are none"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file, or one with a password: save it as .xlsx"),
    ],
)
def test_bytes_that_are_no_text_are_refused(refusal: Told, content: bytes, words: str) -> None:
    assert words in refusal(content)


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n"])
def test_a_first_line_that_declares_the_delimiter_is_obeyed(find: Read, first: str) -> None:
    found = find(f"{first}name,x;email\nLi;li@example.com\n;not one\n", "name,x=name")
    assert [(entry.name, entry.line) for entry in found.entries] == [("Li", 3)]
    assert [line for line, _ in found.bad] == [4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found_out(read: Rows, delimiter: str, ending: str) -> None:
    out = io.StringIO()
    rows = [["name", "email", "follows"], ["李,娜;\t", "li@example.com", "all;topic:x"], ["", "wang@example.com", ""]]
    csv.writer(out, delimiter=delimiter, lineterminator=ending).writerows(rows)
    first, second = read(out.getvalue())
    assert (first.name, first.follows, first.line) == ("李,娜;", ("all", "topic:x"), 2)
    assert (second.addresses[0].address, second.line) == ("wang@example.com", 3)


def test_quotes_and_line_breaks_stand_in_quoted_fields_and_lines_are_counted_on(read: Rows) -> None:
    entries = read('name,email\n"Li ""the reader""\r\nNa",li@example.com\n\nWang,wang@example.com\n')
    assert [(entry.name, entry.line) for entry in entries] == [('Li "the reader"\r\nNa', 2), ("Wang", 5)]


def test_empty_rows_and_columns_and_short_rows_are_as_spreadsheets_leave_them(read: Rows) -> None:
    entries = read("\n \n Email ,NAME,,\n,,,\nli@example.com\nwang@example.com,Wang,,\n")
    assert [(entry.name, entry.line) for entry in entries] == [("", 5), ("Wang", 6)]


def test_a_row_has_all_its_preferences(read: Rows) -> None:
    header = ",".join(COLUMNS[:14])
    text = f"{header}\nLi,li@example.com,,,all,en,weekly,fri,10:00,Europe/Berlin,22:00-07:00,YES,titles,active\n"
    assert read(text)[0].preferences == WEEKLY
    assert read("email\nli@example.com\n")[0].preferences == Preferences()


def test_follows_are_taken_once_each_and_in_order(read: Rows) -> None:
    assert read("email,follows\nli@example.com,topic:x; all;;topic:x;\n")[0].follows == ("topic:x", "all")


# ---- refusals


def test_all_bad_rows_are_told_with_their_lines_and_all_that_is_wrong(find: Read) -> None:
    text = (
        "name,email,telegram,follows,cadence,bundle\n"
        "Li,li@example.com,,all,,\n"
        '"two\nlines",not an address,,all,,\n'
        "Wang,wang@example.com,,park,,\n"
        "Zhao,,,all,,\n"
        "Qian,,x,all,,\n"
        "Sun,sun@example.com,,all,hourly,\n"
        "Zhou,zhou@,,nothing,,maybe\n"
    )
    found = find(text)
    assert [line for line, _ in found.bad] == [3, 5, 6, 7, 8, 9]
    for (_, told), part in zip(
        found.bad, ("email address", "'park'", "no address", "Telegram", "hourly", "maybe"), strict=True
    ):
        assert part in told
    assert "email address 'zhou@'" in found.bad[-1][1]
    assert "'nothing' is nothing to follow" in found.bad[-1][1]
    assert [entry.name for entry in found.entries] == ["Li"]


def test_an_address_twice_in_a_file_is_refused_however_it_is_spelled(find: Read) -> None:
    text = (
        "email,telegram\nli@example.com,\n,@News\nli@EXAMPLE.com,\n,@news\nLI@example.com,7\n"
        "x@müller.example,\nx@xn--mller-kva.example,\n"
    )
    assert find(text).bad == [
        (4, "email address li@example.com stands on line 2 already"),
        (5, "telegram address @news stands on line 3 already"),
        (6, "email address LI@example.com stands on line 2 already"),
        (8, "email address x@müller.example stands on line 7 already"),
    ]


def test_an_address_twice_is_found_over_any_distance(find: Read) -> None:
    lines = [f"r{n}@example.com" for n in range(2 * SLICE + 10)]
    lines += [lines[0], lines[-1]]
    found = find("email\n" + "\n".join(lines) + "\n")
    assert [line for line, _ in found.bad] == [len(lines), len(lines) + 1]
    assert "line 2 already" in found.bad[0][1]
    assert len(found.entries) == len(lines) - 2


def test_a_value_without_a_column_is_refused_and_not_dropped(find: Read) -> None:
    assert find("email,follows\nli@example.com,all\nwang@example.com,topic:x,topic:y\n").bad == [
        (3, "'topic:y' stands in no column: put values with a delimiter in them in quotes")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; its first line names the columns: name,email"),
        ("\n \r\n\t", "the file is empty"),
        ("sep=;\n", "the file is empty"),
        ("email,phone\nli@example.com,1\n", "unknown column 'phone'; allowed: name, email"),
        ("email,phone,fax\nli@example.com,1,2\n", "unknown columns 'phone', 'fax'"),
        ("email,phone\nli@example.com,1\n", "--map 'phone=', to leave out all that are unknown: --ignore-unknown"),
        ("email,folows\nli@example.com,1\n", "'folows' (did you mean follows?)"),
        ("li@example.com\nwang@example.com\n", "the first line must name the columns"),
        ("name,follows\nLi,all\n", "no column of addresses; at least one of email, telegram, webhook"),
        (
            "email,name,Email\nli@example.com,,\n",
            "the column 'email' is named twice ('email' and 'Email' are both email)",
        ),
        ("email\nli@example.com\0\n", "it has NUL characters"),
        ('email,name\nli@example.com,"Li\n', "not valid CSV"),
        ('email,name\nli@example.com,"Li" Na\n', "line 2: not valid CSV"),
        (f"email,name\nli@example.com,{'x' * 200_000}\n", "line 2: not valid CSV: field larger"),
        (f"email,name\nli@example.com,{'x' * 1_100_000}\n", "line 2 has more than 1,000,000 characters"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused_and_told_why(refusal: Told, text: str, message: str) -> None:
    assert message in refusal(text)


def test_a_file_of_a_header_only_has_no_rows(read: Rows) -> None:
    assert read("email,follows\n") == []


def test_a_mistake_of_the_program_is_no_bad_row() -> None:
    def broken(channel: str, text: str) -> Address:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        Checker(broken, tag, NOW).entry(2, {"email": "li@example.com"})


# ---- columns


@pytest.mark.parametrize(
    "header",
    [
        "姓名,邮箱,关注",
        "名称,电子邮件,订阅",
        "Full Name,E-Mail Address,Follows",
        "NAME,e_mail,following",
        "称呼,ＥＭＡＩＬ,关注内容",
    ],
)
def test_columns_have_the_words_that_people_have_for_them(read: Rows, header: str) -> None:
    [entry] = read(f"{header}\n李娜,li@example.com,all\n")
    assert (entry.name, entry.addresses[0].address, entry.follows) == ("李娜", "li@example.com", ("all",))


def test_columns_are_mapped_left_out_and_ignored(find: Read) -> None:
    text = "Reader,Mail box,City,Fax\nLi,li@example.com,Bonn,1\n"
    for words, ignore in ((("Reader=name", "Mail box=email", "City=", "Fax="), False), (("mail BOX=email",), True)):
        [entry] = find(text, *words, ignore_unknown=ignore).entries
        assert entry.addresses[0].address == "li@example.com"
    assert find(text, "Reader=name", "Mail box=email", ignore_unknown=True).entries[0].name == "Li"


def test_a_mapping_of_what_is_not_there_is_told(find: Read, refusal: Told) -> None:
    assert "a column 'Mail' that is not there; there are: email, name" in refusal("email,name\na@b.cn,\n", "Mail=email")
    for word, told in (
        ("email", "write it as"),
        ("=email", "write it as"),
        ("X=phone", "'phone' is none of our columns"),
    ):
        with pytest.raises(InvalidValue, match=told):
            find("email\n", word)


# ---- addresses


@pytest.mark.parametrize(
    ("cell", "name", "kept"),
    [
        ("张三 <a@b.cn>", "张三", "a@b.cn"),
        ('"Zhang, San" <a@b.cn>', "Zhang, San", "a@b.cn"),
        ("<a@b.cn>", "", "a@b.cn"),
        ("Zhang <mailto:a@b.cn>", "Zhang", "a@b.cn"),
        ("\u200ba@b.cn\ufeff", "", "a@b.cn"),
        ("\u3000a@b.cn\xa0", "", "a@b.cn"),
        ("a+parks@b.cn", "", "a+parks@b.cn"),
        ("a@xn--fiqs8s.example", "", "a@中国.example"),
        ("a@例子.中国", "", "a@例子.中国"),
    ],
)
def test_addresses_are_taken_as_people_write_them(read: Rows, cell: str, name: str, kept: str) -> None:
    quoted = cell.replace('"', '""')
    [entry] = read(f'email,name\n"{quoted}",\n')
    assert (entry.name, entry.addresses[0].address) == (name, kept)


def test_an_address_of_254_characters_is_taken(read: Rows) -> None:
    longest = f"a@{'.'.join(['d' * 49] * 5)}.cn"
    assert len(longest) == 254
    assert read(f"email\n{longest}\n")[0].addresses[0].address == longest


def test_the_name_of_the_column_is_better_than_that_beside_the_address(read: Rows) -> None:
    assert read("email,name\n张三 <a@b.cn>,张先生\n")[0].name == "张先生"


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("li na@example.com", "SPACE"),
        ("li@exa mple.com", "SPACE"),
        ("Li <li na@example.com>", "SPACE"),
        ("a@b.cn, c@d.cn", "email address"),
        (f"a@{'.'.join(['d' * 49] * 5)}.com", "too long"),  # a domain of 253 characters
        (f"a@{'d' * 64}.com", "1 character too many"),
    ],
)
def test_what_is_no_address_is_told(find: Read, cell: str, told: str) -> None:
    [(line, problem)] = find(f'email\n"{cell}"\n').bad
    assert line == 2
    assert told in problem


# ---- states, times, secrets


def test_what_contradicts_itself_is_told(find: Read) -> None:
    text = (
        "email,state,paused_until,consent,consented_at,created_at,secret\n"
        "a@b.cn,active,2030-01-01,,,,\n"
        "b@b.cn,,,,2020-01-01,,\n"
        "c@b.cn,,,,,2030-01-01,\n"
        "d@b.cn,,some day,,,,\n"
        "e@b.cn,,,,,,whsec_xx\n"
        "f@b.cn,lost,,,,,\n"
    )
    problems = [problem for _, problem in find(text).bad]
    wanted = [
        "needs the state paused",
        "needs the basis of consent",
        "future",
        "write it as",
        "is for webhooks",
        "'lost'",
    ]
    assert len(problems) == len(wanted)
    assert all(word in problem for word, problem in zip(wanted, problems, strict=True))


_KEY = "whsec_" + "c2VjcmV0" * 4


@pytest.mark.parametrize(
    ("secret", "good"),
    [
        (_KEY, True),
        (f"{_KEY} {_KEY}:1700000000000", True),
        ("whsec_c2VjcmV0", False),
        (f"{_KEY} {_KEY}:soon", False),
        (_KEY.removeprefix("whsec_"), False),
    ],
)
def test_secrets_come_in_also_while_one_replaces_another(find: Read, secret: str, good: bool) -> None:
    bad = find(f"webhook,secret\nhttps://hooks.example.com/x,{secret}\n").bad
    assert not [problem for _, problem in bad if "24 to 64" not in problem]
    assert bool(bad) is not good
    assert "c2V" not in str(bad)


def test_a_time_without_an_offset_is_of_the_rows_own_zone(read: Rows) -> None:
    entries = read("email,paused_until,timezone\na@b.cn,2030-01-01,\nb@b.cn,2030/01/01 00:00,Europe/Berlin\n")
    assert [entry.paused_until for entry in entries] == [1_893_427_200_000, 1_893_452_400_000]
    assert {entry.state for entry in entries} == {EndpointState.PAUSED}


@given(st.from_regex(r"[a-z0-9_.+-]{1,70}@[a-zA-Z0-9.-]{1,70}", fullmatch=True))
def test_the_short_way_for_plain_addresses_has_the_same_result(text: str) -> None:
    try:
        wanted = validate_email(text, check_deliverability=False, test_environment=True, strict=True).normalized
    except EmailNotValidError:
        wanted = ""
    try:
        found = email_address(text)
    except InvalidValue:
        found = ""
    assert found == wanted


def test_a_long_name_or_address_is_refused_before_it_is_taken_apart() -> None:
    for text in ("a<" + " " * 3_000 + "a@", '"a' + '" ' * 3_000 + "é", "é" * 1_001):
        with pytest.raises(InvalidValue, match="more than 1,000 characters"):
            named_address(text)
        with pytest.raises(InvalidValue, match="more than 1,000 characters"):
            email_address(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"Li, Wei" <li@x.cn>', ("Li, Wei", "li@x.cn")),
        (" \ufeff李 < MAILTO:li@x.cn > ", ("李", "li@x.cn")),
        ("<li@x.cn>", ("", "li@x.cn")),
        ("a<" + " " * 900 + "a@", ("", "a<" + " " * 900 + "a@")),
        ("a<b> <li@x.cn>", ("", "a<b> <li@x.cn>")),
        ("li <li@x.cn>>", ("", "li <li@x.cn>>")),
        ("li <nothing>", ("", "li <nothing>")),
    ],
)
def test_a_name_beside_an_address_is_taken_apart(text: str, found: tuple[str, str]) -> None:
    assert named_address(text) == found


@pytest.mark.parametrize(
    "before", [*"\u200b\ufeff\u200e\u2066\u00ad\u3164\u2060\U000e0020", "\x1b", "\x07", "\x9b", "\u200b '\u200e\x1b"]
)
def test_nothing_invisible_hides_a_formula(before: str) -> None:
    for sign in "=+-@＝＠":
        value = f"{before}{sign}1+1"
        cell = neutral(value)
        assert cell.startswith("'")
        assert not set(cell) & set("\x1b\x07\x9b")
        assert plain(cell) == "".join(c for c in value if c not in "\x1b\x07\x9b")


@given(text=st.text("'\u200b\ufeff \t\n=-@1a", max_size=8))
def test_what_is_neutral_comes_back_as_it_was(text: str) -> None:
    assert plain(neutral(text)) == text.strip()
