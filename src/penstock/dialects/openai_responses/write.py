"""OpenAI Responses requests, written from the common model.

the common model            here
system                      ``instructions``
a later instruction         a message of ``system`` where it stood
text, images, documents     ``input_text``, ``input_image``, ``input_file`` of a message
an assistant's text         a message of its own
a call                      ``function_call``; its id is ``call_id``, items have none
a result                    ``function_call_output``: a string, or parts where it has more
a stop sequence             refused: the API has none, and what we write cannot cut
anything kept there         never: ``store`` is false, or there were no going on elsewhere
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import end_user, json_schema, verdicts
from penstock.dialects.capability import Capability, Prefill, nearest_effort
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
    ToolChoice,
    ToolResult,
    Turn,
)
from penstock.dialects.openai_chat.write import EXTENSIONS, TIERS
from penstock.dialects.tool_ids import ToolIds

Fields = dict[str, object]
NAME: Final = "openai_responses"
CALL_ID_CHARS_MAX: Final = 64
TOOL_NAME_CHARS_MAX: Final = 64
# Lifetimes of a cache point that come true; the shortest that there is lasts half an hour.
TTLS: Final[dict[str, Fields]] = {"": {}, "5m": {}, "30m": {}, "12h": {"ttl": "12h"}}


def write_request(
    request: Request, model: str, capability: Capability
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body for ``model``, and the caller's fields that it changes or leaves out."""
    writer = _Writer(request, capability)
    body: Fields = {"model": model} | writer.input() | {"store": False}
    body |= writer.sampling() | writer.tools() | writer.text() | writer.reasoning()
    body |= writer.options()
    if request.is_stream:
        body |= {"stream": True, "stream_options": {"include_obfuscation": False}}
    return msgspec.json.encode(body), tuple(dict.fromkeys([*request.dropped, *writer.dropped]))


