"""Bad input: one clear message, exit code 1 or 2, nothing half-written, nothing lost."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.conftest import SAMPLE, Command, Mailbox, Recorder, free_port

ADD = ("subscribers", "add", "--email", "a@x.test")


def one_message(err: str) -> str:
    """The error, which is a single line."""
    [line] = [line for line in err.splitlines() if line.startswith("error: ")]
    return line


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.md", b"# Shopping\n\n- milk\n- bread\n", "not an issue"),
        ("empty.md", b"", "empty"),
        ("blank.txt", b" \n\n \n", "empty"),
        ("broken.md", "火炬动态".encode() + b"\xff\xfe\xff", "encoding"),
        ("binary.md", b"\x89PNG\r\n\x1a\n\x00\x00\x00", "binary"),
        ("issue.pdf", b"%PDF-1.7", "issue.pdf"),
        ("old.doc", b"\xd0\xcf\x11\xe0", "old.doc"),
    ],
)
def test_what_is_no_issue_is_refused_with_the_reason(bare: Command, name: str, content: bytes, words: str) -> None:
    (bare.folder / name).write_bytes(content)
    done = bare("ingest", name, expect=1)
    assert name in one_message(done.err)
    assert words in done.err
    assert bare("issues", "list", "--json").json == []


def test_one_bad_file_does_not_stop_the_others(bare: Command) -> None:
    (bare.folder / "bad.md").write_text("nothing")
    done = bare("ingest", "bad.md", str(SAMPLE), "missing.md", "--json", expect=1)
    assert [entry["file"] for entry in done.json["issues"]] == [str(SAMPLE)]
    assert len(done.json["errors"]) == 2


def test_an_issue_taken_in_before_is_said_and_not_an_error(bare: Command) -> None:
    bare("ingest", str(SAMPLE))
    done = bare("ingest", str(SAMPLE))
    assert "taken in before with the same content" in done.out
    assert len(bare("issues", "list", "--json").json) == 1


def test_other_content_replaces_a_held_issue_and_no_sent_one(dispatch: Command) -> None:
    changed = dispatch.folder / "changed.md"
    changed.write_text(SAMPLE.read_text(encoding="utf-8").replace("644.24亿元", "644.25亿元"), encoding="utf-8")
    dispatch("ingest", str(SAMPLE))
    assert "replaced" in dispatch("ingest", "changed.md").out
    assert dispatch("issues", "list", "--json").json[0]["revision"] == 2
    dispatch("issues", "approve", "534", "--revision", "2")
    dispatch("run", "--once")
    assert "taken in before with the same content" in dispatch("ingest", str(SAMPLE)).out
    changed.write_text(changed.read_text(encoding="utf-8").replace("644.25亿元", "644.26亿元"), encoding="utf-8")
    done = dispatch("ingest", "changed.md")
    assert "is out already with other content; nothing was changed, nothing is sent" in done.out
    assert "dispatch issues diff huoju:534" in done.err
    assert dispatch("issues", "list", "--json").json[0]["revision"] == 2


def test_an_inbox_file_that_is_refused_is_kept_with_the_reason(dispatch: Command) -> None:
    inbox = dispatch.folder / "inbox"
    inbox.mkdir()
    (inbox / "bad.md").write_text("nothing")
    (inbox / "good.md").write_bytes(SAMPLE.read_bytes())
    done = dispatch("run", "--once", expect=1)
    assert "534 added" in done.out
    assert (inbox / "refused" / "bad.md").read_text() == "nothing"
    assert "not an issue" in (inbox / "refused" / "bad.md.reason.txt").read_text(encoding="utf-8")
    assert (inbox / "taken" / "good.md").exists()
    dispatch("run", "--once")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*ADD, "--follow", "park:南昌"), "park:南昌高新区"),
        ((*ADD, "--follow", "park:Atlantis"), "dispatch catalog parks"),
        ((*ADD, "--follow", "topic:区块"), "区块链"),
        ((*ADD, "--follow", "somewhere"), "park:NAME"),
        (("subscribers", "add", "--email", "no address"), "no address"),
        (("subscribers", "add", "--email", "a@x.test\nBcc: b@x.test"), "email address"),
        (("subscribers", "add", "--telegram", "chat"), "chat"),
        (("subscribers", "add", "--webhook", "ftp://x.test"), "http"),
        (("subscribers", "add", "--webhook", "http://192.168.0.1/x"), "allow_networks"),
        (("subscribers", "add", "--webhook", "https://user:word@x.test/"), "password"),
        (("subscribers", "add"), "--email"),
        ((*ADD, "--cadence", "hourly"), "hourly"),
        ((*ADD, "--cadence", "daily", "--at", "25:00"), "25:00"),
        ((*ADD, "--timezone", "Mars/Olympus"), "Mars/Olympus"),
        ((*ADD, "--quiet", "late"), "late"),
        ((*ADD, "--language", "fr"), "fr"),
        ((*ADD, "--format", "poem"), "poem"),
        (("deliveries", "list", "--state", "lost"), "lost"),
        (("issues", "list", "--state", "lost"), "lost"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(bare: Command, words: tuple[str, ...], said: str) -> None:
    done = bare(*words, expect=2)
    assert said in one_message(done.err)
    assert bare("subscribers", "list", "--json").json == []


@pytest.mark.parametrize(
    "words",
    [("issues", "show", "999"), ("issues", "approve", "999"), ("issues", "send", "999"), ("deliveries", "show", "9"),
     ("subscribers", "show", "9"), ("subscribers", "follow", "e9", "all"), ("subscribers", "remove", "nobody@x.test")],
)  # fmt: skip
def test_what_is_not_there_is_said(bare: Command, words: tuple[str, ...]) -> None:
    assert "see: dispatch" in one_message(bare(*words, expect=1).err)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DISPATCH_EMAIL__PORT", "many", "port = 'many'"),
        ("DISPATCH_PUBLISH__APPROVAL", "perhaps", "manual or automatic"),
        ("DISPATCH_DATABASE__URL", "mysql://x", "sqlite:///FILE"),
        ("DISPATCH_WEBHOOK__ALLOW_NETWORKS", "here", "10.0.0.0/8"),
        ("DISPATCH_EMAIL__HOTS", "x", "no such setting"),
        ("DISPATCH_WEB__BASE_URL", "bulletin.example.org", "http://"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(bare: Command, name: str, value: str, words: str) -> None:
    done = bare("issues", "list", expect=2, **{name: value})
    assert words in one_message(done.err)
    assert name in done.err


def test_a_secret_is_never_shown_not_even_a_wrong_one(bare: Command) -> None:
    done = bare("doctor", expect=2, DISPATCH_TELEGRAM__TOKEN="hunter2 is my token")
    assert "hunter2" not in done.err + done.out
    assert "token" in one_message(done.err)


def test_a_database_from_a_newer_version_is_refused_and_untouched(bare: Command) -> None:
    bare("issues", "list")
    connection = sqlite3.connect(bare.folder / "work.db")
    connection.execute("UPDATE schema_versions SET version = 99")
    connection.commit()
    connection.close()
    assert "newer version" in one_message(bare("issues", "list", expect=1).err)


def test_a_database_that_is_none_is_refused(bare: Command) -> None:
    (bare.folder / "work.db").write_text("this is a letter, not a database " * 40)
    assert "work.db" in one_message(bare("issues", "list", expect=1).err)


def test_a_port_that_nobody_answers_on_is_one_message_and_loses_nothing(
    dispatch: Command, mailbox: Mailbox, hooks: Recorder
) -> None:
    dispatch(*ADD, "--follow", "all", "--confirmed")
    dispatch("subscribers", "add", "--webhook", f"{hooks.url}/in", "--follow", "all", "--confirmed")
    hooks.requests.clear()  # the test event
    dispatch("ingest", str(SAMPLE))
    port = str(free_port())
    done = dispatch("issues", "send", "534", expect=1, DISPATCH_EMAIL__PORT=port)
    assert f"nobody answers at 127.0.0.1:{port}" in one_message(done.err)
    assert len(hooks.requests) == 5  # the other lane did not wait for it
    dispatch("run", "--once")
    assert len(mailbox.mails) == 5


def test_an_import_with_a_bad_line_imports_nothing(bare: Command) -> None:
    (bare.folder / "people.csv").write_text(
        "name,email,telegram,webhook,follows\n甲,a@x.test,,,all\n乙,not an address,,,all\n丙,c@x.test,,,park:无\n",
        encoding="utf-8",
    )
    done = bare("subscribers", "import", "people.csv", expect=1)
    assert "line 3" in done.err
    assert "line 4" in done.err
    assert bare("subscribers", "list", "--json").json == []


BAD = "name,email,telegram,webhook,follows\n" + "\n".join(
    (
        "甲,a@x.test,,,all",
        "乙,li na@x.test,,,all",
        "丙,,somebody,,all",
        "丁,,,http://192.168.0.1/x,all",
        "戊,b@x.test,,,park:南昌",
        "己,A@x.test,,,all",
        "=CMD,,,,",
        "庚,c@x.test,,,province:江西;topic:区块链",
        "",
    )
)
WHY = {
    3: "SPACE",
    4: "Telegram chat 'somebody': a chat id (a number)",
    5: "allow_networks",
    6: "park:南昌高新区",
    7: "email address A@x.test stands on line 2 already",
    8: "no address: fill one of email, telegram, webhook",
}


def test_each_bad_line_of_an_import_is_told_with_what_to_do(bare: Command) -> None:
    (bare.folder / "people.csv").write_text(BAD, encoding="utf-8")
    told = bare("subscribers", "import", "people.csv", expect=1).err
    assert one_message(told).endswith("people.csv: nothing was imported:")
    for line, why in WHY.items():
        assert re.search(rf"^line {line}: .*{re.escape(why)}", told, re.MULTILINE), told
    found = bare("subscribers", "import", "people.csv", "--json", expect=1).json
    assert (found["imported"], found["bad"], found["rows"]) == (False, 6, 2)
    assert [row["line"] for row in found["bad_rows"]] == list(WHY)
    assert bare("subscribers", "list", "--json").json == []


def test_a_dry_run_tells_each_line_and_changes_nothing(bare: Command) -> None:
    (bare.folder / "people.csv").write_text(BAD, encoding="utf-8")
    words = ("subscribers", "import", "people.csv", "--dry-run", "--basis", "signed at the fair")
    told = bare(*words, "--skip-bad").out
    assert re.findall(r"^line (\d+): ", told, re.MULTILINE) == [str(n) for n in range(2, 10)]
    assert "line 2: add email a@x.test (active); follows all" in told
    assert "line 6: wrong: " in told
    assert "2 rows: 2 subscribers would be added" in told
    found = bare(*words, "--json", expect=1).json
    assert [line["does"] for line in found["lines"]] == ["add", *["wrong"] * 6, "add"]
    assert found["lines"][-1]["follows"] == ["province:江西省", "topic:blockchain"]
    assert bare("subscribers", "list", "--json").json == []


def test_bad_lines_are_left_out_kept_and_imported_when_they_are_mended(bare: Command) -> None:
    (bare.folder / "people.csv").write_text(BAD, encoding="gb18030")
    words = ("--basis", "signed at the fair", "--bad-file", "bad.csv")
    done = bare("subscribers", "import", "people.csv", "--skip-bad", *words)
    assert "2 rows: 2 subscribers added" in done.out
    assert "6 lines left out" in done.err
    bad = (bare.folder / "bad.csv").read_text(encoding="utf-8-sig")
    assert bad.splitlines()[0] == "name,email,telegram,webhook,follows,problem"
    assert "'=CMD,,,,,\"no address" in bad
    mended = bad.replace("li na@", "li.na@").replace("somebody", "77").replace("http://192.168.0.1", "https://x.test")
    mended = (
        mended.replace("park:南昌,", "park:南昌高新区,")
        .replace("A@x.test", "d@x.test")
        .replace("'=CMD,", "'=CMD,e@x.test")
    )
    (bare.folder / "bad.csv").write_text(mended, encoding="utf-8-sig")
    assert "--bad-file names the file" in one_message(bare("subscribers", "import", "bad.csv", *words, expect=2).err)
    assert "6 rows: 6 subscribers added" in bare("subscribers", "import", "bad.csv", *words[:2]).out
    people = bare("subscribers", "list", "--json").json
    assert [person["name"] for person in people] == ["甲", "庚", "乙", "丙", "丁", "戊", "己", "=CMD"]
    assert {item["consent"] for person in people for item in person["endpoints"]} == {"signed at the fair"}


def test_a_call_that_contradicts_itself_is_a_usage_error(bare: Command) -> None:
    (bare.folder / "people.csv").write_text("email\na@x.test\n")
    for words, told in (
        (("--ask", "--confirmed"), "--ask is for those who have not agreed yet"),
        (("--basis", "x", "--confirmed"), "leave one out"),
        (("--map", "email"), "write it as"),
        (("--map", "email=phone"), "'phone' is none of our columns"),
        (("--format", "pdf"), "allowed are csv, xlsx, json"),
        (("--sheet", "one"), "--sheet is for XLSX"),
    ):
        assert told in one_message(bare("subscribers", "import", "people.csv", *words, expect=2).err)
    assert "no column of addresses" in one_message(
        bare("subscribers", "import", "people.csv", "--map", "email=", expect=1).err
    )
    assert "gone.csv: No such file" in one_message(bare("subscribers", "import", "gone.csv", expect=1).err)
    assert bare("subscribers", "list", "--json").json == []


def test_those_who_have_not_agreed_are_asked_by_mail(bare: Command) -> None:
    (bare.folder / "people.csv").write_text("email,telegram\na@x.test,7\nb@x.test,\n")
    refused = bare("subscribers", "import", "people.csv", "--ask", expect=2)
    assert "nobody can be asked, for email is off" in refused.err
    bare.environment |= {"DISPATCH_EMAIL__HOST": "127.0.0.1", "DISPATCH_EMAIL__FROM_ADDRESS": "news@x.test"}
    done = bare("subscribers", "import", "people.csv", "--ask")
    assert "2 asked to confirm" in done.out
    again = bare("subscribers", "import", "people.csv", "--ask")
    assert "a@x.test was asked within a day" in again.err
    connection = sqlite3.connect(bare.folder / "work.db")
    queued = connection.execute("SELECT kind, channel, state, COUNT(*) FROM messages GROUP BY 1, 2, 3").fetchall()
    states = connection.execute("SELECT DISTINCT state FROM endpoints").fetchall()
    texts = connection.execute("SELECT COUNT(*) FROM consents WHERE text_id IS NOT NULL").fetchone()
    connection.close()
    assert queued == [("confirm", "email", "queued", 2)]
    assert states == [("pending",)]
    assert texts == (2,)  # the words that they are asked to agree to


@pytest.mark.parametrize("name", ["people.csv", "people.xlsx", "people.json"])
def test_what_was_exported_can_be_imported_elsewhere(bare: Command, tmp_path: Path, name: str) -> None:
    given = ("--follow", "province:江西", "--webhook", "https://x.test/in", "--confirmed")
    bare("subscribers", "add", "--name", "甲", "--email", "a@x.test", "--telegram", "-100", *given)
    words = ("--cadence", "weekly", "--weekday", "fri", "--at", "09:30", "--quiet", "22:00-07:00", "--bundle")
    bare("subscribers", "add", "--email", "b@x.test", "--follow", "topic:blockchain", *words, "--format", "titles")
    bare("subscribers", "export", name, "--secrets")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    bare("subscribers", "import", name, DISPATCH_DATABASE__URL=other)
    exported = bare("subscribers", "export", "--secrets", DISPATCH_DATABASE__URL=other).out
    assert exported == bare("subscribers", "export", "--secrets").out
    assert "whsec_" in exported
    assert "whsec_" not in bare("subscribers", "export", "--format", "json").out
    assert "needs a file" in one_message(bare("subscribers", "export", "--format", "xlsx", expect=2).err)


def test_a_wrong_word_in_the_call_is_a_usage_error(bare: Command) -> None:
    assert "No such command" in bare("isues", expect=2).err
    assert "No such option" in bare("issues", "list", "--colour", expect=2).err


def test_the_configuration_file_may_be_named_anywhere_in_the_line(bare: Command) -> None:
    bare.environment.pop("DISPATCH_DATABASE__URL")
    bare("init", "here")
    for words in (("--config", "here/dispatch.toml", "issues", "list"), ("issues", "list", "--config=here")):
        assert "no issues" in bare(*words).out
    assert "no configuration file" in one_message(bare("issues", "list", "--config", "gone.toml", expect=2).err)


def test_a_column_that_the_bulletin_does_not_have_is_named(bare: Command) -> None:
    text = (
        SAMPLE.read_text(encoding="utf-8")
        .replace("## 【研究报告】", "## 【国际合作】")
        .replace("## 研究报告", "## 国际合作")
    )
    (bare.folder / "new.md").write_text(text, encoding="utf-8")
    assert "国际合作 is not in huoju.toml" in bare("ingest", "new.md").err


def test_an_absurd_number_is_no_number(bare: Command) -> None:
    text = SAMPLE.read_text(encoding="utf-8").replace("总第534期", f"总第{'9' * 30}期")
    (bare.folder / "new.md").write_text(text, encoding="utf-8")
    issue = bare("ingest", "new.md", "--json", "--dry-run").json["issues"][0]["issue"]
    assert (issue["total"], issue["ref"]) == (0, "2022-05")


def test_the_doctor_opens_a_session_as_a_send_would(dispatch: Command) -> None:
    assert "takes a session" in dispatch("doctor").out
    done = dispatch("doctor", expect=1, DISPATCH_EMAIL__SECURITY="starttls")
    assert "STARTTLS" in done.out


def test_a_server_of_databases_is_looked_over_and_its_password_shown_to_nobody(
    bare: Command, postgres_url: str
) -> None:
    address = postgres_url.replace("postgres@", "postgres:hunter2@")
    bare("run", "--once", DISPATCH_DATABASE__URL=address)
    done = bare("doctor", "--json", DISPATCH_DATABASE__URL=address)
    [found] = [finding for finding in done.json if finding["what"] == "database"]
    assert found["state"] == "ok"
    assert re.fullmatch(r"postgresql:///t\d+\?host=/\S+ \(PostgreSQL \d.*\)", found["detail"])
    assert bare("subscribers", "list", DISPATCH_DATABASE__URL=address).err == ""


@pytest.mark.parametrize(
    ("url", "words", "code"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/x", "is the server running", 1),
        ("postgresql://u:hun/hunter2@h/x", "%2F", 2),
        ("postgresql://u:%zz-hunter2@h/x", "cannot be read", 2),
    ],
)
def test_a_server_that_is_not_there_is_told_without_its_password(
    bare: Command, url: str, words: str, code: int
) -> None:
    done = bare("subscribers", "list", expect=code, DISPATCH_DATABASE__URL=url)
    assert words in done.err
    assert "hunter2" not in done.err


def test_a_missing_library_is_told_with_what_installs_it(bare: Command) -> None:
    (bare.folder / "psycopg.py").write_text("raise ImportError('no such library')")
    done = bare("subscribers", "list", expect=1, DISPATCH_DATABASE__URL="postgresql://h/x", PYTHONPATH=str(bare.folder))
    assert "pip install 'huoju-dispatch[postgresql]'" in one_message(done.err)
