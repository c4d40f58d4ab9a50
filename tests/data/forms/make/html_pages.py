"""Writes the sample as pages of HTML, as sites of several makes and programs write them: tests/data/forms/html.

.venv/bin/python -m tests.data.forms.make.html_pages
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Callable, Iterator
from html import escape

from tests.data.forms.make.html_content import FORMS, Part, Sample, mended, sample

_LINKS = ["首页", "机构概况", "新闻动态", "政策法规", "高新区", "孵化器", "统计数据", "专题专栏"]
_OTHERS = [
    "科技部召开全国科技工作会议",
    "2022年国家高新区评价工作启动",
    "关于开展火炬统计调查的通知",
    "全国大众创业万众创新活动周",
]


def semantic(issue: Sample) -> str:
    """A page of today's make: sections, headings by rank, a contents list that leads to the articles."""
    masthead = issue.masthead
    toc = "".join(
        f"<li>{name}<ul>" + "".join(f'<li><a href="#{title}">{title}</a></li>' for title in titles) + "</ul></li>"
        for name, titles in issue.contents
    )
    tags = {
        "column": lambda text: f"</article></section><section><h2>{text}</h2><article>",
        "title": lambda text: f'</article><article id="{text}"><h3>{text}</h3>',
        "part": lambda text: f"<h4>{text}</h4>",
        "text": lambda text: f"<p>{text}</p>",
        "credit": lambda text: f"<footer>{text}</footer>",
    }
    body = "\n".join(tags[part.kind](escape(part.text, quote=False)) for part in issue.body)
    menu = "".join(f'<li><a href="/{at}">{name}</a></li>' for at, name in enumerate(_LINKS))
    others = "".join(f'<li><a href="/news/{at}.html">{name}</a></li>' for at, name in enumerate(_OTHERS))
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{masthead[0]}第5期 - 网站</title>
<link rel="canonical" href="https://www.example.org/bulletin/2022/5.html">
<style>body {{ font: 16px/1.8 serif }}</style><script>var a = "</" + "div>"; if (1 < 2) document.write("<p>x");</script>
</head><body>
<header class="site-header"><a href="/"><img src="logo.png" alt="网站"></a><form action="/s"><input name="q">
<button>搜索</button></form></header>
<nav><ul>{menu}</ul></nav>
<ol class="breadcrumb"><li><a href="/">首页</a></li><li><a href="/b">电子刊物</a></li><li>正文</li></ol>
<main>
<h1>{masthead[0]}</h1>
<p>{masthead[1]}</p>
<p>{masthead[2]}</p>
<nav class="toc"><h2>目录</h2><ul>{toc}</ul></nav>
<section><article>
{body}
</article></section>
<hr>
<address>{"<br>".join(issue.colophon)}</address>
<div class="share">分享到: <a href="https://weibo.example">微博</a> <a href="https://qq.example">QQ</a></div>
<p class="prev-next">上一篇: <a href="4.html">火炬动态第4期</a> 下一篇: <a href="6.html">火炬动态第6期</a></p>
</main>
<aside><h2>热点新闻</h2><ul>{others}</ul></aside>
<footer><p>版权所有 © 2022 示例网站 京ICP备00000000号-1</p><p>京公网安备 11010000000000号</p></footer>
</body></html>
"""


def government(issue: Sample) -> str:
    """A page of a content management system of the 2000s: tables in tables, font tags, indents of two wide blanks."""
    name, publisher, number = issue.masthead
    looks: dict[str, Callable[[str], str]] = {
        "column": lambda text: f"<P align=center><FONT color=#ff0000 size=5><B>{text}</B></FONT></P>",
        "title": lambda text: f'<P style="TEXT-ALIGN: center"><STRONG><FONT size=4>{text}</FONT></STRONG></P>',
        "part": lambda text: f"<P>　　<STRONG>{text}</STRONG></P>",
        "text": lambda text: f"<P>　　{text}</P>",
        "credit": lambda text: f"<P align=right>{text}</P>",
    }
    contents = "".join(
        f"<P><FONT color=#000080><B>【{column}】</B></FONT></P><P>" + "<BR>".join(titles) + "</P>"
        for column, titles in issue.contents
    )
    body = "\n".join(looks[part.kind](escape(part.text, quote=False)) for part in issue.body)
    menu = "<TD>|</TD>".join(f'<TD><A href="/col{at}/">{link}</A></TD>' for at, link in enumerate(_LINKS))
    side = "".join(f'<TR><TD>·<A href="/art/{at}.html">{title}</A></TD></TR>' for at, title in enumerate(_OTHERS))
    return f"""<HTML><HEAD><TITLE>火炬动态</TITLE>
