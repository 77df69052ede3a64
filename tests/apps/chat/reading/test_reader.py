"""A text becomes the same page whatever pieces it comes in, at a cost that grows as it does."""

import random
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page
from tests.apps.chat.reading import attacks, sample
from tests.apps.chat.reading.served import served

pytestmark = pytest.mark.slow
PIECES_S = 4.0  # 200 KB in 40,000 pieces, with slack for a busy machine: below 1 s by itself
# a clone without what comes later than the text: formulas and colours
BARE = """(element) => {
  const clone = element.cloneNode(true);
  for (const one of clone.querySelectorAll("[data-tex]")) {
    one.textContent = one.dataset.tex;
    one.classList.remove("is-set", "is-wrong");
  }
  for (const one of clone.querySelectorAll(".lines")) one.textContent = one.textContent;
  clone.normalize();
  return clone.innerHTML;
}"""


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    with served([]) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("window.isReady")
        page.evaluate(f"() => {{ window.bare = {BARE}; }}")
        yield page
        page.close()


def test_the_pieces_do_not_matter(page: Page) -> None:
    texts = [sample.answer(seed, 2500) for seed in range(12)]
    texts += [sample.thicket(seed, 700) for seed in range(60)]
    texts += [attacks.HUGE[n][:9000] for n in range(0, len(attacks.HUGE), 7)]
    dice = random.Random(11)
    sizes = [[[0], [1], [dice.randint(1, 60) for _ in range(13)]] for _ in texts]
    differ = page.evaluate(
        """async ([texts, sizes]) => {
          const differ = [];
          for (const [index, text] of texts.entries()) {
            const made = [];
            for (const size of sizes[index]) {
              const element = document.createElement("div");
              document.body.append(element);
              await window.read(text, size, element);
              made.push(window.bare(element));
              element.remove();
            }
            const other = made.findIndex((html) => html !== made[0]);
            if (other !== -1) differ.push([text, made[0], made[other]]);
          }
          return differ;
        }""",
        [texts, sizes],
    )
    assert differ == []


def test_what_is_said_twice_or_otherwise_is_as_said_last(page: Page) -> None:
    texts = [sample.answer(seed, 3000) for seed in range(20, 30)]
    differ = page.evaluate(
        """async (texts) => {
          const differ = [];
          for (const [turn, text] of texts.entries()) {
            const element = document.createElement("div");
            await window.read(text, [0], element);
            const once = window.bare(element);
            const reading = window.reader(element);
            reading.set(text.slice(0, 2000) + "**what** is\\n\\n```\\ntaken back");
            reading.now();
            reading.append(turn % 2 ? 1990 : 300, text.slice(turn % 2 ? 1990 : 300, 2500));
            reading.now();
            reading.append(2400, text.slice(2400));
            reading.end();
            reading.now();
            reading.append(1000, text.slice(1000));
            reading.end();
            reading.now();
            if (window.bare(element) !== once) differ.push([turn, once, window.bare(element)]);
            if (reading.append(text.length + 1, "x")) differ.push("a gap");
          }
          return differ;
        }""",
        texts,
    )
    assert differ == []


def test_a_long_answer_costs_as_much_as_it_is_long(page: Page) -> None:
    text = sample.answer(3, 200_000)
    shapes = {"answer": text, "code": "```js\n" + "let a = 1;\n" * 18_000, "line": "word " * 40_000}
    for name, shape in shapes.items():
        took_s = page.evaluate(
            """async (text) => {
              const reading = window.reader(window.answer);
              const from = performance.now();
              for (let at = 0; at < text.length; at += 5) {
                reading.append(at, text.slice(at, at + 5));
                if (at % 25 === 0) reading.now();  // five pieces a frame
              }
              reading.end();
              reading.now();
              return (performance.now() - from) / 1000;
            }""",
            shape,
        )
        assert took_s < PIECES_S, name


def test_the_first_piece_is_there_with_the_next_frame(page: Page) -> None:
    frames = page.evaluate(
        """() => Promise.all(["H", "a word", "**b", "- x", "# t", "`c"].map((text) =>
          new Promise((done) => {
          const element = document.createElement("div");
          document.body.append(element);
          const reading = window.reader(element);
          reading.set("");
          setTimeout(() => {
            let frames = 0;
            const again = () => ++frames < 9 && requestAnimationFrame(look);
            const look = () => (element.textContent ? done(frames) : again());
            reading.append(0, text);
            requestAnimationFrame(look);
          }, 100);
        })))"""
    )
    assert frames == [0] * 6  # the look is behind the painting in the same frame


