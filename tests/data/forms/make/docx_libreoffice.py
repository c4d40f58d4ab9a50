"""Makes the sample issue as a Word document that LibreOffice (soffice) wrote from a web page.

PYTHONPATH=. python tests/data/forms/make/docx_libreoffice.py
"""

from __future__ import annotations

import html
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.data.forms.make import docx_content as content


def page() -> str:
    """The issue as a web page: contents as a list, lines that end with <br>, credits inside the last paragraph."""
    return "<!DOCTYPE html>\n<html lang=zh><meta charset=utf-8><title>x</title><body>\n" + "\n".join(_parts())


def _parts() -> Iterator[str]:
    issue = content.issue()
    yield f"<h1>{issue['title']}</h1><p>{issue['publisher']}<br>{content.NUMBER} {content.DATE}</p>"
    for listed in content.contents():
        entries = "".join(f"<li>{html.escape(title)}</li>" for title in listed.titles)
        yield f"<p><b>【{listed.name}】</b></p><ul>{entries}</ul>"
    for column in issue["columns"]:
        yield f"<h2>{column['name']}</h2>"
        for article in column["articles"]:
            yield f"<h3>{html.escape(article['title'])}</h3>"
            *blocks, last = article["blocks"]
            for block in blocks:
                tag = "h4" if block["kind"] == "heading" else "p"
                yield f"<{tag}>{html.escape(block['text'])}</{tag}>"
            yield f"<p>{html.escape(last['text'])}<br>{content.credit(article)}</p>"
    yield "<hr>" + "<p>" + "<br>".join(content.colophon()) + "</p>"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "libreoffice.html"
        source.write_text(page(), encoding="utf-8")
        subprocess.run(
            [
                "soffice",
                f"-env:UserInstallation=file://{folder}/profile",
                "--headless",
                "--infilter=HTML (StarWriter)",
                "--convert-to",
                "docx:Office Open XML Text",
                "--outdir",
                str(content.FORMS),
                str(source),
            ],
            check=True,
            timeout=180,
        )


if __name__ == "__main__":
    main()
