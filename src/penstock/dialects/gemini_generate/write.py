"""Gemini requests, written from the common model.

What the server refuses or cannot do, and what is done instead:

    two turns of one role                   merged
    a conversation that the model begins    a user turn of one dot before it
    a last turn of the model                sent where the family goes on from it, else refused
    instructions in mid-conversation        join the leading ones
    a call from the history that nobody     Gemini 3 and later: the first call of a turn gets the
    has signed                              dummy signature that turns the check off
    a result's pictures                     inside the response from Gemini 3 on, else beside it
    an address of a picture or a file       refused: only what lies in the request is read
    the name of a file                      a text before it
    a tool's name of other characters       escaped (``tool_names.py``)
    arguments that are no JSON object       ``{"_raw": "..."}``
    a schema beside tools                   an instruction, before Gemini 3
    an effort                               a level from Gemini 3 on, before that a budget
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import call_arguments, capability, json_instruction, verdicts
from penstock.dialects.capability import Capability, Prefill, Thinking
from penstock.dialects.gemini_generate import tool_names
from penstock.dialects.message import (
    CachePoint,
    ChoiceMode,
    Document,
    Image,
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from penstock.dialects.tool_ids import ToolIds

Fields = dict[str, object]
NAME: Final = "gemini_generate"
CALL_ID_CHARS_MAX: Final = 64
STOPS_MAX: Final = 5
BUDGET_MAX: Final = 24_576  # of thinking: what all of Gemini 2.5 accept
PRO_BUDGET_MIN: Final = 128  # Gemini 2.5 Pro cannot be told not to think
SEED_MAX: Final = 2**31 - 1  # int32
# 32 characters of base64, so that clients that keep signatures as bytes send it back unchanged.
SIGNATURE_DUMMY: Final = "skip_thought_signature_validator"
JSON_TYPE: Final = "application/json"
PDF: Final = "application/pdf"
TEXT_TYPES: Final = "text/"
_TIERS: Final = ("standard", "flex", "priority")
_SAMPLING: Final[dict[str, str]] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}


def write_request(
    request: Request, model: str, accepted: Capability
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body for ``model``, and the caller's fields that it changes or leaves out."""
    writer = _Writer(request, model, accepted)
    body: Fields = {"contents": writer.contents()}
    body |= writer.tools()
    config = writer.sampling() | writer.limits() | writer.form() | writer.thinking()
    system = writer.system()
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if config:
        body["generationConfig"] = config
    if request.service_tier in _TIERS:
        body["serviceTier"] = request.service_tier
    writer.note_losses()
    return msgspec.json.encode(body), tuple(dict.fromkeys([*request.dropped, *writer.dropped]))


