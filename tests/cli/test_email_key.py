"""`dispatch email dkim-key`: keys for DKIM and the records to publish."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from dispatch.channels.email import dkim_keys
from dispatch.errors import SettingsError
from dispatch.settings import EmailSettings, load_settings
from tests.cli.conftest import Office

WORDS = ("--selector", "d2026", "--domain", "bulletin.example")
RSA = rsa.generate_private_key(65537, 2048)


def pem(
    private: Any, form: PrivateFormat = PrivateFormat.PKCS8, lock: KeySerializationEncryption | None = None
) -> bytes:
    found: bytes = private.private_bytes(Encoding.PEM, form, lock or NoEncryption())
    return found


@pytest.mark.parametrize(("kind", "begin"), [("rsa", "v=DKIM1; k=rsa; p=MII"), ("ed25519", "v=DKIM1; k=ed25519; p=")])
def test_a_key_is_made_and_its_record_told(office: Office, kind: str, begin: str) -> None:
    made = office.json("email", "dkim-key", "own.pem", "--type", kind, *WORDS)
    assert made["value"].startswith(begin)
    assert (made["name"], made["type"]) == ("d2026._domainkey.bulletin.example", "TXT")
    assert "".join(made["strings"]) == made["value"]
    assert all(len(part) <= 255 for part in made["strings"])
    assert re.findall('"([^"]*)"', made["zone"]) == made["strings"]
    if os.name == "posix":
        assert Path("own.pem").stat().st_mode & 0o777 == 0o600
    shown = office.json("email", "dkim-key", "--show", "own.pem", *WORDS)
    assert {**shown, "made": True} == made
    said = office("email", "dkim-key", "--show", "own.pem", *WORDS).stdout
    assert made["value"] in said
    assert made["zone"] in said
    assert "PRIVATE" not in said


def test_what_is_made_is_what_the_settings_take(office: Office) -> None:
    said = office("email", "dkim-key", "own.pem", *WORDS).stdout
    lines = [line for line in said.splitlines() if line.startswith("  dkim_")]
    Path("dispatch.toml").write_text(
        "\n".join(["[email]", 'from_address = "news@bulletin.example"', *lines]), encoding="utf-8"
    )
    settings = load_settings(Path("dispatch.toml")).email
    [key] = dkim_keys.signing_keys(settings)
    assert (key.selector, key.domain) == ("d2026", "bulletin.example")
    assert office.json("email", "dkim-key", "--show", "own.pem")["value"] == key.record


def test_without_a_selector_it_is_that_of_the_settings(office: Office) -> None:
    for kind, name in (("rsa", "dispatch"), ("ed25519", "dispatch-ed25519")):
        made = office.json("email", "dkim-key", f"{kind}.pem", "--type", kind, "--domain", "bulletin.example")
        assert made["selector"] == name


def test_a_key_is_replaced_by_force_alone(office: Office) -> None:
    first = office.json("email", "dkim-key", "own.pem", *WORDS)
    before = Path("own.pem").read_bytes()
    office("email", "dkim-key", "own.pem", *WORDS, expect=2)
    assert Path("own.pem").read_bytes() == before
    again = office.json("email", "dkim-key", "own.pem", "--force", *WORDS)
    assert again["value"] != first["value"]
    assert Path("own.pem").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in Path().iterdir() if "pem" in path.name) == ["own.pem"]


@pytest.mark.parametrize(
    "words",
    [
        (*WORDS,),
        ("own.pem", "--show", "own.pem", *WORDS),
        ("own.pem", "--selector", "d2026"),
        ("own.pem", "--selector", "a b", "--domain", "bulletin.example"),
        ("own.pem", "--selector", 'a" evil', "--domain", "bulletin.example"),
        ("own.pem", "--selector", "d2026", "--domain", "a..b"),
        ("--show", "none.pem", *WORDS),
        ("own.pem", "--type", "dsa", *WORDS),
    ],
    ids=" ".join,
)
def test_a_wrong_call_makes_nothing(office: Office, words: tuple[str, ...]) -> None:
    office("email", "dkim-key", *words, expect=2)
    assert not Path("own.pem").exists()


def test_a_folder_that_is_not_there_is_told(office: Office) -> None:
    office("email", "dkim-key", "none/own.pem", *WORDS, expect=1)


BAD = [
    (b"", "no private key in PEM"),
    (b"hunter2", "no private key in PEM"),
    (pem(RSA).replace(b"A", b"B", 9), "no private key in PEM"),
    (pem(RSA, lock=BestAvailableEncryption(b"hunter2")), "a key with a password"),
    (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),
    (pem(ec.generate_private_key(ec.SECP256R1())), "of another kind"),
]


@pytest.mark.parametrize(("data", "words"), BAD, ids=[words for _, words in BAD])
def test_a_file_that_holds_no_good_key_is_told_and_not_shown(tmp_path: Path, data: bytes, words: str) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        dkim_keys.signing_keys(settings(file))
    assert words in str(caught.value)
    assert "[email] dkim_key: " in str(caught.value)
    assert "hunter2" not in str(caught.value)


def settings(file: Path, **more: Any) -> EmailSettings:
    given = {"from_address": "news@bulletin.example", "dkim_selector": "d1", "dkim_key": file, **more}
    return EmailSettings.model_validate(given)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    for file, words in ((tmp_path / "none.pem", "there is no file"), (tmp_path, "is no file")):
        with pytest.raises(SettingsError, match=words):
            dkim_keys.signing_keys(settings(file))


def test_a_key_of_the_wrong_kind_is_told(tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    dkim_keys.write_key(dkim_keys.made("ed25519"), file, force=False)
    with pytest.raises(SettingsError, match="of kind ed25519, not rsa"):
        dkim_keys.signing_keys(settings(file))


def test_both_forms_of_pem_and_both_kinds_are_read(tmp_path: Path) -> None:
    old, new = tmp_path / "old.pem", tmp_path / "new.pem"
    old.write_bytes(pem(RSA, PrivateFormat.TraditionalOpenSSL))
    dkim_keys.write_key(dkim_keys.made("ed25519"), new, force=False)
    assert dkim_keys.signing_keys(EmailSettings(from_address="a@b.example")) == ()
    keys = dkim_keys.signing_keys(settings(old, dkim_ed25519_selector="d2", dkim_ed25519_key=new))
    assert [(key.algorithm, key.selector) for key in keys] == [("rsa-sha256", "d1"), ("ed25519-sha256", "d2")]


@pytest.mark.parametrize(
    ("domain", "allowed"),
    [
        ("bulletin.example", True),
        ("mail.bulletin.example", True),
        ("Bulletin.Example", True),
        ("other.example", False),
        ("letin.example", False),
        ("example", False),
    ],
)
def test_the_domain_that_signs_aligns_with_the_sender(domain: str, allowed: bool) -> None:
    given = {"from_address": "news@bulletin.example", "dkim_domain": domain}
    if allowed:
        assert EmailSettings.model_validate(given).signing_domain == domain.lower()
    else:
        with pytest.raises(ValueError, match=r"allowed: bulletin\.example, the domain of from_address"):
            EmailSettings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"dkim_selector": ""}, "as it stands in DNS"),
        ({"dkim_selector": "a_b c", "dkim_key": "a.pem"}, "as it stands in DNS"),
        ({"dkim_domain": "-a.example"}, "as it stands in DNS"),
        (
            {"dkim_selector": "a", "dkim_key": "a.pem", "dkim_ed25519_selector": "a", "dkim_ed25519_key": "b.pem"},
            "must differ",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EmailSettings.model_validate(given)


def test_a_domain_of_chinese_is_signed_in_its_ascii_form() -> None:
    assert EmailSettings(from_address="news@例子.中国").signing_domain == "xn--fsqu00a.xn--fiqs8s"


def test_paths_of_keys_start_at_the_file_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text('[email]\ndkim_selector = "a"\ndkim_key = "own.pem"\n', encoding="utf-8")
    assert load_settings(file).email.dkim_key == tmp_path / "own.pem"


def test_a_kind_of_key_that_is_none_is_refused_in_our_words(office: Office) -> None:
    done = office("email", "dkim-key", "own.pem", "--type", "dsa", *WORDS, expect=2)
    assert str(done.exception) == "--type 'dsa': allowed are rsa, ed25519"
    assert not Path("own.pem").exists()
