"""What the parts of the page decide without a page: estimates, seams, drafts, the outbox.

The modules run in the browser that they are for; time and storage are handed in.
"""

import shutil
from collections.abc import Generator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.apps.chat.gallery.serving import VERSION, served

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or ""
MEMORY = """const memory = () => { const kept = new Map(); return {
  getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) }; };"""


@pytest.fixture(scope="module")
def page() -> Generator[Page]:
    if not CHROMIUM:
        pytest.skip("there is no chromium on the path: install it to run the page's scripts")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        opened = browser.new_page()
        serving = served()
        opened.goto(next(serving) + "/?show=picker")
        yield opened
        browser.close()
        next(serving, None)


def run(page: Page, module: str, body: str, given: object = None) -> Any:
    """Return what a body says that has the module as ``m`` and what was given as ``given``."""
    at = f"/assets/{VERSION}/extras/{module}.js"
    return page.evaluate(f"async (given) => {{ const m = await import('{at}'); {body} }}", given)


def test_an_estimate_counts_down_and_noise_does_not_move_it(page: Page) -> None:
    body = """
    const place = (position, eta_s, reason = "capacity") => ({ position, eta_s, reason });
    const first = m.taken(null, place(12, 40), 0);
    const same = m.taken(first, place(11, 32), 10);
    const better = m.taken(first, place(2, 5), 10);
    const worse = m.taken(first, place(12, 90), 10);
    return [m.leftS(same, 10), m.leftS(better, 10), m.leftS(worse, 10), m.leftS(first, 99),
      m.isLate(first, 44), m.isLate(first, 46), m.leftS(m.taken(null, place(3, -1), 0), 9)];
    """
    assert run(page, "countdown", body) == [30, 5, 90, 0, False, True, None]


def test_a_wait_is_told_as_a_range_where_chance_decides(page: Page) -> None:
    body = """
    const place = (eta_s, least_s, most_s) => ({ position: 3, eta_s, least_s, most_s, reason: "" });
    const words = (one, atS) => {
      const shown = m.taken(null, one, 0);
      return m.sentence(one, m.rangeS(shown, atS), m.isLate(shown, atS));
    };
    const far = place(60, 25, 110);
    return [words(far, 0), words(far, 20), words(far, 100), words(far, 120),
      words(place(80, 25, 90), 0), words(place(40, 35, 45), 0), words(place(20, 6, 45), 0),
      words(place(300, 130, 500), 0), words(place(-1, -1, -1), 0), words(place(40, -1, -1), 0)];
    """
    assert [one.partition(", ")[2] for one in run(page, "countdown", body)] == [
        "up to 2 min.", "up to 90 s.", "up to 10 s.", "", "20 to 90 s.", "about 40 s.",
        "5 to 45 s.", "2 to 9 min.", "", "about 40 s.",
    ]  # fmt: skip


def test_a_screen_reader_hears_turns_and_halves_only(page: Page) -> None:
    body = """
    const place = (position, reason = "capacity") => ({ position, eta_s: 40, reason });
    const shown = { etaS: 40, atS: 0 };
    const before = { position: 12, reason: "capacity", atS: 0 };
    return [m.said(place(12), shown, null, 0), m.said(place(11), shown, before, 30),
      m.said(place(6), shown, before, 30) !== "", m.said(place(6), shown, before, 5),
      m.said(place(1), shown, before, 5) !== "",
      m.said(place(12, "gateway"), shown, before, 5) !== ""];
    """
    said = run(page, "countdown", body)
    assert said == ["You are 12th in line, about 40 s.", "", True, "", True, True]


@pytest.mark.parametrize(
    ("text", "at", "drawn"),
    [
        ("One. Two.", 5, 5),
        ("One.\n\nTwo.", 6, 6),
        ("a\n```\nx = 1\ny = 2\n```\nend", 8, 22),
        ("a\n```\nx = 1\ny = 2", 8, None),
        ("- one item here\n- two\n", 5, 16),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nend", 25, 30),
        ("short", 9, None),
    ],
)
def test_a_seam_cuts_no_code_table_or_list(
    page: Page, text: str, at: int, drawn: int | None
) -> None:
    body = "const at = m.drawnAt(given.text, given.at); return Number.isFinite(at) ? at : null;"
    assert run(page, "seams", body, {"text": text, "at": at}) == drawn


