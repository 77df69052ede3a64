"""The log-in form of a page, and the one to log out: found by what they are, not by where.

    log-in   the first form with a field of type password; the field before it that takes an
             address, a name or plain text is the user's
    log-out  the first form whose action has the word logout, log-out, signout or sign-out in it
    fields   all others keep the values that the page gives them: hidden ones carry tokens

Pure.
"""

import re
from html.parser import HTMLParser
from typing import Final

import msgspec

USER_TYPES: Final = frozenset(("email", "text", "tel", ""))
OUT: Final = re.compile(r"(log|sign)[-_]?out", re.IGNORECASE)
FIELDS_MAX: Final = 100


class Form(msgspec.Struct):
    """One form of a page."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    user_field: str = ""
    password_field: str = ""

    def filled(self, user: str, password: str) -> dict[str, str]:
        """Return what is sent."""
        return self.fields | {self.user_field: user, self.password_field: password}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get").lower()))
            self._is_inside = True
        elif tag == "input" and self._is_inside and found.get("name"):
            self._field(self.forms[-1], found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False

    def _field(self, form: Form, found: dict[str, str]) -> None:
        name, kind = found["name"], found.get("type", "").lower()
        if kind == "password":
            form.password_field = form.password_field or name
        elif kind in USER_TYPES and not form.password_field:
            form.user_field = name
        if len(form.fields) < FIELDS_MAX and (kind != "checkbox" or "checked" in found):
            form.fields[name] = found.get("value", "")


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def log_in_form(page: str) -> Form | None:
    """Return the form to log in; None if the page has none."""
    return next((form for form in forms_of(page) if form.password_field and form.user_field), None)


def log_out_form(page: str) -> Form | None:
    """Return the form to log out; None if the page has none."""
    return next((form for form in forms_of(page) if OUT.search(form.action)), None)