<META http-equiv=Content-Type content="text/html; charset=gb2312">
<SCRIPT language=javascript src="/js/date.js"></SCRIPT></HEAD>
<BODY topMargin=0 bgColor=#ffffff>
<TABLE cellSpacing=0 cellPadding=0 width=980 align=center border=0><TR><TD><IMG src="/images/top.jpg"></TD></TR>
<TR><TD><TABLE width="100%"><TR>{menu}</TR></TABLE></TD></TR>
<TR><TD height=28>您现在的位置：<A href="/">首页</A> &gt; <A href="/kw/">刊物</A> &gt; 正文</TD></TR></TABLE>
<TABLE cellSpacing=0 cellPadding=0 width=980 align=center border=0><TR>
<TD vAlign=top width=220><TABLE width="100%"><TR><TD><B>推荐信息</B></TD></TR>{side}</TABLE></TD>
<TD vAlign=top width=760><TABLE width="98%" border=0><TR><TD align=center><FONT size=6><B>{name}</B></FONT></TD></TR>
<TR><TD align=center>{publisher}</TD></TR><TR><TD align=center>{number}</TD></TR>
<TR><TD align=center>字体：【<A href="javascript:f(18)">大</A> <A href="javascript:f(16)">中</A>
<A href="javascript:f(14)">小</A>】 浏览次数: 1024</TD></TR>
<TR><TD class=content><DIV id=zoom style="FONT-SIZE: 14px; LINE-HEIGHT: 200%">
{contents}
{body}
<P>{"<BR>".join(issue.colophon)}</P>
</DIV></TD></TR>
<TR><TD align=right>【<A href="javascript:print()">打印本页</A>】【<A href="javascript:close()">关闭窗口</A>】</TD></TR>
</TABLE></TD></TR></TABLE>
<TABLE width=980 align=center><TR><TD align=center><A href="/about">关于我们</A> | <A href="/map">网站地图</A> |
<A href="/links">友情链接</A><BR>版权所有：示例网站　技术支持：示例公司<BR>京ICP备00000000号</TD></TR></TABLE>
</BODY></HTML>
"""


def word(issue: Sample) -> str:
    """What Word saves as filtered HTML: a paragraph for each line, lines of the source wrapped anywhere."""
    looks: dict[str, tuple[str, str]] = {
        "column": ("text-align:center", "font-size:22.0pt;font-family:黑体"),
        "title": ("text-align:center", "font-size:16.0pt;font-family:宋体"),
        "part": ("text-indent:28.0pt", "font-size:14.0pt;font-family:黑体"),
        "text": ("text-indent:28.0pt;line-height:150%", "font-size:14.0pt;font-family:仿宋_GB2312"),
        "credit": ("text-align:right", "font-size:14.0pt;font-family:楷体_GB2312"),
    }

    def paragraph(part: Part) -> str:
        outer, inner = looks[part.kind]
        text = escape(part.text, quote=False)
        if part.kind in {"column", "title", "part"}:
            text = f"<b>{text}</b>"
        return f"<p class=MsoNormal style='{outer}'><span lang=EN-US style='{inner}'>{text}</span></p>"

    name, publisher, number = issue.masthead
    lines = [
        f"<p class=MsoTitle align=center><b><span style='font-size:42.0pt;color:red'>{name}</span></b></p>",
        f"<p class=MsoNormal align=center><span style='font-size:14.0pt'>{publisher}</span></p>",
        f"<p class=MsoNormal align=center><span style='font-size:14.0pt'>{number}</span></p>",
        "<p class=MsoNormal><span lang=EN-US>&nbsp;</span></p>",
    ]
    for column, titles in issue.contents:
        lines.append(f"<p class=MsoNormal><b><span style='font-size:14.0pt'>【{column}】</span></b></p>")
        lines += [f"<p class=MsoToc1><span style='font-size:14.0pt'>{title}</span></p>" for title in titles]
    lines += [paragraph(part) for part in issue.body]
    lines.append(
        "<div class=MsoNormal align=center><span lang=EN-US><hr size=1 width='100%' align=center></span></div>"
    )
    lines += [paragraph(Part("text", line)) for line in issue.colophon]
    body = "\n\n".join("\n".join(_wrapped(line)) for line in lines)
    return f"""<html>

<head>
<meta http-equiv=Content-Type content="text/html; charset=gb2312">
<meta name=Generator content="Microsoft Word 15 (filtered)">
<title>火炬动态</title>
<style>
<!--
 p.MsoNormal, li.MsoNormal, div.MsoNormal
	{{margin:0cm; text-align:justify; font-size:10.5pt;}}
