"""Pages: everything is escaped, a missing name is an error, a report needs nothing else."""

import re
from types import SimpleNamespace

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from penstock.web import assets
from penstock.web.page import environment, render

SHELL = SimpleNamespace(groups=(), current="/", who="<i>", role="", account=(), toasts=("<b>",))
PARTS = '{% import "parts.html" as parts %}'


def drawn(source: str, **values: object) -> str:
    return environment().from_string(PARTS + source).render(**values)


def test_a_page_is_escaped() -> None:
    page = render("console.html", title="<u>", shell=SHELL)
    assert "&lt;u&gt;" in page
    assert "&lt;i&gt;" in page
    assert '<div class="toast">&lt;b&gt;</div>' in page
    assert not re.search(r"<(u|i|b)>", page)


def test_a_page_has_neither_script_nor_style_in_itself() -> None:
    page = render("console.html", title="x", shell=SHELL)
    assert not re.search(r"<style|style=|<script>|\son\w+=", page)


def test_a_missing_name_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("console.html", title="x")


@pytest.mark.parametrize(
    "name", ["no.html", "../base.html", "../../web/templates/base.html", "no/a"]
)
def test_a_template_that_is_not_there_is_not_found(name: str) -> None:
    with pytest.raises(TemplateNotFound):
        render(name)


def test_a_report_carries_all_it_needs() -> None:
    page = render("report.html", title="x", made="now")
    assert assets.styles() in page
    assert not re.search(r"(src|href)=\"(?!#)", page)


def test_a_field_names_its_error() -> None:
    page = drawn('{{ parts.field("name", "Name", "v\\"", error="is taken: choose another") }}')
    assert 'aria-describedby="error-name"' in page
    assert 'id="error-name">is taken: choose another' in page
    assert 'value="v&#34;"' in page


def test_a_choice_marks_what_is_chosen() -> None:
    page = drawn('{{ parts.field("t", "T", "b", options=[("a", "A"), "b"]) }}')
    assert '<option value="b" selected>b</option>' in page
    assert '<option value="a">A</option>' in page


def test_a_table_says_how_it_is_sorted() -> None:
    columns = ["plain", {"name": "n", "kind": "n", "href": "?s", "sorted": "descending"}]
    page = drawn("{% call parts.table(c, 'All') %}<tbody></tbody>{% endcall %}", c=columns)
    assert 'aria-sort="descending"' in page
    assert '<th scope="col">plain</th>' in page