class _Writer:
    """Writes the parts of one request, and notes what it loses."""

    def __init__(self, request: Request, model: Capability) -> None:
        self._request = request
        self._model = model
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self.dropped: list[str] = []

    def input(self) -> Fields:
        """Return ``instructions`` and ``input``."""
        request = self._request
        if request.caches_tools:
            self._drop("cache")  # its place is behind the instructions, if anywhere
        written: list[Fields] = []
        instructions = [request.system] if request.system else []
        for turn in request.turns:
            if turn.role is Role.SYSTEM and not self._model.later_system:
                self._drop("later_system")
                instructions += [part.text for part in turn.parts if isinstance(part, Text)]
            else:
                self._turn(turn, written)
        if not written:
            raise CallerError("The request holds no message of the user.")
        if request.turns[-1].role is Role.ASSISTANT:
            if self._model.prefill is Prefill.REFUSED:
                why = "the model does not go on from a turn of the assistant"
                raise verdicts.refusal(self._name("prefill"), why)
            self._drop("prefill")  # the model begins its answer anew instead of going on
        return self._instructions("\n\n".join(instructions), written)

    def sampling(self) -> Fields:
        """Return the sampling fields that the model takes."""
        request = self._request
        fields: Fields = {}
        for name in ("temperature", "top_p"):
            if getattr(request, name) is not None:
                if self._model.sampling:
                    fields[name] = getattr(request, name)
                else:
                    self._drop(name)
        for name in ("top_k", "seed", "frequency_penalty", "presence_penalty"):
            if getattr(request, name) is not None:
                self._drop(name)
        if request.stop:
            raise verdicts.refusal(self._name("stop"), "the upstream's API has no stop sequences")
        return fields

    def tools(self) -> Fields:
        """Return ``tools`` and how they are to be used."""
        request = self._request
        if not request.tools:
            return {}
        if self._model.names_completion_tokens:  # OpenAI's own: engines may allow more
            for tool in request.tools:
                if len(tool.name) > TOOL_NAME_CHARS_MAX:
                    why = f"a name may have {TOOL_NAME_CHARS_MAX} characters"
                    raise verdicts.refusal(f"tools.{tool.name}", why)
        choice = request.tool_choice or ToolChoice()
        is_forced = choice.mode in (ChoiceMode.REQUIRED, ChoiceMode.ONE)
        if is_forced and not self._model.forced_tool:
            raise verdicts.refusal(
                self._name("tool_choice"), "the model cannot be made to call a tool"
            )
        if choice.is_parallel is not None and not self._model.parallel_tools:
            self._drop("parallel")
            choice = msgspec.structs.replace(choice, is_parallel=None)
        fields: Fields = {"tools": [_tool(tool) for tool in request.tools]}
        return fields | _choice(choice)

    def text(self) -> Fields:
        """Return ``text``: what form the answer has."""
        request = self._request
        text: Fields = {}
        if request.is_json:
            text["format"] = {"type": "json_object"}
        elif request.schema is not None:
            # OpenAI refuses a strict schema with an open object; not strict, it is a hint only.
            is_strict = request.is_schema_strict and json_schema.is_strict(request.schema)
            if request.is_schema_strict and not is_strict:
                self._drop("schema")
            text["format"] = {
                "type": "json_schema",
                "name": request.schema_name,
                "schema": request.schema,
                "strict": is_strict,
            }
        if request.verbosity and self._model.verbosity:
            text["verbosity"] = request.verbosity
        elif request.verbosity:
            self._drop("verbosity")
        return {"text": text} if text else {}

    def reasoning(self) -> Fields:
        """Return ``reasoning``: how much of it, and whether it is shown."""
        asked, model = self._request.effort, self._model
        if not model.efforts:
            if asked and asked != "none":
                self._drop("effort")
            if self._request.shows_thinking:
                self._drop("shows_thinking")
            return {}
        reasoning: Fields = {}
        if asked:
            effort = nearest_effort(asked, model.efforts)
            if effort != asked:
                self._drop("effort")
            reasoning["effort"] = effort
        if self._request.shows_thinking:
            reasoning["summary"] = "auto"
        return {"reasoning": reasoning} if reasoning else {}

    def options(self) -> Fields:
        """Return what else goes with the request."""
        request = self._request
        fields: Fields = {}
        if request.output_tokens_max is not None:
            fields["max_output_tokens"] = self._tokens_max(request.output_tokens_max)
        is_own = self._model.names_completion_tokens  # OpenAI's: engines know less
        if request.service_tier and is_own:
            fields["service_tier"] = TIERS[request.service_tier]
        elif request.service_tier:
            self._drop("service_tier")
        if request.cache_key and is_own:
            fields["prompt_cache_key"] = request.cache_key
        elif request.cache_key:
            self._drop("cache_key")
        if request.user:
            fields["safety_identifier" if is_own else "user"] = end_user.short(request.user)
        return fields

    def _tokens_max(self, asked: int) -> int:
        if asked < 1:
            raise verdicts.refusal(self._name("output_max"), "at least one token must come out")
        most = self._model.output_tokens_max
        if not most or asked <= most or not self._model.is_known:
            return asked
        self._drop("output_max")
        return most

    def _instructions(self, text: str, written: list[Fields]) -> Fields:
        """Return the input with its instructions, as a message where a cache point is behind."""
        is_marked = bool(text) and self._request.caches_system
        if is_marked and self._model.cache_points:
            content = self._content([Text(text), CachePoint()])
            return {"input": [{"role": "system", "content": content}, *written]}
        if is_marked:
            self._drop("cache")
        fields: Fields = {"instructions": text} if text else {}
        return fields | {"input": written}

    def _turn(self, turn: Turn, items: list[Fields]) -> None:
        said: list[Part] = []
        before: Part | None = None
        for part, after in zip(turn.parts, (*turn.parts[1:], None), strict=True):
            if isinstance(part, ToolCall | ToolResult):
                self._say(turn.role, said, items)
                said = []
            if isinstance(part, ToolCall):
                items.append(self._call(part))
            elif isinstance(part, ToolResult):
                items.append(self._result(part, after))
            elif not (isinstance(part, CachePoint) and isinstance(before, ToolResult)):
                said.append(part)
            before = part
        self._say(turn.role, said, items)

    def _say(self, role: Role, said: list[Part], items: list[Fields]) -> None:
        """Write what has gathered as one message."""
        if role is Role.ASSISTANT:
            self.dropped += [self._name("cache") for part in said if isinstance(part, CachePoint)]
            text = "".join(part.text for part in said if isinstance(part, Text))
            if text:
                items.append({"role": "assistant", "content": text})
        elif said:
            content = self._content(said)
            is_one = role is Role.SYSTEM or len(content) == 1
            items.append(
                {"role": role.value, "content": _plain(content, "\n\n") if is_one else content}
            )

    def _call(self, call: ToolCall) -> Fields:
        return {
            "type": "function_call",
            "call_id": self._ids.of_call(call.id),
            "name": call.name,
            "arguments": call.arguments or "{}",
        }

    def _result(self, result: ToolResult, after: Part | None) -> Fields:
        """Return a result, with the cache point that may stand behind it."""
        said: list[Part] = [*result.content]
        if result.is_error:
            self._drop("is_error")
            said = _marked_as_error(said)
        if isinstance(after, CachePoint):
            said.append(after)
        call_id = self._ids.of_result(result.call_id)
        output = _plain(self._content(said), "\n")
        return {"type": "function_call_output", "call_id": call_id, "output": output}

    def _content(self, said: list[Part]) -> list[Fields]:
        content: list[Fields] = []
        for part in said:
            match part:
                case Text(text=text):
                    content.append({"type": "input_text", "text": text})
                case Image():
                    url = part.url or f"data:{part.media_type};base64,{part.data}"
                    content.append({"type": "input_image", "image_url": url, "detail": "auto"})
                case Document():
                    content.append(self._document(part))
                case CachePoint():
                    self._mark(part, content)
                case ToolCall() | ToolResult():
                    pass  # items of their own
        return content

    def _document(self, document: Document) -> Fields:
        if document.text:
            self._drop("document_text")
            title = f"{document.title}\n\n" if document.title else ""
            return {"type": "input_text", "text": title + document.text}
        if document.url:
            return {"type": "input_file", "file_url": document.url}
        return {
            "type": "input_file",
            "filename": document.title or "document" + EXTENSIONS.get(document.media_type, ""),
            "file_data": f"data:{document.media_type};base64,{document.data}",
        }

    def _mark(self, point: CachePoint, content: list[Fields]) -> None:
        """Put a cache point on the last part, if there is one and the model knows of such."""
        if not content or not self._model.cache_points:
            self._drop("cache")
            return
        if point.ttl not in TTLS:
            self._drop("cache")
        content[-1]["prompt_cache_breakpoint"] = {"mode": "explicit"} | TTLS.get(point.ttl, {})

    def _name(self, concept: str) -> str:
        return verdicts.name_of(concept, self._request.concepts)

    def _drop(self, concept: str) -> None:
        self.dropped.append(self._name(concept))


def _plain(content: list[Fields], between: str) -> str | list[Fields]:
    """Return texts without a cache point as one string."""
    if any(part.keys() != {"type", "text"} for part in content):
        return content
    return between.join(str(part["text"]) for part in content)


def _marked_as_error(said: list[Part]) -> list[Part]:
    """Return a result whose first text says that it is an error: there is no field for it."""
    if said and isinstance(said[0], Text):
        return [Text(f"Error: {said[0].text}"), *said[1:]]
    return [Text("Error:"), *said]


def _choice(choice: ToolChoice) -> Fields:
    fields: Fields = {}
    if choice.mode is ChoiceMode.ONE:
        fields["tool_choice"] = {"type": "function", "name": choice.name}
    elif choice.mode is not ChoiceMode.AUTO:
        fields["tool_choice"] = choice.mode.value
    if choice.is_parallel is not None:
        fields["parallel_tool_calls"] = choice.is_parallel
    return fields


def _tool(tool: Tool) -> Fields:
    # Strict is what this API means if nothing is said, and it refuses open schemas then.
    fields: Fields = {
        "type": "function",
        "name": tool.name,
        "parameters": tool.schema,
        "strict": tool.is_strict,
    }
    return fields | {"description": tool.description} if tool.description else fields
