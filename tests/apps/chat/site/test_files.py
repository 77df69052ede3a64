"""Files are kept for ever under their hash, packed once, and only those that are there."""

import gzip
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from penstock.apps.chat.site.files import ROOTED, STATIC, Files, without_comments
from penstock.apps.chat.site.modules import eager, imports


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("static")
    (made / "extras").mkdir()
    (made / "app.js").write_text("export const a = 1;\n" * 100)
    (made / "extras/sw.js").write_text("//\n")
    (made / "secret.py").write_text("no")
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Generator[TestClient]:
    with TestClient(Starlette(routes=Files(folder).routes())) as made:
        yield made


def test_our_hash_is_for_ever_and_another_is_not(folder: Path, client: TestClient) -> None:
    files = Files(folder)
    ours = client.get(files.address("app.js"))
    assert ours.status_code == 200
    assert "immutable" in ours.headers["cache-control"]
    assert ours.headers["content-encoding"] == "gzip"
    assert ours.headers["content-type"].startswith("text/javascript")
    assert ours.content == (folder / "app.js").read_bytes()
    assert client.get("/assets/old/app.js").headers["cache-control"] == "no-cache"


def test_who_takes_no_gzip_gets_none(folder: Path, client: TestClient) -> None:
    plain = client.get(Files(folder).address("app.js"), headers={"accept-encoding": "br"})
    assert "content-encoding" not in plain.headers
    assert plain.content == (folder / "app.js").read_bytes()


@pytest.mark.parametrize("path", ["secret.py", "none.js", "../files.py", "%2e%2e/files.py", ""])
def test_what_is_no_file_of_ours_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(f"/assets/x/{path}").status_code == 404


def test_the_service_worker_is_at_the_root(client: TestClient) -> None:
    got = client.get("/sw.js")
    assert got.headers["cache-control"] == "no-cache"
    assert ROOTED["/sw.js"] == "extras/sw.js"
    assert client.get("/assets/any/other.js").status_code == 404


def test_one_byte_more_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = Files(tmp_path).version
    (tmp_path / "a.js").write_text("2")
    assert Files(tmp_path).version != before


def test_what_is_packed_unpacks_to_itself() -> None:
    for path, asset in Files().by_path.items():
        if asset.zipped:
            assert gzip.decompress(asset.zipped) == asset.body, path


def test_imports_are_found_as_they_are_written() -> None:
    text = 'import { a,\n  b } from "./a.js";\nexport { c } from "./c.js";\nimport "./d.js";\n'
    assert imports(text) == ["./a.js", "./c.js", "./d.js"]
    assert imports('const x = await import("./lazy.js");\n') == []
    assert imports('import{x as y}from"./p.js";import{z}from"./q.js";') == ["./p.js", "./q.js"]


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))))
def test_every_module_is_named_once_also_in_circles(graph: dict[str, set[str]]) -> None:
    texts = {
        f"{name}.js": "".join(f'import "./{one}.js";\n' for one in sorted(graph.get(name, ())))
        for name in "abcdef"
    }
    found = eager("a.js", texts.__getitem__)
    assert len(found) == len(set(found))
    needed, todo = set[str](), ["a"]
    while todo:
        name = todo.pop()
        if f"{name}.js" not in needed:
            needed.add(f"{name}.js")
            todo += graph.get(name, ())
    assert set(found) == needed


def test_only_comments_that_begin_a_line_stay_behind() -> None:
    files = Files()
    for path in STATIC.rglob("*.js"):
        name = path.relative_to(STATIC).as_posix()
        sent = files.by_path[name].body.decode().splitlines()
        if name.startswith("vendor/"):
            assert sent == path.read_text().splitlines()
            continue
        lines = iter(path.read_text().splitlines())
        assert all(any(line == one for one in lines) for line in sent), name
        assert not [line for line in sent if line.startswith("//") or line.lstrip()[:2] == "/*"], (
            name
        )
    assert without_comments("a();\n/* b\n c */\n  /** e */\n  // d\nlet e = `//`;\n") == (
        "a();\n  // d\nlet e = `//`;\n"
    )
