"""The options that choose endpoints: the same for a list and for changing many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.database import Database
    from subscribers.search import Wanted

_Words = list[str] | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What stood on the command line. Of an option that is named several times, one must hold; of several, all."""

    follow: Annotated[_Words, typer.Option("--follow", metavar="WHAT", help="Only who follows this.")] = None
    within: Annotated[
        bool, typer.Option("--within", help="With --follow province:…, also who follows a park in it.")
    ] = False
    channel: Annotated[
        _Words, typer.Option("--channel", metavar="C", help="Only one: email, telegram, webhook, wecom, …")
    ] = None
    state: Annotated[
        _Words, typer.Option("--state", metavar="S", help="Only pending, active, paused, suppressed or gone.")
    ] = None
    domain: Annotated[str, typer.Option("--domain", metavar="D", help="Only email addresses at this domain.")] = ""
    since: Annotated[str, typer.Option("--since", metavar="DAY", help="Only what was added from this day on.")] = ""
    until: Annotated[
        str, typer.Option("--until", metavar="DAY", help="Only what was added up to this day, that day too.")
    ] = ""
    changed_since: Annotated[
        str, typer.Option("--changed-since", metavar="DAY", help="Only what was changed from this day on.")
    ] = ""
    name: Annotated[str, typer.Option("--name", metavar="PART", help="Only who has this in the name.")] = ""
    address: Annotated[str, typer.Option("--address", metavar="PART", help="Only what has this in the address.")] = ""
    language: Annotated[_Words, typer.Option("--language", metavar="zh|en", help="Only of this language.")] = None
    cadence: Annotated[_Words, typer.Option("--cadence", metavar="now|daily|weekly", help="Only of this cadence.")] = (
        None
    )
    consent: Annotated[
        str, typer.Option("--consent", metavar="none|given", help="Only without a basis of consent, or with one.")
    ] = ""

    @property
    def given(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def wanted(self, app: App, db: Database) -> Wanted:
        """What the options mean. Raises UsageError or InvalidValue."""
        from dispatch.channels.registry import CHANNELS
        from subscribers.dates import moment
        from subscribers.model import LANGUAGES, Cadence, EndpointState
        from subscribers.search import Wanted

        return Wanted(
            tags=_tags(app, db, self.follow, within=self.within),
            channels=_of("channel", self.channel, tuple(CHANNELS)),
            states=_of("state", self.state, tuple(EndpointState)),
            domain=_domain(self.domain) if self.domain else None,
            since=moment(self.since, "--since") if self.since else None,
            until=moment(self.until, "--until", after=True) if self.until else None,
            changed_since=moment(self.changed_since, "--changed-since") if self.changed_since else None,
            name=self.name or None,
            address=self.address or None,
            languages=_of("language", self.language, LANGUAGES),
            cadences=_of("cadence", self.cadence, tuple(Cadence)),
            consent=_consent(self.consent),
        )


def _of(what: str, words: _Words, allowed: Sequence[str]) -> tuple[str, ...] | None:
    from dispatch.errors import UsageError

    for word in words or ():
        if word not in allowed:
            raise UsageError(f"{what} {word!r}: allowed are {', '.join(allowed)}")
    return tuple(dict.fromkeys(words)) if words else None


def _consent(word: str) -> bool | None:
    found = _of("consent", [word] if word else None, ("none", "given"))
    return None if found is None else found == ("given",)


def _domain(text: str) -> str:
    """A domain as addresses are stored with it."""
    from dispatch.errors import UsageError
    from subscribers.addresses import email_address
    from subscribers.errors import InvalidValue

    try:
        return email_address(f"x@{text.strip().removeprefix('@')}").partition("@")[2]
    except InvalidValue:
        raise UsageError(f"domain {text!r}: write it as example.com") from None


def _tags(app: App, db: Database, words: _Words, *, within: bool) -> tuple[str, ...] | None:
    from dispatch.errors import UsageError

    tags = [tag_of(app, db, word) for word in words or ()]
    provinces = [tag.partition(":")[2] for tag in tags if tag.startswith("province:")]
    if within and not provinces:
        raise UsageError("--within is about a province: name one with --follow province:江西")
    parks = [park.name for park in app.catalog.parks if within and park.province in provinces]
    tags += [f"park:{name}{more}" for name in parks for more in ("", "+mentions")]
    return tuple(dict.fromkeys(tags)) if tags else None


def tag_of(app: App, db: Database, word: str) -> str:
    """What a word means. What is followed by just this word is meant as it stands, also where it left the catalog or
    has another name there now. Raises UsageError."""
    from subscribers.search import is_followed

    return word if is_followed(db, word) else app.catalog.resolve(word)


def chosen(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose endpoints; it gets all of them as `filters`."""
    names = [field.name for field in fields(Filters)]

    def filtered(**values: Any) -> None:
        command(filters=Filters(**{name: values.pop(name) for name in names}), **values)

    own = _parameters(command, command)
    options = _parameters(Filters, Filters.__init__)
    parameters = [parameter for name, parameter in {**own, **options}.items() if name != "filters"]
    filtered.__doc__ = command.__doc__
    filtered.__name__ = command.__name__
    filtered.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    filtered.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads the options from
    return filtered


def _parameters(found: Callable[..., Any], hinted: Callable[..., Any]) -> dict[str, Parameter]:
    """The parameters with their types as they are, by name, each to be named in a call."""
    hints = get_type_hints(hinted, include_extras=True)
    return {
        name: parameter.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)
        for name, parameter in signature(found).parameters.items()
    }
