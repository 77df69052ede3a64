"""``penstock init``: a commented configuration file from what is found on this machine."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from penstock.cli.terminal import Terminal
from penstock.config import discover, load, private_file
from penstock.config.discover import Found
from penstock.core.errors import StoreError

HEAD: Final = """\
# Penstock's configuration. Every setting, with its default: docs/reference/settings.md
# 'penstock check' says what is wrong with this file; 'penstock reload' applies it.

[gateway]
port = 8400        # OpenAI and Anthropic dialects, on 127.0.0.1
admin_port = 8401  # health and metrics

[timeouts]
first_token_s = 60  # to the first content of a stream, then the next upstream is asked
total_s = 600       # the whole exchange, all attempts together
"""

NOTHING: Final = """
# No provider's key and no local engine was found, so Claude, GPT and Gemini are emulated: their
# answers are made up, and nothing leaves this machine. Remove this once there is an upstream.
[emulate]
is_enabled = true

# An upstream is one place that can answer. The key stays in a variable or in a file (mode 0600).
# [[upstreams]]
# name = "anthropic"
# dialect = "anthropic_messages"  # or "openai_chat"
# base_url = "https://api.anthropic.com"
# api_key_env = "ANTHROPIC_API_KEY"

# A route is what callers put into "model", and who can answer it, in order.
# [[routes]]
# name = "auto"
# targets = [
#     { upstream = "anthropic", model = "claude-sonnet-5-5" },
# ]
"""

UPSTREAMS_HEAD: Final = """
# An upstream is one place that can answer. The key stays in a variable or in a file (mode 0600).
"""
ROUTES_HEAD: Final = """
# A route is what callers put into "model", and who can answer it: the first that is free and
# healthy. A name that ends in * is a prefix; a target without a model passes the caller's on.
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock init``."""
    parser = argparse.ArgumentParser(
        prog="penstock init",
        description="Write a commented configuration from the keys and engines found here.",
    )
    parser.add_argument("file", nargs="?", default="", help="default: ./penstock.toml")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--stdout", action="store_true", help="write to standard output instead")
    return parser


def run(argv: Sequence[str]) -> int:
    """Write the file; 1 if it is there already."""
    args = build_parser().parse_args(argv)
    found = discover.providers(load.environment()) + asyncio.run(discover.engines())
    text = render(found)
    if args.stdout:
        sys.stdout.write(text)
        return 0
    path = Path(args.file or load.DEFAULT_FILE)
    if path.exists() and not args.force:
        raise StoreError(f"{path} is there already: --force replaces it")
    private_file.write(path, text)
    terminal = Terminal()
    origin = ", ".join(one.origin for one in found) or "no key and no engine: emulated providers"
    terminal.state("good", f"wrote {path} from: {origin}")
    terminal.line("  Next: penstock check, then penstock up", "bright_black")
    return 0


def render(found: list[Found]) -> str:
    """Return the text of a configuration that serves what was found."""
    if not found:
        return HEAD + NOTHING
    config = discover.config(found)
    text = HEAD + UPSTREAMS_HEAD
    for one in found:
        upstream = one.upstream
        text += f"\n[[upstreams]]  # found: {one.origin}\n"
        text += f'name = "{upstream.name}"\ndialect = "{upstream.dialect.value}"\n'
        text += f'base_url = "{upstream.base_url}"\n'
        text += f'engine = "{upstream.engine.value}"\n' if upstream.engine else ""
        text += f'api_key_env = "{upstream.api_key_env}"\n' if upstream.api_key_env else ""
    text += ROUTES_HEAD
    for route in config.routes:
        targets = "".join(
            f'    {{ upstream = "{target.upstream}"'
            + (f', model = "{target.model}"' if target.model else "")
            + " },\n"
            for target in route.targets
        )
        text += f'\n[[routes]]\nname = "{route.name}"\ntargets = [\n{targets}]\n'
    return text
