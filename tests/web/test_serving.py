"""Files for ever by their hash, and a policy that lets in nothing of others."""

import base64
import hashlib

from starlette.applications import Starlette
from starlette.testclient import TestClient

from penstock.web import assets, serving
from penstock.web.page import render

CLIENT = TestClient(Starlette(routes=list(serving.static_routes())))


def test_a_file_with_our_hash_may_be_kept_for_ever() -> None:
    for name in assets.names():
        answer = CLIENT.get(assets.address(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.text == assets.text(name)


def test_a_file_with_another_hash_is_asked_for_again() -> None:
    answer = CLIENT.get("/static/other/tokens.css")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"].startswith("text/css")


def test_there_are_no_other_files() -> None:
    for name in ("no.css", "%2e%2e%2fpage.py", "..%2Fassets.py"):
        assert CLIENT.get(f"/static/{assets.version()}/{name}").status_code == 404


def test_a_page_lets_in_no_script_but_files() -> None:
    policy = serving.page("<p>").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")


def test_a_report_names_the_hash_of_its_style() -> None:
    answer = serving.report(render("report.html", title="x", made="y"))
    style = bytes(answer.body).decode().partition("<style>")[2].partition("</style>")[0]
    told = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{told}'" in answer.headers["content-security-policy"]