-->
</style>

</head>

<body lang=ZH-CN style='word-wrap:break-word;text-justify-trim:punctuation'>

<div class=WordSection1 style='layout-grid:15.6pt'>

{body}

</div>

</body>

</html>
"""


def _wrapped(line: str) -> Iterator[str]:
    """A line of the source in lines of about 76 columns: Word breaks at blanks and beside Chinese characters."""
    row, columns, in_tag = "", 0, False
    for char, following in zip(line, [*line[1:], ""], strict=True):
        in_tag = char == "<" or (in_tag and char != ">")
        row += char
        columns += 2 if char > "\u2000" else 1
        full = columns >= 76 and not in_tag and following not in "<"
        if full and char > "\u2e80" and re.match("[\u4e00-\u9fff]", following):
            yield row
            row, columns = "", 0
    yield row


def panels(issue: Sample) -> str:
    """A page of today's make without headings: classes only, a panel for each column of which one is shown."""
    looks = {
        "title": lambda text: f'<div class="tit" style="font-size:22px;font-weight:700">{text}</div>',
        "part": lambda text: f'<div class="p"><strong>{text}</strong></div>',
        "text": lambda text: f'<div class="p"><span>{text}</span></div>',
        "credit": lambda text: f'<div class="p from">{text}</div>',
    }
    parts: list[str] = []
    for part in issue.body:
        text = escape(part.text, quote=False)
        if part.kind == "column":
            style = ' style="display:none"' if parts else ""
            parts.append(f'{"</div>" if parts else ""}<div class="panel"{style}><div class="lanmu" '
                         f'style="font-size:26px;font-weight:bold">{text}</div>')  # fmt: skip
        else:
            parts.append(_numbered(text) if re.match(r"\d\. ", text) else looks[part.kind](text))
    contents = "".join(
        f'<li class="col">【{column}】</li>' + "".join(f'<li><a href="/i/5/{t}">{t}</a></li>' for t in titles)
        for column, titles in issue.contents
    )
    menu = "".join(f'<a class="item" href="/{at}">{name}</a>' for at, name in enumerate(_LINKS))
    others = "".join(f'<a href="/o/{at}">{name}</a>' for at, name in enumerate(_OTHERS))
    name, publisher, number = issue.masthead
    return f"""<!doctype html><html><head><meta charset=UTF-8><title>{name}</title></head><body>
<div id="app"><div class="top-nav">{menu}</div>
<div class="banner"><div class="name" style="font-size:40px">{name}</div></div>
<div class="wrap"><div class="left"><div class="info"><div>{publisher}</div><div>{number}</div></div>
<ul class="list">{contents}</ul>
<div class="content">{"".join(parts)}</div></div>
<div class="colophon">{"".join(f"<div>{line}</div>" for line in issue.colophon)}</div></div>
<div class="related"><h3>相关阅读</h3>{others}</div></div>
<div class="right"><div class="hot">{others}</div></div>
<div class="foot"><div>版权所有：示例网站</div><div>网站标识码：bm00000000</div></div></div></body></html>
"""


def _numbered(text: str) -> str:
    number, rest = text.split(". ", 1)
    return f'<ol start="{number}"><li>{rest}</li></ol>'


def single_file(page: str) -> bytes:
    """A page as Chromium saves it with all it shows (MHTML)."""
    body = quopri.encodestring(page.encode())
    return (
        b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://www.example.org/bulletin/2022/5.html\r\n"
        b"Subject: =?utf-8?Q?=E7=81=AB?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n"
        b'\ttype="text/html";\r\n\tboundary="----MultipartBoundary--abc----"\r\n\r\n\r\n'
        b"------MultipartBoundary--abc----\r\nContent-Type: text/html\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Location: https://www.example.org/bulletin/2022/5.html\r\n\r\n"
        + body.replace(b"\n", b"\r\n")
        + b"\r\n"
        b"------MultipartBoundary--abc----\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"iVBORw0KGgo=\r\n------MultipartBoundary--abc------\r\n"
    )


def main() -> None:
    """Write all pages."""
    cut = sample()
    folder = FORMS / "html"
    (folder / "semantic.html").write_text(semantic(mended(cut)), encoding="utf-8")
    (folder / "government.htm").write_bytes(government(cut).encode("gb18030"))
    (folder / "word.htm").write_bytes(word(cut).replace("\n", "\r\n").encode("gb18030"))
    (folder / "panels.html").write_text(panels(mended(cut)), encoding="utf-8")
    (folder / "semantic.mhtml").write_bytes(single_file(semantic(cut)))


if __name__ == "__main__":
    main()
