"""Styles for mailers that drop <style>: the rules of a style sheet, written into the elements that they are for.

A folder of templates may hold a `style.css`. Its rules are for single classes (`.lead { … }`), and each start tag in an
HTML template of that folder which has a `class` gets a `style` with what they say. This is done to the template, when
it is read: nothing that a reader sees passes through it, and rendering costs nothing more. What a tag says itself wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import Environment, FileSystemLoader, TemplateNotFound

SHEET = "style.css"
SUFFIX = ".html.j2"

# A start tag whose class is a plain text; values that a template fills in may hold anything but a quotation mark.
_TAG = re.compile(r"<[a-z][a-z0-9]*(?:\s+[a-z-]+(?:=\"[^\"]*\")?)*\s*/?>")
_CLASS = re.compile(r"\sclass=\"([^\"{}]+)\"")
_STYLE = re.compile(r"\sstyle=\"([^\"]*)\"")


class StyledLoader(FileSystemLoader):
    """Reads templates with their styles in them. A change of the style sheet counts as one of the template."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, file, is_current = super().get_source(environment, template)
        if not template.endswith(SUFFIX):
            return source, file, is_current
        name = f"{template.rpartition('/')[0]}/{SHEET}"
        try:
            sheet, _, sheet_is_current = super().get_source(environment, name)
        except TemplateNotFound:
            return source, file, is_current
        return styled(source, sheet), file, lambda: is_current() and sheet_is_current()


def styled(source: str, sheet: str) -> str:
    """The template with the rules of the style sheet in its tags. Raises ValueError for a sheet that is none."""
    known: dict[tuple[str, str], str] = {}

    def with_style(found: re.Match[str]) -> str:
        tag = found.group()
        classes, own = _CLASS.search(tag), _STYLE.search(tag)
        if classes is None or (own is not None and "{" in own[1]):
            return tag
        key = (classes[1], own[1] if own else "")
        if key not in known:
            known[key] = _declarations(*key, sheet)
        if not known[key]:
            return tag
        plain = _STYLE.sub("", tag)
        end = "/>" if plain.endswith("/>") else ">"
        return f'{plain.removesuffix(end).rstrip()} style="{known[key]}"{end}'

    return _TAG.sub(with_style, source)


def _declarations(classes: str, own: str, sheet: str) -> str:
    """What the sheet says of an element of these classes with this style of its own."""
    import css_inline  # only where HTML is mailed

    style = f' style="{own}"' if own else ""
    inlined = css_inline.inline_fragment(f'<div class="{classes}"{style}></div>', sheet, load_remote_stylesheets=False)
    found = _STYLE.search(inlined)
    return re.sub(r"\s*([:;])\s*", r"\1", found[1]).rstrip(";") if found else ""
