"""Measuring what a model accepts: a table of checks, each a request or a few of the cheapest kind.

    a refusal of the request (400, 422)   the model does not accept it
    an answer that does what was asked    it does
    an answer that does not               it takes it and ignores it, which counts as not
    anything else                         not measured: None, and the note says why

A check writes the common request with the upstream's dialect, as if the table said yes; so it holds
for every dialect. Each asks for 16 to 64 tokens at most.
"""

import base64
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.cli.asking import Asker, Reply
from penstock.core.errors import CallerError, DialectError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.capability import EFFORTS, Capability, Prefill, Thinking
from penstock.dialects.events import Counted
from penstock.dialects.message import (
    Answer,
    ChoiceMode,
    Image,
    Part,
    Request,
    Role,
    StopReason,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
)

OK: Final = 200
TOKENS: Final = 64
TOO_MANY_TOKENS: Final = 9_999_999
COUNT: Final = "Count from 1 to 6 in digits, separated by single spaces. Write nothing else."
SCHEMA: Final[dict[str, object]] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
TOOLS: Final = tuple(Tool(name, f"Takes a {name}.", SCHEMA) for name in ("note", "reminder"))
NUMBER: Final = re.compile(r"\d[\d,_]{2,11}")
CONTEXT_KEYS: Final = ("max_model_len", "context_length", "max_input_tokens", "inputTokenLimit")
Value = bool | int | str | tuple[str, ...] | Prefill | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured of one column; None: it could not be."""

    column: str
    value: Value
    note: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What the upstream said to one request."""

    answer: Answer | None = None
    failure: Failure | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the request itself was refused."""
        kinds = (FailureKind.REJECTED, FailureKind.CONTEXT_LENGTH)
        return self.failure is not None and self.failure.kind in kinds

    @property
    def text(self) -> str:
        """The text of the answer."""
        parts = self.answer.parts if self.answer else ()
        return "".join(part.text for part in parts if isinstance(part, Text))

    @property
    def note(self) -> str:
        """Why it failed, on one line."""
        if self.failure is None:
            return ""
        return " ".join(f"{self.failure.status} {self.failure.detail}".split())[:160]

    def calls(self) -> list[str]:
        """Return the names of the tools that were called."""
        parts = self.answer.parts if self.answer else ()
        return [part.name for part in parts if isinstance(part, ToolCall)]


class Bench:
    """One model of one upstream, and what is declared of it."""

    def __init__(self, asker: Asker, model: str, declared: Capability) -> None:
        self.asker = asker
        self.model = model
        self.declared = declared
        self.is_chat = asker.dialect.name == "openai_chat"
        self.base = Request(
            dialect=asker.dialect.name,
            concepts=asker.dialect.concepts,
            model=model,
            turns=(user(COUNT),),
            output_tokens_max=TOKENS,
            effort=self._least_effort(),
        )

    def ask(self, trial: dict[str, object] | None = None, **fields: object) -> Said:
        """Ask with these fields, as if the table said what ``trial`` says."""
        row = msgspec.structs.replace(self.declared, **(trial or {}))
        request = msgspec.structs.replace(self.base, **fields)
        dialect = self.asker.dialect
        try:
            body, _ = dialect.write_request(request, self.model, row)
        except CallerError as error:
            return Said(failure=Failure(FailureKind.CONFLICT, error.message))
        reply = self.asker.post(dialect.path(self.model, is_stream=False), body)
        return self._said(reply)

    def stream(self) -> Reply:
        """Ask for a stream with usage at its end; return it as it came."""
        row = msgspec.structs.replace(self.declared, stream_usage=True)
        request = msgspec.structs.replace(self.base, is_stream=True)
        dialect = self.asker.dialect
        body, _ = dialect.write_request(request, self.model, row)
        return self.asker.post(dialect.path(self.model, is_stream=True), body)

    def _said(self, reply: Reply) -> Said:
        dialect = self.asker.dialect
        if reply.status == 0:
            detail = reply.body.decode("utf-8", "replace")
            return Said(failure=Failure(FailureKind.UNREACHABLE, detail))
        if reply.status != OK:
            return Said(failure=dialect.classify(reply.status, reply.headers, reply.body))
        try:
            failure = dialect.survey(reply.body).failure
            return Said(failure=failure) if failure else Said(dialect.read_answer(reply.body))
        except DialectError as error:
            return Said(failure=Failure(FailureKind.BROKEN_STREAM, error.message, OK))

    def _least_effort(self) -> str:
        """Return the effort with which a model that thinks spends the least on it."""
        if self.declared.thinking is Thinking.ADAPTIVE:
            return "none"
        return self.declared.efforts[0] if self.declared.efforts else ""


def user(text: str, *parts: Part) -> Turn:
    """Return a turn of the user."""
    return Turn(Role.USER, (*parts, Text(text)))


def png(side: int = 32) -> str:
    """Return a grey square as base64: large enough for what cuts pictures into patches."""

    def part(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * side) * side, 9)
    whole = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")
    return base64.b64encode(whole).decode()


def _verdict(column: str, said: Said, *, is_done: bool | None = True) -> Finding:
    """Return what a yes-or-no check found; ``is_done``: None if the answer does not show it."""
    if said.is_refused:
        return Finding(column, value=False, note=said.note)
    if said.failure is not None:
        return Finding(column, None, said.note)
    if is_done is None:
        return Finding(column, None, "the answer does not show it")
    return Finding(column, is_done, "" if is_done else "taken, but ignored")


def prefill(bench: Bench) -> Finding:
    """See whether the answer goes on after ``1 2 3``."""
    turns = (user(COUNT), Turn(Role.ASSISTANT, (Text("1 2 3"),)))
    styles = [Prefill.LITERAL, Prefill.CONTINUE] if bench.is_chat else [Prefill.LITERAL]
    if bench.declared.prefill is Prefill.PREFIX:
        styles.insert(0, Prefill.PREFIX)
    first: Said | None = None
    for style in styles:
        said = bench.ask({"prefill": style}, turns=turns)
        begins = said.text.strip()
        if begins.startswith("4") or (style is Prefill.PREFIX and begins.startswith("1 2 3 4")):
            return Finding("prefill", style)
        if style is Prefill.LITERAL:
            first = said
    assert first is not None
    if first.is_refused:
        return Finding("prefill", Prefill.REFUSED, first.note)
    if first.text.strip().startswith("1"):
        return Finding("prefill", Prefill.RESTARTS)
    return Finding(
        "prefill", None, first.note or "taken; the answer does not show what became of it"
    )


def tools(bench: Bench) -> Finding:
    """Offer a tool."""
    return _verdict("tools", bench.ask({"tools": True}, tools=TOOLS))


def forced_tool(bench: Bench) -> Finding:
    """Demand a call."""
    choice = ToolChoice(ChoiceMode.REQUIRED)
    said = bench.ask({"forced_tool": True}, tools=TOOLS, tool_choice=choice)
    return _verdict("forced_tool", said, is_done=bool(said.calls()))


def named_tool(bench: Bench) -> Finding:
    """Demand a call of the second of two tools."""
    trial: dict[str, object] = {"forced_tool": True, "named_tool": True}
    choice = ToolChoice(ChoiceMode.ONE, TOOLS[1].name)
    said = bench.ask(trial, tools=TOOLS, tool_choice=choice)
    return _verdict("named_tool", said, is_done=said.calls()[:1] == [TOOLS[1].name])


def sampling(bench: Bench) -> Finding:
    """Send a temperature, and leave the effort to the model: some take it only without one."""
    return _verdict("sampling", bench.ask({"sampling": True}, temperature=0.5, effort=""))


def stop(bench: Bench) -> Finding:
    """Have it stop before the 3."""
    said = bench.ask({"stop": True}, stop=("3",))
    return _verdict("stop", said, is_done="3" not in said.text)


def images(bench: Bench) -> Finding:
    """Show a picture."""
    turn = user("Name the colour in one word.", Image("image/png", png()))
    return _verdict("images", bench.ask({"images": True}, turns=(turn,)))


def structured_output(bench: Bench) -> Finding:
    """Ask for JSON of a schema that the words do not mention."""
    turns = (user("Is water wet?"),)
    said = bench.ask({"structured_output": True}, turns=turns, schema=SCHEMA)
    return _verdict("structured_output", said, is_done=_is_object(said, "ok"))


def json_mode(bench: Bench) -> Finding:
    """Ask for JSON of any kind."""
    turns = (user('Answer in JSON, as {"answer": ...}: is water wet?'),)
    said = bench.ask({"json_mode": True}, turns=turns, is_json=True)
    return _verdict("json_mode", said, is_done=_is_object(said))


def _is_object(said: Said, name: str = "") -> bool | None:
    if said.answer is not None and said.answer.stop is StopReason.LENGTH:
        return None
    try:
        found = msgspec.json.decode(said.text, type=dict[str, object])
    except msgspec.DecodeError:
        return False
    return not name or name in found


def later_system(bench: Bench) -> Finding:
    """Give an instruction after a user turn."""
    turns = (user(COUNT), Turn(Role.SYSTEM, (Text("Be brief."),)), user("Now."))
    return _verdict("later_system", bench.ask({"later_system": True}, turns=turns))


def efforts(bench: Bench) -> Finding:
    """Send each effort, after one that nobody knows: who takes that looks at none."""
    thinking = bench.declared.thinking
    if thinking in (Thinking.BUDGET, Thinking.NONE):
        thinking = Thinking.ADAPTIVE if "anthropic" in bench.asker.dialect.name else Thinking.EFFORT

    def ask(effort: str) -> Said:
        return bench.ask({"efforts": (effort,), "thinking": thinking}, effort=effort)

    odd = ask("penstock")
    if not odd.is_refused:
        return Finding("efforts", None, odd.note or "any word is taken, so none is looked at")
    # To Claude "none" is no effort but thinking switched off.
    known = [one for one in EFFORTS if one != "none" or thinking is not Thinking.ADAPTIVE]
    taken: list[str] = []
    for effort in known:
        said = ask(effort)
        if said.failure is not None and not said.is_refused:
            return Finding("efforts", None, said.note)
        if not said.is_refused:
            taken.append(effort)
    return Finding("efforts", tuple(taken))


def output_tokens_max(bench: Bench) -> Finding:
    """Ask for far more than any model can say, and read the refusal."""
    trial: dict[str, object] = {"output_tokens_max": TOO_MANY_TOKENS}
    said = bench.ask(trial, output_tokens_max=TOO_MANY_TOKENS)
    if not said.is_refused:
        return Finding("output_tokens_max", None, said.note or "any number is taken")
    told = said.failure.detail if said.failure else ""
    if "context" in told:
        return Finding("output_tokens_max", None, said.note)
    numbers = [int(re.sub(r"\D", "", one)) for one in NUMBER.findall(told)]
    fitting = [one for one in numbers if one < TOO_MANY_TOKENS]
    return Finding("output_tokens_max", max(fitting, default=None), said.note)


def stream_usage(bench: Bench) -> Finding:
    """Ask for a stream, and look for its usage."""
    reply = bench.stream()
    if reply.status != OK:
        failure = bench.asker.dialect.classify(reply.status, reply.headers, reply.body)
        return _verdict("stream_usage", Said(failure=failure))
    events = bench.asker.dialect.decoder().feed(reply.body)
    has_usage = any(isinstance(event, Counted) for event in events)
    return Finding("stream_usage", has_usage, "" if has_usage else "no usage came")


def context_tokens_max(bench: Bench) -> Finding:
    """Look into the list of models."""
    path = "/v1/models" if bench.asker.dialect.name == "anthropic_messages" else "/models"
    reply = bench.asker.get(path)
    try:
        listed = msgspec.json.decode(reply.body, type=Listed)
    except msgspec.DecodeError:
        return Finding("context_tokens_max", None, f"{reply.status}: no list of models")
    for entry in listed.data or listed.models:
        name = str(entry.get("id") or entry.get("name") or "").removeprefix("models/")
        if name == bench.model:
            sizes = (entry.get(key) for key in CONTEXT_KEYS)
            size = next((one for one in sizes if isinstance(one, int) and one > 0), None)
            return Finding("context_tokens_max", size, "" if size else "the list does not say")
    return Finding("context_tokens_max", None, "the model is not in the list")


class Listed(msgspec.Struct):
    """A list of models, whoever writes it."""

    data: list[dict[str, object]] = []
    models: list[dict[str, object]] = []


@dataclass(frozen=True, slots=True)
class Check:
    """One check, and how many requests it may take."""

    run: Callable[[Bench], Finding]
    requests_max: int = 1
    is_chat_only: bool = False


CHECKS: Final = (
    Check(context_tokens_max),
    Check(output_tokens_max),
    Check(prefill, 3),
    Check(tools),
    Check(forced_tool),
    Check(named_tool),
    Check(sampling),
    Check(stop),
    Check(images),
    Check(structured_output),
    Check(json_mode, is_chat_only=True),
    Check(later_system),
    Check(efforts, 1 + len(EFFORTS)),
    Check(stream_usage, is_chat_only=True),
)


def checks_for(dialect: str) -> list[Check]:
    """Return the checks that make sense in a dialect."""
    return [check for check in CHECKS if dialect == "openai_chat" or not check.is_chat_only]


def measure(bench: Bench) -> Iterator[Finding]:
    """Yield the findings one by one, as they come."""
    for check in checks_for(bench.asker.dialect.name):
        yield check.run(bench)
