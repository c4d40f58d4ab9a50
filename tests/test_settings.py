"""Settings that are wrong: one clear sentence, and never a password or token in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dispatch import doctor
from dispatch.cli.init import init
from dispatch.errors import SettingsError
from dispatch.settings import load_settings

SECRET = "hunter2"


def refusal(folder: Path, text: str) -> str:
    file = folder / "dispatch.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[email.relays]\nhost = "x"\npassword = "hunter2"', "[email] relays"),
        ('[telegram.bots]\ntoken = "1:hunter2"', "[telegram] bots"),
        ('email = "smtp://user:hunter2@host"', "email"),
        ('[email]\nrelays = ["smtp://user:hunter2@host"]', "[[email.relays]] 1"),
        ('[email]\nrelays = ["hunter2"]', "[[email.relays]] 1"),
        ('[email]\nrelays = [{host = "h", password = ["hunter2"]}]', "[[email.relays]] 1 password"),
        ('[email]\npassword = {a = "hunter2"}', "[email] password"),
        ('[email]\nfrom_address = "smtp://user:hunter2@host"\nport = -1', "[email] port"),
        ('[email]\nport = "user:hunter2@host"', "[email] port"),
        ('[telegram]\ntoken = "hunter2"', "[telegram] token"),
        ('[[telegram.bots]]\ntoken = "hunter2"', "[[telegram.bots]] 1 token"),
        ('[telegram]\napi_base = "https://u:hunter2@h"', "[telegram] api_base"),
        ('[telegram]\napi_base = "https://u:hunter2"', "[telegram] api_base"),
        ('[telegram]\napi_base = "https://u:hunter2@h\u2100"', "[telegram] api_base"),
        ('[telegram]\napi_base = "https://h/?key=hunter2"', "[telegram] api_base"),
        ('[web]\nbase_url = "https://u:hunter2@h"', "[web] base_url"),
        ('[web]\nbase_url = "u:hunter2@h"', "[web] base_url"),
        ('[intake]\nurls = ["https://u:hunter2@h/x.md"]', "[intake] urls"),
        ('[intake]\nurls = ["https://hunter2@h/x.md"]', "[intake] urls"),
        ('[intake]\nurls = ["ftp://h/?key=hunter2"]', "[intake] urls"),
        ('[intake]\nurls = "hunter2"', "[intake] urls"),
        ('[webhook]\nallow_networks = ["hunter2"]', "[webhook] allow_networks"),
        ('[database]\nurl = "mysql://u:hunter2@h/db"', "[database] url"),
        ('[database]\nurl = "postgresql://u:x@hunter2@h/db"', "[database] url"),
        ('[database]\nurl = "postgresql://u:x/hunter2@h/db"', "[database] url"),
        ('[database]\nurl = "postgresql://u:1?hunter2@h/db"', "[database] url"),
        ('[database]\nurl = "postgresql://u:1#hunter2@h/db"', "[database] url"),
        ('[database]\nurl = "postgresql://u:hunter2@h:port/db"', "[database] url"),
        ('[database]\nurl = "postgresql://hunter2"\nsynchronous = "x"', "[database] synchronous"),
        ('[database]\nurl = ["hunter2"]', "[database] url"),
    ],
)
def test_no_error_of_the_file_tells_a_secret(tmp_path: Path, text: str, name: str) -> None:
    said = refusal(tmp_path, text)
    assert name in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DISPATCH_EMAIL__RELAYS", '{"password": "hunter2"}'),
        ("DISPATCH_EMAIL__RELAYS", '["hunter2"]'),
        ("DISPATCH_EMAIL__RELAYS", "hunter2"),
        ("DISPATCH_EMAIL", '{"relays": {"password": "hunter2"}}'),
        ("DISPATCH_EMAIL", "smtp://user:hunter2@host"),
        ("DISPATCH_TELEGRAM__BOTS", '[{"token": "hunter2"}]'),
        ("DISPATCH_TELEGRAM__TOKEN", "hunter2"),
        ("dispatch_telegram__token", "hunter2"),
        ("DISPATCH_TELEGRAM__API_BASE", "https://u:hunter2@h"),
        ("DISPATCH_INTAKE__URLS", "https://h/x.md,https://u:hunter2@h/x.md"),
        ("DISPATCH_DATABASE__URL", "postgresql://u:hunter2@h:x/db"),
    ],
)
def test_no_error_of_the_environment_tells_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = refusal(tmp_path, "")
    assert SECRET not in said
    assert re.search("email|telegram|intake|database", said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[email]\nport = "many"', "[email] port = 'many'"),
        ("[engine]\npage = 0", "[engine] page = 0"),
        ('[publish]\napproval = "maybe"', "[publish] approval = 'maybe'"),
        ('[email]\nfrom_address = "two words"', "from_address = 'two words'"),
        ('[[email.relays]]\nhost = "h"\nport = 70000', "[[email.relays]] 1 port = 70000"),
    ],
)
def test_what_is_no_secret_is_shown(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[email]\nport = "many"', "[email] port = 'many': allowed: a whole number ("),
        ("[email]\nport = 1.5", "allowed: a whole number ("),
        ("[email]\nport = 70000", "allowed: 65535 or less ("),
        ("[engine]\nprocesses = 0", "allowed: 1 or more ("),
        ("[intake]\nevery = 0", "allowed: more than 0 ("),
        ('[intake]\nevery = "often"', "allowed: a number ("),
        ("[intake]\nfolder = 5", "allowed: a path in quotation marks ("),
        ("[email]\nhost = 5", "allowed: a text in quotation marks ("),
        ('[webhook]\nenabled = "perhaps"', "allowed: true or false ("),
        ('[publish]\napproval = "maybe"', "allowed: manual or automatic ("),
        ("[email]\nretry_delays = []", "allowed: a list of 1 or more ("),
        ("[email]\nretry_delays = 5", "allowed: a list in square brackets ("),
        ('[email]\nhots = "h"', "[email] hots: there is no such setting; did you mean host? ("),
        ('[emial]\nhost = "h"', "unknown section [emial]; did you mean email?"),
        ('[email.relays]\nhost = "h"', "[email] relays: allowed: tables that begin with [[email.relays]] ("),
        (
            '[[email.relays]]\nname = "a"\n[[email.relays]]\nname = "backup"\nport = -1',
            "[[email.relays]] 2 (backup) port = -1: allowed: 0 or more (",
        ),
        (
            '[[email.relays]]\nname = "a"\nfrom_address = "x@y.test"',
            "[[email.relays]] 1 (a) from_address: there is no such setting; allowed: name, host, port, allow_plain",
        ),
        ('[email]\nusername = "me"', "[email]: username is set and password is not"),
        (
            '[[email.relays]]\nname = "b"\nusername = "me"',
            "[[email.relays]] 1 (b): username is set and",
        ),
        (
            '[email]\nfrom_address = "a@x.test"\ndkim_domain = "y.test"',
            "[email] dkim_domain = 'y.test': allowed: x.test, the domain of from_address, or one above or below it (",
        ),
        (
            '[email]\nhost = "h"\n[[email.relays]]\nname = "default"\nhost = "i"',
            "[[email.relays]] need names that differ, not default, default; the relay in [email] itself is called"
            " default, unless name is set there (",
        ),
        (
            '[[email.providers]]\nname = "a"\n[[email.providers]]\nname = "a"',
            "[[email.providers]] need names that differ, not a, a (",
        ),
    ],
)
def test_what_is_allowed_is_told_in_our_words(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("DISPATCH_EMIAL__HOST", "unknown section [emial]; did you mean DISPATCH_EMAIL__HOST?"),
        ("dispatch_x__y", "environment variable dispatch_x__y: unknown section [x]; allowed: database, "),
        ("DISPATCH_EMAIL_HOST", "did you mean DISPATCH_EMAIL__HOST?"),
        ("DISPATCH_EMAIL__HOTS", "[email] hots: there is no such setting; did you mean host?"),
    ],
)
def test_a_name_of_the_environment_that_is_no_setting_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, words: str
) -> None:
    monkeypatch.setenv(variable, SECRET)
    said = refusal(tmp_path, "")
    assert words in said
    assert SECRET not in said


PAGE = '[[sources]]\nkind = "page"\nname = "site"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sources]\na = 1", "sources: allowed: tables that begin with [[sources]] ("),
        ('[[sources]]\nname = "a"', "[[sources]] 1 (a): kind is needed; allowed: folder, page, feed, imap, file ("),
        ('[[sources]]\nkind = "ftp"\nname = "a"', "[[sources]] 1 (a): kind is needed; allowed: folder, page, feed,"),
        ('sources = ["hunter2"]', "[[sources]] 1: kind is needed"),
        (PAGE, "[[sources]] 1 (site) url: it is needed and not set ("),
        (f'{PAGE}url = "https://u:hunter2@h"', "[[sources]] 1 (site) url: allowed: http:// and https:// addresses"),
        (f'{PAGE}url = "hunter2"', "[[sources]] 1 (site) url: allowed: http:// and https://"),
        (
            f'{PAGE}url = "https://h"\npags = 2',
            "[[sources]] 1 (site) pags: there is no such setting; did you mean pages?",
        ),
        (f'{PAGE}url = "https://h"\npages = 0', "[[sources]] 1 (site) pages = 0: allowed: 1 or more ("),
        (f'{PAGE}url = "https://h"\nlinks = "hunter2"', "[[sources]] 1 (site) links: allowed: a list in square"),
        ('[[sources]]\nkind = "folder"\nname = "a/b"\npath = "x"', "[[sources]] 1 name = 'a/b': allowed: what fits"),
        ('[[sources]]\nkind = "folder"\nname = "inbox"\npath = "x"', "[[sources]] 1 (inbox) name = 'inbox': allowed:"),
        (f'{PAGE}url = "https://h"\n{PAGE}url = "https://i"', "[[sources]] need names that differ, not site, site"),
        (
            '[[sources]]\nkind = "imap"\nname = "m"\nhost = "h"\nusername = "u"\npassword = ["hunter2"]\n'
            'senders = ["a"]',
            "[[sources]] 1 (m) password: allowed: a text in quotation marks",
        ),
        (
            '[[sources]]\nkind = "imap"\nname = "m"\nhost = "h"\nusername = "u"\npassword = "hunter2"\nsenders = []',
            "[[sources]] 1 (m) senders: allowed: a list of 1 or more",
        ),
        (
            '[[sources]]\nkind = "imap"\nname = "m"\nhost = "h"\nusername = "u"\npassword = "hunter2"\n'
            'senders = ["a"]\nsecurity = "none"',
            "[[sources]] 1 (m): security none is for a server on this machine alone",
        ),
    ],
)
def test_a_source_that_is_set_wrongly_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    said = refusal(tmp_path, text)
    assert words in said
    assert SECRET not in said


def test_sources_come_from_the_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dispatch.toml").touch()
    monkeypatch.setenv("DISPATCH_SOURCES", '[{"kind": "folder", "name": "drive", "path": "in"}]')
    [source] = load_settings(tmp_path / "dispatch.toml").sources
    assert getattr(source, "path", None) == tmp_path / "in"
    monkeypatch.setenv("DISPATCH_SOURCES", '[{"kind": "file", "name": "x", "url": "https://u:hunter2@h"}]')
    assert "environment variable DISPATCH_SOURCES" in refusal(tmp_path, "")
    monkeypatch.setenv("DISPATCH_SOURCES", "hunter2")
    assert SECRET not in refusal(tmp_path, "")
    monkeypatch.delenv("DISPATCH_SOURCES")
    monkeypatch.setenv("DISPATCH_SOURCES__0__URL", "hunter2")
    said = refusal(tmp_path, "")
    assert "set DISPATCH_SOURCES, a list of tables in JSON" in said
    assert SECRET not in said


def test_names_of_other_programs_are_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_TEST_SEED", "5")
    monkeypatch.setenv("DISPATCHER__X", "5")
    (tmp_path / "dispatch.toml").touch()
    load_settings(tmp_path / "dispatch.toml")


def test_the_environment_is_named_where_a_value_comes_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("dispatch_email__port", "many")
    said = refusal(tmp_path, "")
    assert "[email] port = 'many'" in said
    assert "environment variable DISPATCH_EMAIL__PORT" in said


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 20_000,
        "x = " + "{a=" * 20_000,
        "x = " + "9" * 20_000,
        '[database]\nurl = "sqlite:///a\\u0000b"',
        '[intake]\nfolder = "a\\u0000b"',
        '[intake]\nfolder = "~nobody-of-that-name/x"',
        '[database]\nurl = "sqlite:///~nobody-of-that-name/x"',
        "[email]\nexpire_hours = 1e300",
        "[telegram]\nexpire_hours = inf",
        "[webhook]\nexpire_hours = 2161",
        "[email]\nrate = inf",
        "[telegram]\nchat_interval = 1e300",
        '[web]\nlisten = "127.0.0.1:²"',
        '[web]\nbase_url = "https://["',
    ],
)
def test_odd_values_are_refused_in_words(tmp_path: Path, text: str) -> None:
    assert len(refusal(tmp_path, text)) < 500


def test_bytes_of_the_environment_that_are_no_text_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_DATABASE__URL", "sqlite:///a\udcff.db")
    assert "UTF-8" in refusal(tmp_path, "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@db.example.com:5432/dispatch?sslmode=require",
        "postgres://u:p%40ss%2Fhunter2@db_1/dispatch",
        "postgresql:///dispatch?host=/var/run/postgresql",
        "postgresql://u@/dispatch?host=/tmp/x&port=5433",
        "postgresql://u:hunter2@[::1]:5432,db2:5432/dispatch?target_session_attrs=read-write",
        "postgresql://",
    ],
)
def test_the_address_of_a_server_stays_as_it_is_and_is_never_shown(tmp_path: Path, url: str) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text(f'[database]\nurl = "{url}"', encoding="utf-8")
    settings = load_settings(file)
    assert settings.database.url == url
    assert url not in repr(settings)
    assert SECRET not in f"{settings!r} {settings} {settings.database!r}"


def test_a_document_behind_a_long_address_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text('[intake]\nurls = ["https://h.example:8443/火炬/x.md?key=1"]', encoding="utf-8")
    assert load_settings(file).intake.urls == ("https://h.example:8443/火炬/x.md?key=1",)


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ('[email]\npassword = "hunter2"', True),
        ("[[email.relays]]\n  password='hunter2'", True),
        ('telegram.token = "1:a"', True),
        ('[database]\nurl = "postgresql://u:hunter2@h/db"', True),
        ('[database]\nurl = "postgresql://u@h/db"', False),
        ('[email]\nrelays = [{host = "h", "password" = "hunter2"}]', True),
        ('[email]\n# password = "hunter2"\npassword = ""', False),
        ('[email]\nhost = "h"', False),
    ],
)
def test_doctor_notes_a_file_with_secrets_that_others_may_read(tmp_path: Path, text: str, noted: bool) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o640)
    found = list(doctor._settings(file))
    assert [finding.state for finding in found] == ["note"] * noted
    assert SECRET not in repr(found)
    file.chmod(0o600)
    assert list(doctor._settings(file)) == []


def test_init_writes_a_file_that_was_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", lambda *_: pytest.fail("too late"))
    old = os.umask(0)
    try:
        init(tmp_path / "new")
    finally:
        os.umask(old)
    assert (tmp_path / "new" / "dispatch.toml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.0.2", "::1", "[::1]", ""])
def test_mail_may_go_in_the_clear_on_this_machine(tmp_path: Path, host: str) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text(f'[email]\nhost = "{host}"\nsecurity = "none"', encoding="utf-8")
    assert load_settings(file).email.security == "none"


@pytest.mark.parametrize("host", ["mx.example.com", "192.0.2.1", "localhost.example.com", "127.0.0.1.example.com"])
def test_mail_leaves_this_machine_in_the_clear_only_where_somebody_says_so(tmp_path: Path, host: str) -> None:
    text = f'[email]\nhost = "{host}"\nsecurity = "none"'
    words = "[email] security = 'none': allowed: starttls or tls, for a mail server that is not on this machine; with"
    assert words in refusal(tmp_path, text)
    relay = f'[[email.relays]]\nname = "b"\nhost = "{host}"\nsecurity = "none"'
    assert "[[email.relays]] 1 (b) security = 'none': allowed: starttls or tls" in refusal(tmp_path, relay)
    file = tmp_path / "dispatch.toml"
    file.write_text(f"{text}\nallow_plaintext = true\n{relay}\nallow_plaintext = true", encoding="utf-8")
    assert [made.security for made in load_settings(file).email.all_relays] == ["none", "none"]


def test_mail_goes_out_encrypted_unless_set_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text('[email]\nhost = "mx.example.com"\n[[email.relays]]\nhost = "b"\nname = "b"', encoding="utf-8")
    assert [relay.security for relay in load_settings(file).email.all_relays] == ["starttls", "starttls"]


@pytest.mark.parametrize("setting", ["from_address", "reply_to", "unsubscribe_address"])
@pytest.mark.parametrize("address", ["a\\u0001@x.test", "a\\u007f@x.test", "a\\r\\nBcc: b@x.test", "a\\u2028@x.test"])
def test_an_address_of_ours_holds_nothing_that_could_end_a_header(tmp_path: Path, setting: str, address: str) -> None:
    assert "one plain address" in refusal(tmp_path, f'[email]\n{setting} = "{address}"')


def test_updates_by_webhook_need_a_page(tmp_path: Path) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text('[telegram]\ntoken = "42:X"\nupdates = "webhook"\n')
    with pytest.raises(SettingsError, match=r"needs \[web\] base_url"):
        load_settings(file)


@pytest.mark.parametrize("text", ["[telegram]\n", '[[telegram.bots]]\nname = "b"\n'])
def test_a_rate_that_telegram_wants_paid_is_refused_unless_it_is_paid(tmp_path: Path, text: str) -> None:
    said = refusal(tmp_path, f"{text}rate = 30.5")
    for words in ("rate = 30.5", "allowed: 30 or less", "paid_broadcast = true", "dispatch.toml"):
        assert words in said
    for more in ("rate = 30", "rate = 31\npaid_broadcast = true", "paid_broadcast = true\nrate = 1000"):
        file = tmp_path / "dispatch.toml"
        file.write_text(text + more)
        assert load_settings(file).telegram is not None