class _Writer:
    """Writes the parts of one request, and notes what it loses."""

    def __init__(self, request: Request, model: str, accepted: Capability) -> None:
        self._request = request
        self._model = accepted
        # From Gemini 3 on, which are told to think by a level.
        self._is_new = accepted.thinking is Thinking.LEVEL
        self._budget_min = PRO_BUDGET_MIN if "pro" in model else 0
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._called: dict[str, str] = {}  # names by the ids of their calls
        self._instructions = [request.system] if request.system else []
        self.dropped: list[str] = []

    def contents(self) -> list[Fields]:
        """Return ``contents``."""
        turns = self._turns()
        if not turns:
            raise CallerError("The conversation must hold a message of the user.")
        if turns[0][0] != "user":
            self._drop("first_turn")
            turns.insert(0, ("user", [{"text": "."}]))
        if turns[-1][0] == "model" and self._model.prefill is Prefill.REFUSED:
            raise verdicts.refusal(
                self._name("prefill"), "the model does not go on from a turn of its own"
            )
        if self._model.signatures:
            _sign([parts for role, parts in turns if role == "model"])
        return [{"role": role, "parts": parts} for role, parts in turns]

    def system(self) -> str:
        """Return the instructions; to be asked after everything that may add to them."""
        return "\n\n".join(self._instructions)

    def tools(self) -> Fields:
        """Return ``tools`` and how they are to be used."""
        request = self._request
        if not request.tools:
            return {}
        declared = [self._tool(tool) for tool in request.tools]
        fields: Fields = {"tools": [{"functionDeclarations": declared}]}
        choice = request.tool_choice
        if choice is None:
            return fields
        if choice.is_parallel is False:
            self._drop("parallel")
        config: Fields = {}
        if choice.mode is ChoiceMode.NONE:
            config = {"mode": "NONE"}
        elif choice.mode is ChoiceMode.REQUIRED:
            config = {"mode": "ANY"}
        elif choice.mode is ChoiceMode.ONE:
            named = self._tool_name(choice.name)
            config = {"mode": "ANY", "allowedFunctionNames": [named]}
        return fields | {"toolConfig": {"functionCallingConfig": config}} if config else fields

    def sampling(self) -> Fields:
        """Return how tokens are chosen."""
        request = self._request
        fields: Fields = {
            written: value
            for name, written in _SAMPLING.items()
            if (value := getattr(request, name)) is not None
        }
        if request.seed is not None:
            if -SEED_MAX <= request.seed <= SEED_MAX:
                fields["seed"] = request.seed
            else:
                self._drop("seed")
        return fields

    def limits(self) -> Fields:
        """Return where the answer ends."""
        request = self._request
        fields: Fields = {}
        asked = request.output_tokens_max
        if asked is not None:
            if asked < 1:
                raise verdicts.refusal(self._name("output_max"), "at least one token must come out")
            limit = self._model.output_tokens_max
            if self._model.is_known and limit and asked > limit:
                self._drop("output_max")
                asked = limit
            fields["maxOutputTokens"] = asked
        if len(request.stop) > STOPS_MAX:
            raise verdicts.refusal(self._name("stop"), f"at most {STOPS_MAX} are")
        return fields | {"stopSequences": list(request.stop)} if request.stop else fields

    def form(self) -> Fields:
        """Return what the answer must look like."""
        request = self._request
        if request.schema is None and not request.is_json:
            return {}
        if request.tools and not self._is_new:
            self._drop("json" if request.schema is None else "schema")
            self._instructions += json_instruction.instructions(request.schema)
            return {}
        fields: Fields = {"responseMimeType": JSON_TYPE}
        return fields | {"responseJsonSchema": request.schema} if request.schema else fields

    def thinking(self) -> Fields:
        """Return ``thinkingConfig``."""
        request, model = self._request, self._model
        fields = self._effort(request.effort) if request.effort else {}
        if request.shows_thinking is not None:
            if model.thinking is not Thinking.NONE:
                fields["includeThoughts"] = request.shows_thinking
            elif request.shows_thinking:
                self._drop("shows_thinking")
        return {"thinkingConfig": fields} if fields else {}

    def note_losses(self) -> None:
        """Note what has no place here at all."""
        request = self._request
        if request.caches_system or request.caches_tools:
            self._drop("cache")
        if request.cache_key:
            self._drop("cache_key")
        if request.verbosity:
            self._drop("verbosity")
        if request.user:
            self._drop(request.user_concept)
        if any(tool.is_strict for tool in request.tools):
            self._drop("tool_strict")

    def _effort(self, asked: str) -> Fields:
        model = self._model
        if model.thinking is Thinking.LEVEL and model.efforts:
            level = capability.nearest_effort(asked, model.efforts)
            if level != asked:
                self._drop("effort")
            return {"thinkingLevel": level.upper()}
        if model.thinking is not Thinking.BUDGET:
            if asked != "none":
                self._drop("effort")
            return {}
        wanted = capability.BUDGETS.get(asked, 0)
        budget = max(min(wanted, self._budget_max()), self._budget_min)
        if budget != wanted:
            self._drop("effort")
        return {"thinkingBudget": budget}

    def _turns(self) -> list[tuple[str, list[Fields]]]:
        """Return the turns with their parts, no role twice in a row."""
        turns: list[tuple[str, list[Fields]]] = []
        for turn in self._request.turns:
            if turn.role is Role.SYSTEM:
                self._later_system(turn)
                continue
            role = "model" if turn.role is Role.ASSISTANT else "user"
            parts = self._parts(turn)
            if parts and turns and turns[-1][0] == role:
                turns[-1][1].extend(parts)
            elif parts:
                turns.append((role, parts))
        return turns

    def _budget_max(self) -> int:
        """Return how much may be thought, so that half of the answer is left to say."""
        limit = self._request.output_tokens_max
        return BUDGET_MAX if limit is None else min(BUDGET_MAX, limit // 2)

    def _later_system(self, turn: Turn) -> None:
        self._drop("later_system")
        self._instructions += [part.text for part in turn.parts if isinstance(part, Text)]

    def _parts(self, turn: Turn) -> list[Fields]:
        parts: list[Fields] = []
        beside: list[Fields] = []
        for part in turn.parts:
            match part:
                case ToolCall():
                    parts.append(self._call(part))
                case ToolResult():
                    parts.append(self._result(part, beside))
                case CachePoint():
                    self._drop("cache")
                case _:
                    beside += self._said(part)
        # Calls stand behind what the model said, results before what the user did.
        return beside + parts if turn.role is Role.ASSISTANT else parts + beside

    def _said(self, part: Part) -> list[Fields]:
        """Return a text, a picture or a document; the name of a file stands before it."""
        match part:
            case Text(text=text):
                return [{"text": text}]
            case Image(media_type=kind, data=data, url=url):
                return [self._inline(kind, data, url, "image_urls")]
            case Document(media_type=kind, data=data, url=url):
                if data and kind != PDF and not kind.startswith(TEXT_TYPES):
                    why = f"{kind} is neither PDF nor text"
                    raise verdicts.refusal(self._name("documents"), why)
                said: list[Fields] = [{"text": text} for text in _words(part)]
                return said if part.text else [*said, self._inline(kind, data, url, "document_url")]
            case _:
                return []

    def _inline(self, media_type: str, data: str, url: str, concept: str) -> Fields:
        if url:
            why = "the model fetches no addresses, and neither does the gateway: send the data"
            raise verdicts.refusal(self._name(concept), why)
        return {"inlineData": {"mimeType": media_type, "data": data}}

    def _call(self, call: ToolCall) -> Fields:
        written = self._ids.of_call(call.id)
        self._called[call.id] = call.name
        name = self._tool_name(call.name)
        fields: Fields = {
            "id": written,
            "name": name,
            "args": call_arguments.as_object(call.arguments),
        }
        return {"functionCall": fields}

    def _result(self, result: ToolResult, beside: list[Fields]) -> Fields:
        said = [each for part in result.content for each in self._said(part)]
        texts = [str(part["text"]) for part in said if "text" in part]
        media = [part for part in said if "text" not in part]
        fields: Fields = {
            "id": self._ids.of_result(result.call_id),
            "name": self._tool_name(self._called.get(result.call_id, "")),
            "response": {"error" if result.is_error else "output": "\n".join(texts)},
        }
        if media and self._is_new:
            fields["parts"] = media
        elif media:
            self._drop("result_images")
            beside += media
        return {"functionResponse": fields}

    def _tool(self, tool: Tool) -> Fields:
        schema = tool.schema if "type" in tool.schema else {"type": "object"} | tool.schema
        fields: Fields = {"name": self._tool_name(tool.name), "parametersJsonSchema": schema}
        return fields | {"description": tool.description} if tool.description else fields

    def _tool_name(self, name: str) -> str:
        written = tool_names.escaped(name)
        if not written:
            why = f"a name must have 1 to {tool_names.NAME_CHARS_MAX} characters"
            raise verdicts.refusal(f"tools.{name}", why)
        return written

    def _name(self, concept: str) -> str:
        return verdicts.name_of(concept, self._request.concepts)

    def _drop(self, concept: str) -> None:
        self.dropped.append(self._name(concept))


def _words(document: Document) -> list[str]:
    """Return what can be said of a document in words: its title, and its text if it is one."""
    title = f"File {document.title}:" if document.title else ""
    return [words for words in (title, document.text) if words]


def _sign(turns: list[list[Fields]]) -> None:
    """Give the first call of each turn a signature: the model's own never crosses vendors."""
    for parts in turns:
        first = next((part for part in parts if "functionCall" in part), None)
        if first is not None:
            first["thoughtSignature"] = SIGNATURE_DUMMY
