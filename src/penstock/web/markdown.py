"""Markdown for people's words: a safe part of it, everything else is text.

    #, ##, ###     headings, two levels below the page's own: h3 to h5
    -, *, 1.       lists, of one level; a line that is indented goes on with its item
    | a | b |      tables, with a head
    ```            code, as it is
    > words        a quotation
    **, `, <http>  strong, code; [words](http...) and bare addresses are links

Raw HTML is text: nothing of what somebody wrote becomes a tag. Links are http and https only, and
say that they are somebody else's. Every line is looked at once: no input takes long.
"""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from penstock.web.charts.drawing import Drawn

HEADING: Final = re.compile(r"(#{1,6})[ \t]+(.*)")
ITEM: Final = re.compile(r"[ ]{0,3}(?:([-*+])|\d{1,9}[.)])[ \t]+(.*)")
RULE: Final = re.compile(r"\|?[ ]{0,9}:?-[-:| ]*$")
# Parts of a line, the first that begins; each is bounded, so that no line is read twice.
INLINE: Final = re.compile(
    r"`([^`\n]{1,1000})`"
    r"|\*\*([^*\n]{1,1000})\*\*"
    r"|\[([^\[\]\n]{1,300})\]\((https?://[^\s()<>]{1,2000})\)"
    r"|(https?://[^\s<>\"']{1,2000})"
)
TRAILING: Final = ".,;:!?)]}"
LEVEL_MIN: Final = 3
LEVEL_MAX: Final = 5
LINK: Final = '<a href="{}" rel="nofollow noreferrer">{}</a>'


def plain(text: str) -> Drawn:
    """Return words as paragraphs, with links: what updates are written in."""
    return Drawn("".join(_paragraph(block) for block in _blocks(text)))


def markdown(text: str) -> Drawn:
    """Return Markdown as HTML."""
    return Drawn("".join(_drawn(text.replace("\r\n", "\n").split("\n"))))


def inline(text: str) -> str:
    """Return one line's HTML: strong, code and links."""
    found: list[str] = []
    at = 0
    for one in INLINE.finditer(text):
        found += [html.escape(text[at : one.start()]), _part(one)]
        at = one.end()
    return "".join(found) + html.escape(text[at:])


def _part(one: re.Match[str]) -> str:
    code, strong, words, target, bare = one.groups()
    if code is not None:
        return f"<code>{html.escape(code)}</code>"
    if strong is not None:
        return f"<strong>{html.escape(strong)}</strong>"
    if target is not None:
        return LINK.format(html.escape(target), html.escape(words))
    address = bare.rstrip(TRAILING)
    rest = bare[len(address) :]
    return LINK.format(html.escape(address), html.escape(address)) + html.escape(rest)


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in text.splitlines():
        if line.strip():
            block.append(line.strip())
        elif block:
            yield block
            block = []
    if block:
        yield block


def _paragraph(lines: Sequence[str]) -> str:
    return f"<p>{'<br>'.join(inline(line) for line in lines)}</p>"


def _drawn(lines: Sequence[str]) -> Iterator[str]:
    """Yield block after block."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif line.startswith("```"):
            end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith("```")), None)
            inner = lines[at + 1 : end]
            yield f"<pre><code>{html.escape(chr(10).join(inner))}</code></pre>"
            at = len(lines) if end is None else end + 1
        elif heading := HEADING.match(line):
            level = min(LEVEL_MAX, len(heading[1]) + LEVEL_MIN - 1)
            yield f"<h{level}>{inline(heading[2].strip())}</h{level}>"
            at += 1
        else:
            end = _end(lines, at)
            yield _block(lines[at:end])
            at = end


def _end(lines: Sequence[str], at: int) -> int:
    """Return where a block of paragraph, list, table or quotation ends."""
    kind = _kind(lines[at])
    for n in range(at + 1, len(lines)):
        line = lines[n]
        if not line.strip() or line.startswith("```") or HEADING.match(line):
            return n
        follows = kind in ("ul", "ol") and line.startswith("  ")
        if _kind(line) != kind and not follows:
            return n
    return len(lines)


def _kind(line: str) -> str:
    item = ITEM.match(line)
    if item:
        return "ul" if item[1] else "ol"
    if line.startswith("|"):
        return "table"
    return "blockquote" if line.startswith(">") else "p"


def _block(lines: Sequence[str]) -> str:
    kind = _kind(lines[0])
    if kind in ("ul", "ol"):
        return f"<{kind}>{''.join(f'<li>{inline(one)}</li>' for one in _items(lines))}</{kind}>"
    if kind == "table":
        return _table(lines)
    if kind == "blockquote":
        return f"<blockquote>{_paragraph([line.lstrip('> ') for line in lines])}</blockquote>"
    return f"<p>{inline(' '.join(line.strip() for line in lines))}</p>"


def _items(lines: Sequence[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        item = ITEM.match(line)
        if item:
            found.append(item[2])
        else:
            found[-1] += " " + line.strip()
    return found


def _table(lines: Sequence[str]) -> str:
    rows = [_cells(line) for line in lines if not RULE.match(line)]
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{inline(one)}</th>' for one in rows[0])
    body = "".join(_row(row) for row in rows[1:])
    return (
        '<div class="table table-free" tabindex="0" role="region" aria-label="Table">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    told = "".join(f"<td>{inline(one)}</td>" for one in cells)
    return f"<tr>{told}</tr>"


def _cells(line: str) -> list[str]:
    return [one.strip() for one in line.strip().strip("|").split("|")]
