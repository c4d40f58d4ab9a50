"""CSV in and out: nothing lost, nothing half imported, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers import directory
from subscribers.addresses import email_address, telegram_chat
from subscribers.database import SCHEMA, Database
from subscribers.errors import BadFile, InvalidValue
from subscribers.model import Address, Cadence, Endpoint, EndpointState, Preferences, Rhythm, Subscriber
from subscribers.transfer import COLUMNS, Entry, decode, read_csv, write_csv, write_file
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


def read(text: str) -> list[Entry]:
    return read_csv(text, address, tag)


def refusal(text: str) -> str:
    with pytest.raises(BadFile) as refused:
        read(text)
    return str(refused.value)


def written(subscribers: Sequence[Subscriber]) -> str:
    out = io.StringIO()
    assert write_csv(subscribers, out) == len(list(csv.reader(io.StringIO(out.getvalue(), newline="")))) - 1
    return out.getvalue()


def imported(entries: Sequence[Entry], consent: str = "asked") -> list[Subscriber]:
    """The subscribers that a fresh store has after an import."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{Path(folder) / 'store.db'}", [SCHEMA], synchronous="normal")
        with db.transaction():
            for entry in entries:
                directory.add(
                    db,
                    name=entry.name,
                    addresses=entry.addresses,
                    follows=entry.follows,
                    preferences=entry.preferences,
                    consent=consent,
                    act=at(NOW),
                    state=entry.state,
                )
        found = list(directory.everyone(db))
        db.close()
        return found


def one(name: str, address: Address, follows: tuple[str, ...] = ()) -> Subscriber:
    endpoint = Endpoint(1, 1, address, EndpointState.ACTIVE, "", "", None, Preferences(), follows)
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
    assert written(imported(read(text))) == text
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


@given(st.one_of(names, st.text("=+-@'\"＝\t\r\n ;,7x", max_size=8)))
def test_any_name_survives_but_for_blanks_around_it_and_the_kind_of_line_break(name: str) -> None:
    text = written([one(name, email("li"))])
    entry = read(text)[0]
    assert entry.name == name.strip().replace("\r\n", "\n").replace("\r", "\n")
    assert written(imported([entry])) == text


