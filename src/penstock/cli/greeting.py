"""What ``penstock up`` says once all is ready: what serves, where, and lines to paste."""

import asyncio
import contextlib
from collections.abc import Generator
from typing import Final

from penstock.cli.plan import Plan
from penstock.cli.terminal import Terminal

SPINNER_AFTER_S: Final = 0.5  # below this, showing that we wait is more trouble than waiting
MODELS_SHOWN: Final = 8

EMULATED: Final = (
    "EMULATED: Claude, GPT and Gemini are stand-ins on this machine.",
    "Answers are made up and cost nothing; nothing leaves this machine.",
)
NOTHING_FOUND: Final = (
    "No provider's key and no local engine was found. For real answers, set",
    "ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY and start again.",
)


@contextlib.contextmanager
def waiting(terminal: Terminal, words: str) -> Generator[None]:
    """Show that we wait, if it takes long enough to be noticed."""
    status = terminal.console.status(f"{words} ...")
    later = asyncio.get_running_loop().call_later(SPINNER_AFTER_S, status.start)
    try:
        yield
    finally:
        later.cancel()
        status.stop()


def greet(
    terminal: Terminal, plan: Plan, urls: dict[str, str], key: str, first_link: str = ""
) -> None:
    """Say what runs and how to use it."""
    if plan.is_emulated:
        terminal.line()
        for words in EMULATED:
            terminal.line(f"  ◇ {words}" if words is EMULATED[0] else f"    {words}", "magenta")
        if plan.was_nothing_found:
            for words in NOTHING_FOUND:
                terminal.line(f"    {words}")
    terminal.line()
    for name, url in urls.items():
        page = "/metrics" if name == "metrics" else ""
        terminal.state("good", f"{name:<9} {url}{page}")
    terminal.line()
    terminal.pair("from", plan.origin)
    terminal.pair("models", _models(plan))
    terminal.pair("key", key, "bold")
    if first_link:
        terminal.line("  Nobody owns the console yet; this link lets one person in, once:")
        terminal.line(first_link, "bold")  # as it is: without a margin it fits
    _paste(terminal, urls["gateway"], key, _first_model(plan))
    terminal.line()
    terminal.line("  Ctrl-C drains and stops everything.", "bright_black")


def _models(plan: Plan) -> str:
    names = [route.name for route in plan.config.routes]
    more = len(names) - MODELS_SHOWN
    return ", ".join(names[:MODELS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _first_model(plan: Plan) -> str:
    names = [route.name for route in plan.config.routes if "*" not in route.name]
    return names[0] if names else "MODEL"


def _paste(terminal: Terminal, url: str, key: str, model: str) -> None:
    """Write lines that can be pasted as they stand; each fits 80 columns."""
    body = f'{{"model":"{model}","messages":[{{"role":"user","content":"Hello"}}]}}'
    blocks = {
        "curl": [
            f"curl {url}/v1/chat/completions \\",
            f'  -H "authorization: Bearer {key}" \\',
            '  -H "content-type: application/json" \\',
            f"  -d '{body}'",
        ],
        "OpenAI SDK": [f"export OPENAI_BASE_URL={url}/v1", f"export OPENAI_API_KEY={key}"],
        "Anthropic SDK": [f"export ANTHROPIC_BASE_URL={url}", f"export ANTHROPIC_API_KEY={key}"],
        "Google SDK": [f"export GOOGLE_GEMINI_BASE_URL={url}", f"export GEMINI_API_KEY={key}"],
    }
    for title, lines in blocks.items():
        terminal.line()
        terminal.line(f"  {title}", "bright_black")
        for line in lines:
            terminal.line(f"  {line}")
