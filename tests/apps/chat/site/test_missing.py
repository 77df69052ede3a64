"""An address at which nothing is: a page that leads on for people, a line for programs."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from penstock.apps.chat.site.missing import missing


def test_who_reads_pages_gets_one_and_a_program_a_line() -> None:
    app = Starlette(exception_handlers={404: missing(lambda: "Water <chat>")})
    client = TestClient(app)
    shown = client.get("/nowhere", headers={"accept": "text/html,*/*"})
    assert shown.status_code == 404
    assert "There is no such page" in shown.text
    assert "Water &lt;chat&gt;" in shown.text
    assert 'href="/"' in shown.text
    assert "default-src" in shown.headers["content-security-policy"]
    told = client.get("/nowhere", headers={"accept": "*/*"})
    assert (told.status_code, told.text) == (404, "there is nothing here\n")