def test_pieces_are_the_whole_text_whatever_comes_when(page: Page) -> None:
    body = """
    const text = "One two three.\\n\\nFour \\u{1d7de} six.\\n\\n```\\ncode here\\n```\\nSeven.";
    const plain = (element) => { let all = ""; return {
      set(t) { all = t; element.textContent = all; },
      append(at, t) { all = all.slice(0, at) + t; element.textContent = all; }, end() {} }; };
    const wrong = [];
    for (let seam = 1; seam <= text.length; seam += 1) {
      for (const step of [1, 3, 17, 200]) {
        const place = document.createElement("div");
        const reader = m.seamed(plain)(place, { marks: [] });
        reader.set("");
        for (let at = 0; at < text.length; at += step) {
          if (at >= seam) reader.marks([{ kind: "continued", at: seam, model: "gpt" }]);
          reader.append(at, text.slice(at, at + step));
        }
        reader.marks([{ kind: "continued", at: seam, model: "gpt" }]);
        reader.end();
        const pieces = [...place.querySelectorAll(".x-piece")].map((one) => one.textContent);
        const seams = place.querySelectorAll(".x-seam").length;
        if (pieces.join("") !== text || seams !== 1) wrong.push([seam, step, pieces, seams]);
      }
    }
    return wrong;
    """
    assert run(page, "seams", body) == []


def test_drafts_are_bounded_and_ones_own(page: Page) -> None:
    body = (
        MEMORY
        + """
    const storage = memory();
    let now = 0;
    const mine = m.drafts({ account: "a", storage, nowMs: () => (now += 1) });
    for (let i = 0; i < 150; i += 1) mine.keep(`c${i}`, `text ${i}`);
    mine.keep("long", "x".repeat(200000));
    mine.keep("c149", "  ");
    const again = m.drafts({ account: "a", storage });
    const other = m.drafts({ account: "b", storage });
    const full = { getItem: () => "{", setItem() { throw new Error("full"); } };
    const broken = m.drafts({ account: "c", storage: full });
    broken.keep("c", "kept in memory");
    return [again.all().length, again.text("c0"), again.text("c148"), again.text("c149"),
      again.text("long").length, other.all().length, broken.text("c")];
    """
    )
    told = run(page, "drafts", body)
    assert told == [99, "", "text 148", "", 100_000, 0, "kept in memory"]


def test_the_outbox_is_ones_own_in_order_and_outlives_the_page(page: Page) -> None:
    body = """
    const { inMemory, keeping } = await import("./keeping.js".replace(".", given));
    const store = inMemory();
    const box = m.outbox({ account: "a", store });
    box.keep({ id: "2", at_unix_s: 2 });
    box.keep({ id: "1", at_unix_s: 1 });
    box.keep({ id: "3", at_unix_s: 3 });
    box.done("3");
    const mine = (await box.load()).map((one) => one.id);
    const others = await m.outbox({ account: "b", store }).load();
    const lasting = await keeping();
    await lasting.put({ id: "x", account: "a", entry: { id: "x", at_unix_s: 1 } });
    const again = await keeping();
    const kept = (await again.all()).length;
    await again.remove("x");
    return [mine, others, lasting.isLasting, kept, (await again.all()).length];
    """
    told = run(page, "outbox", body, f"/assets/{VERSION}/extras")
    assert told == [["1", "2"], [], True, 1, 0]


def test_words_for_sizes_and_durations(page: Page) -> None:
    body = (
        "return [given.s.map(m.about), given.bytes.map(m.size), [1, 2, 3, 11, 22].map(m.ordinal)];"
    )
    given = {
        "s": [0, 4, 31, 61, 130, 5400, 9000],
        "bytes": [12, 1000, 21_000_000, 999_600, 1_500_000],
    }
    assert run(page, "words", body, given) == [
        [
            "any moment now", "a few seconds", "about 35 s", "about 70 s", "about 3 min",
            "about 90 min", "about 3 h",
        ],
        ["12 bytes", "1 kB", "21 MB", "1 MB", "1.5 MB"],
        ["1st", "2nd", "3rd", "11th", "22nd"],
    ]  # fmt: skip
