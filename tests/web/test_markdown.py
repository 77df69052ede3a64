"""Markdown: a safe part of it; whatever somebody writes, nothing of it becomes a tag of theirs."""

import html.parser
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.web.markdown import inline, markdown, plain

OURS = {
    "a", "blockquote", "br", "code", "div", "h3", "h4", "h5", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
PIECES = st.sampled_from(
    [
        "<script>", "</p>", "# ", "- ", "1. ", "| a | b |", "|---|", "```", "> ", "**", "`", "[x](",
        "http://", "https://a.b/?c=\"'&<", ")", "javascript:", "\n", "\n\n", " ", "a", "\r\n", "  ",
    ]
)  # fmt: skip


class Nesting(html.parser.HTMLParser):
    """Its tags nest, and are ours."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in OURS
        for name, value in attrs:
            assert name in {"href", "rel", "class", "tabindex", "role", "aria-label", "scope"}
            assert name != "href" or (value or "").startswith(("http://", "https://"))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200))
def test_whatever_is_written_is_safe_and_whole(text: str) -> None:
    for made in (markdown(text), plain(text)):
        Nesting(made)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("# A\ntext\nmore", "<h3>A</h3><p>text more</p>"),
        ("##### A", "<h5>A</h5>"),
        ("- a\n- b\n  more\n\n1. c", "<ul><li>a</li><li>b more</li></ul><ol><li>c</li></ol>"),
        ("```\n<a>\n```\nb", "<pre><code>&lt;a&gt;</code></pre><p>b</p>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("**a** `b*`", "<p><strong>a</strong> <code>b*</code></p>"),
    ],
)
def test_markdown_is_what_is_meant(text: str, made: str) -> None:
    assert markdown(text) == made


def test_a_table_has_a_head() -> None:
    made = markdown("| a | b |\n|---|--:|\n| 1 | <2> |")
    assert '<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>' in made
    assert "<tbody><tr><td>1</td><td>&lt;2&gt;</td></tr></tbody>" in made


def test_links_are_of_the_web_only() -> None:
    link = '<a href="https://a.b/c" rel="nofollow noreferrer">'
    assert inline("see https://a.b/c.") == f"see {link}https://a.b/c</a>."
    assert inline("[it](https://a.b/c)") == f"{link}it</a>"
    assert inline("[it](javascript:x)") == "[it](javascript:x)"


def test_updates_are_paragraphs() -> None:
    assert plain("a\nb\n\n# c") == "<p>a<br>b</p><p># c</p>"


@pytest.mark.parametrize("piece", ["[", "**", "`", "|-", "[a](http://", "- ", "```\n", "> ", "| "])
def test_no_input_takes_long(piece: str) -> None:
    started_s = time.process_time()
    markdown(piece * 20_000)
    assert time.process_time() - started_s < 2.0
