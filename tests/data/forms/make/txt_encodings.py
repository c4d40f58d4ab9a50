"""Writes the sample as plain text in several encodings and layouts, and a bulletin in Big5: tests/data/forms/txt.

.venv/bin/python -m tests.data.forms.make.txt_encodings
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.data.forms.make.html_content import FORMS, Sample, mended, sample

_COLUMNS = 76
_PAGE = 38  # lines

TRADITIONAL = """園區科技通訊

第3期(總第27期) 2021年9月15日

新竹園區協會 編印

目 錄

【園區要聞】
新竹園區舉辦產學合作成果發表會
南部園區啟用創新育成中心
【人物專訪】
從實驗室走向市場:一位創業者的十年

園區要聞

新竹園區舉辦產學合作成果發表會

　　新竹園區日前舉辦年度產學合作成果發表會,共有32家廠商與11所大學參加,展出成果達58項。園區主管表示,這些成果涵蓋積體電路、光電與生物技術等領域,對於提升產業競爭力有很大的幫助。

　　與會的專家認為,產學合作的關鍵在於長期的信任。過去三年來,園區已經促成了120件合作計畫,其中有四成進入了量產的階段。
(供稿:新竹園區協會)

南部園區啟用創新育成中心

　　南部園區的創新育成中心在9月1日正式啟用,第一批進駐的有15個團隊。該中心的面積約為2000坪,設有共用的實驗室與會議室,並且提供法律、會計及行銷等方面的諮詢服務。

　　負責人說,希望這個中心能夠成為地方青年創業的起點,也歡迎香港及海外的團隊進駐,例如來自深水埗和葵涌的團隊就已經提出了申請。
(供稿:南部園區育成中心)

人物專訪

從實驗室走向市場:一位創業者的十年

　　十年前,他還是一個在實驗室裡面對著儀器發呆的研究生;十年後,他的公司已經有了兩百名員工。他說,最難的時候不是沒有錢,而是不知道客戶要的是什麼。

　　他認為,政府與園區最應該做的,是讓年輕人有機會犯錯。
(作者:林嘉瑋)
"""


def plain(issue: Sample) -> str:
    """What copying the text gives: a line for each paragraph, two wide blanks before it."""
    lines = [*issue.masthead, ""]
    for column, titles in issue.contents:
        lines += [f"【{column}】", *titles]
    for part in issue.body:
        lines += ["", part.text] if part.kind in {"column", "title"} else [f"　　{part.text}"]
    return "\n".join([*lines, "", *issue.colophon]) + "\n"


def wrapped(issue: Sample) -> str:
    """Lines of a fixed width, as a mail program or a terminal leaves them."""
    lines: list[str] = []
    for line in plain(issue).splitlines():
        lines += _rows(line) or [""]
    return "\n".join(lines) + "\n"


def _rows(line: str) -> list[str]:
    rows, row, width = [], "", 0
    for char in line:
        columns = 1 if char < "\u2000" else 2
        if width + columns > _COLUMNS:
            rows.append(row)
            row, width = "", 0
        row += char
        width += columns
    return [*rows, row] if row else rows


def paged(issue: Sample) -> str:
    """What pdftotext gives: wrapped lines, a page's number in its last line, a form feed behind it."""
    rows = wrapped(issue).splitlines()
    return "".join(_pages(rows))


def _pages(rows: list[str]) -> Iterator[str]:
    for page, start in enumerate(range(0, len(rows), _PAGE), 1):
        yield "\n".join(rows[start : start + _PAGE]) + f"\n\n{' ' * 36}{page}\n\f"


def main() -> None:
    """Write all files."""
    cut = sample()
    text = plain(mended(cut))
    files = {
        "utf-8.txt": text.encode(),
        "utf-8-cut.txt": plain(cut).encode("utf-8-sig"),
        "utf-16.txt": text.replace("\n", "\r\n").encode("utf-16"),
        "utf-16-be-bare.txt": text.encode("utf-16-be"),
        "gb18030.txt": text.replace("\n", "\r\n").encode("gb18030"),
        "wrapped.txt": wrapped(mended(cut)).encode(),
        "paged.txt": paged(mended(cut)).encode(),
    }
    for name, data in files.items():
        (FORMS / "txt" / name).write_bytes(data)
    (FORMS / "big5" / "traditional.txt").write_bytes(TRADITIONAL.encode("big5hkscs"))


if __name__ == "__main__":
    main()