@settings(max_examples=200)
@given(st.text("name,email;\t\"'\r\n@.x ", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadFile):
        assert all(entry.addresses for entry in read(text))


@pytest.mark.parametrize("consent", ["", "confirmed by an administrator"])
@pytest.mark.parametrize("state", [state for state in EndpointState if state is not EndpointState.ACTIVE])
def test_an_import_makes_nobody_active_whom_the_file_says_is_not(state: EndpointState, consent: str) -> None:
    entries = read(f"email,state\nli@example.com,{state.upper()}\n")
    assert [item.state for found in imported(entries, consent) for item in found.endpoints] == [state]


@pytest.mark.parametrize("word", ["active", ""])
@pytest.mark.parametrize(("consent", "state"), [("", EndpointState.PENDING), ("asked", EndpointState.ACTIVE)])
def test_of_the_others_the_import_says_whether_they_are_active(word: str, consent: str, state: EndpointState) -> None:
    item = imported(read(f"name,email,state\nLi,li@example.com,{word}\n"), consent)[0].endpoints[0]
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


def test_a_file_begins_with_a_mark_for_spreadsheets_and_stands_alone(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("what was there before")
    assert write_file([one("李娜", email("li"))], file) == 1
    assert file.read_bytes().startswith(b"\xef\xbb\xbfname,email")
    assert read(decode(file.read_bytes()))[0].name == "李娜"
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
def test_no_cell_begins_as_a_formula_would(name: str) -> None:
    cell = next(csv.DictReader(io.StringIO(written([one(name, email("li"))]))))["name"]
    assert cell.startswith("'")
    assert read(written([one(name, email("li"))]))[0].name == name.strip()


@pytest.mark.parametrize("chat", ["-1001234567890", "-5", "123456789"])
def test_the_chat_id_of_a_group_is_a_number_and_stays_one(chat: str) -> None:
    assert next(csv.DictReader(io.StringIO(written([one("", telegram(chat))]))))["telegram"] == chat


def test_the_name_of_a_channel_is_no_formula_and_comes_back() -> None:
    text = written([one("", telegram("@huoju_news"))])
    assert "'@huoju_news" in text
    assert read(text)[0].addresses == (address("telegram", "@huoju_news"),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_files_are_read_as_spreadsheets_save_them(encoding: str) -> None:
    entry = read(decode("name,email,follows\r\n李娜,li@example.com,park:南昌高新区\r\n".encode(encoding)))[0]
    assert (entry.name, entry.follows) == ("李娜", ("park:南昌高新区",))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadFile, match="neither UTF-8 nor GB18030"):
        decode(b"\xff\xfe\x81")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found_out(delimiter: str, ending: str) -> None:
    out = io.StringIO()
    rows = [["name", "email", "follows"], ["李,娜;\t", "li@example.com", "all;topic:x"], ["", "wang@example.com", ""]]
    csv.writer(out, delimiter=delimiter, lineterminator=ending).writerows(rows)
    first, second = read(out.getvalue())
    assert (first.name, first.follows, first.line) == ("李,娜;", ("all", "topic:x"), 2)
    assert (second.addresses[0].address, second.line) == ("wang@example.com", 3)


def test_quotes_and_line_breaks_stand_in_quoted_fields_and_lines_are_counted_on() -> None:
    entries = read('name,email\n"Li ""the reader""\r\nNa",li@example.com\n\nWang,wang@example.com\n')
    assert [(entry.name, entry.line) for entry in entries] == [('Li "the reader"\r\nNa', 2), ("Wang", 5)]


def test_empty_rows_and_columns_and_short_rows_are_as_spreadsheets_leave_them() -> None:
    entries = read("\n \n Email ,NAME,,\n,,,\nli@example.com\nwang@example.com,Wang,,\n")
    assert [(entry.name, entry.line) for entry in entries] == [("", 5), ("Wang", 6)]


def test_a_row_has_all_its_preferences() -> None:
    header = ",".join(COLUMNS)
    text = f"{header}\nLi,li@example.com,,,all,en,weekly,fri,10:00,Europe/Berlin,22:00-07:00,YES,titles,active\n"
    assert read(text)[0].preferences == WEEKLY
    assert read("email\nli@example.com\n")[0].preferences == Preferences()


def test_follows_are_taken_once_each_and_in_order() -> None:
    assert read("email,follows\nli@example.com,topic:x; all;;topic:x;\n")[0].follows == ("topic:x", "all")


# ---- refusals


def test_all_bad_rows_are_told_with_their_lines() -> None:
    text = (
        "name,email,telegram,follows,cadence,bundle\n"
        "Li,li@example.com,,all,,\n"
        '"two\nlines",not an address,,all,,\n'
        "Wang,wang@example.com,,park,,\n"
        "Zhao,,,all,,\n"
        "Qian,,x,all,,\n"
        "Sun,sun@example.com,,all,hourly,\n"
        "Zhou,zhou@example.com,,all,,maybe\n"
    )
    lines = refusal(text).splitlines()
    assert lines[0] == "nothing was imported:"
    assert [line.partition(": ")[0] for line in lines[1:]] == [f"line {n}" for n in (3, 5, 6, 7, 8, 9)]
    for line, part in zip(
        lines[1:], ("email address", "'park'", "no address", "Telegram", "hourly", "maybe"), strict=True
    ):
        assert part in line


def test_of_very_many_bad_rows_the_first_are_told_and_the_rest_counted() -> None:
    lines = refusal("email\n" + "x\n" * 50).splitlines()
    assert (len(lines), lines[-1]) == (22, "… and 30 more")


def test_an_address_twice_in_a_file_is_refused_however_it_is_spelled() -> None:
    text = "email,telegram\nli@example.com,\n,@News\nli@EXAMPLE.com,\n,@news\n"
    assert refusal(text).splitlines()[1:] == [
        "line 4: email address li@example.com stands on line 2 already",
        "line 5: telegram address @news stands on line 3 already",
    ]


def test_a_value_without_a_column_is_refused_and_not_dropped() -> None:
    text = "email,follows\nli@example.com,all\nwang@example.com,topic:x,topic:y\n"
    assert refusal(text).splitlines()[1:] == [
        "line 3: 'topic:y' stands in no column: put values with a delimiter in them in quotes"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; its first line names the columns: name,email"),
        ("\n \r\n\t", "the file is empty"),
        ("email,phone\nli@example.com,1\n", "unknown column 'phone'; allowed: name, email"),
        ("li@example.com\n", "unknown column 'li@example.com'"),
        ("name,follows\nLi,all\n", "no column of addresses; at least one of email, telegram, webhook"),
        ("email,name,Email\n", "the column 'email' is named twice"),
        ("email\nli@example.com\0\n", "it has NUL characters"),
        ('email,name\nli@example.com,"Li\n', "not valid CSV"),
        ('email,name\nli@example.com,"Li" Na\n', "line 2: not valid CSV"),
        (f"email,name\nli@example.com,{'x' * 200_000}\n", "line 2: not valid CSV: field larger"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused_and_told_why(text: str, message: str) -> None:
    assert message in refusal(text)


def test_a_file_of_a_header_only_has_no_rows() -> None:
    assert read("email,follows\n") == []


def test_a_mistake_of_the_program_is_no_bad_row() -> None:
    def broken(channel: str, text: str) -> Address:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        read_csv("email\nli@example.com\n", broken, tag)