def test_what_one_selects_stays_while_more_comes(page: Page) -> None:
    same = page.evaluate(
        """() => {
          const reading = window.reader(window.answer);
          reading.append(0, "one **two** three");
          reading.now();
          const [first, strong] = [window.answer.firstChild, window.answer.querySelector("strong")];
          reading.append(17, " four\\nfive\\n\\nsix");
          reading.now();
          const then = window.answer.querySelector("strong");
          return first === window.answer.firstChild && strong === then;
        }"""
    )
    assert same


def test_code_is_coloured_and_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("window.read('```python\\ndef f():\\n    return 1\\n```\\n', [3]).then(() => {})")
    page.wait_for_selector(".hl-keyword")
    page.click("text=Copy")
    assert page.evaluate("navigator.clipboard.readText()") == "def f():\n    return 1"
    page.click("text=Wrap")
    assert page.get_attribute("figure button", "aria-pressed") == "true"


def test_formulas_are_set_copied_as_tex_and_wrong_ones_stay(page: Page) -> None:
    page.evaluate("window.read('a $x^2$ b $\\\\frac{$ c', [2]).then(() => {})")
    page.wait_for_selector(".is-set .katex")
    page.wait_for_selector(".is-wrong")
    said = page.evaluate(
        """async () => {
          const { copies } = await import("/reading/copying.js");
          copies(document);
          getSelection().selectAllChildren(window.answer);
          const data = new DataTransfer();
          const told = { clipboardData: data, cancelable: true };
          document.dispatchEvent(new ClipboardEvent("copy", told));
          return data.getData("text/plain").trim();
        }"""
    )
    assert said == "a $x^2$ b $\\frac{$ c"


def test_sentences_are_announced_whole(page: Page) -> None:
    said = page.evaluate(
        """async () => {
          const { announcer } = await import("/reading/announcer.js");
          const region = document.createElement("div");
          document.body.append(region);
          const said = [];
          const calls = [];
          const voice = announcer(region, { later: (call) => calls.push(call) });
          const text = "One is here. Two is **still** coming. Thr";
          const onPaint = () => voice.follow(window.answer);
          const reading = window.reader(window.answer, { onPaint });
          const tick = () => { calls.shift()?.(); said.push(region.textContent); };
          reading.append(0, text); reading.now(); tick();
          reading.append(text.length, "ee.\\n\\n```js\\na\\nb\\n```\\n"); reading.now(); tick();
          reading.end(); reading.now(); voice.end(); tick();
          return said;
        }"""
    )
    assert said == [
        "One is here. Two is still coming.",
        "Three.",
        "Code, js, 2 lines. Answer complete.",
    ]


def test_an_opened_conversation_is_read_where_one_looks_and_then_the_rest(page: Page) -> None:
    texts = [f"Message **{n}**\n\n" + sample.answer(n, 1500) for n in range(60)]
    at_once, later = page.evaluate(
        """async (texts) => {
          const { readers } = await import("/reading/readers.js");
          const read = readers(null);
          window.answer.className = "scroller";
          const made = texts.map((text) => {
            const element = document.createElement("div");
            element.className = "reading";
            window.answer.append(element);
            const one = read(element);
            one.set(text);
            one.end();
            return element;
          });
          await null;
          const count = () => made.filter((element) => element.firstChild).length;
          const atOnce = count();
          const last = made.at(-1).firstChild?.textContent;
          made.at(-1).scrollIntoView();
          for (let turn = 0; turn < 300 && count() < texts.length; turn++) {
            await new Promise((done) => setTimeout(done, 30));
          }
          return [[atOnce, last], count()];
        }""",
        texts,
    )
    assert at_once[1] == "Message 59"
    assert 0 < at_once[0] < 20
    assert later == 60


def test_what_runs_is_announced_and_what_is_closed_is_silent(page: Page) -> None:
    said = page.evaluate(
        """async () => {
          const { readers } = await import("/reading/readers.js");
          const region = document.createElement("div");
          document.body.append(region);
          const one = readers(region)(window.answer);
          one.set("");
          one.append(0, "It is here.");
          one.end();
          await new Promise((done) => setTimeout(done, 3200));
          const said = region.textContent;
          one.close();
          return [said, region.textContent];
        }"""
    )
    assert said == ["It is here. Answer complete.", ""]
