"""A page printed by Chromium in a face that it can only put into a PDF as shapes: `pdf_type3.py FOLDER`.

Noto Serif CJK becomes fonts of Type 3, whose boxes are those of the ink; bullets are drawn and are no characters.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_PAGE = """<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><style>
body { font: 12pt "Noto Serif CJK SC" } @page { size: A4; margin: 2.5cm }</style></head><body>
<p>截至6月底,重大项目的目标日期是七月底,用水10<sup>4</sup>m<sup>3</sup>,减排CO<sub>2</sub>,见项目目标<sup>1</sup>。</p>
<ul><li>重大项目;<ul><li>六月的目标;</li></ul></li><li>七月底,见目标日期。</li></ul></body></html>"""


def main(folder: Path) -> None:
    """Write `type3.pdf` into a folder."""
    with tempfile.TemporaryDirectory() as work:
        page = Path(work) / "page.html"
        page.write_text(_PAGE, encoding="utf-8")
        subprocess.run(
            [
                "chromium",
                "--headless",
                "--no-sandbox",
                "--no-pdf-header-footer",
                f"--user-data-dir={work}/profile",
                f"--print-to-pdf={folder / 'type3.pdf'}",
                page.as_uri(),
            ],
            check=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
