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

import hashlib
from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import capability, json_schema, verdicts
from penstock.dialects.message import (
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
from penstock.dialects.tool_ids import ToolIds

Fields = dict[str, object]
NAME: Final = "openai_responses"
CALL_ID_CHARS_MAX: Final = 64
USER_CHARS_MAX: Final = 64
TOOL_NAME_CHARS_MAX: Final = 64
_FILENAMES: Final[dict[str, str]] = {"application/pdf": "file.pdf", "text/plain": "file.txt"}


def write_request(request: Request, model: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the body for ``model``, and the caller's fields that it changes or leaves out."""
    writer = _Writer(request, capability.openai(model))
    body: Fields = {"model": model}
    if request.system:
        body["instructions"] = request.system
    body |= {"input": writer.items(), "store": False}
    body |= writer.sampling() | writer.tools() | writer.text() | writer.reasoning()
    body |= writer.options()
    if request.is_stream:
        body |= {"stream": True, "stream_options": {"include_obfuscation": False}}
    return msgspec.json.encode(body), tuple(dict.fromkeys([*request.dropped, *writer.dropped]))


class _Writer:
    """Writes the parts of one request, and notes what it loses."""

    def __init__(self, request: Request, model: capability.OpenAI) -> None:
        self._request = request
        self._model = model
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self.dropped: list[str] = []

    def items(self) -> list[Fields]:
        """Return ``input``."""
        request = self._request
        if request.caches_system or request.caches_tools:
            self._drop("cache")
        written = [item for turn in request.turns for item in self._turn(turn)]
        if not written:
            raise CallerError("The request holds no message of the user.")
        if request.turns[-1].role is Role.ASSISTANT:
            self._drop("prefill")  # the model begins its answer anew instead of going on
        return written

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
        fields: Fields = {"tools": [_tool(tool) for tool in request.tools]}
        return fields | _choice(request.tool_choice or ToolChoice())

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
        if request.verbosity:
            self._drop("verbosity")  # a model that has none refuses it
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
            effort = capability.nearest_effort(asked, model.efforts)
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
            if request.output_tokens_max < 1:
                raise verdicts.refusal(self._name("output_max"), "at least one token must come out")
            fields["max_output_tokens"] = request.output_tokens_max
        if request.service_tier:
            tier = request.service_tier
            fields["service_tier"] = "default" if tier == "standard" else tier
        if request.cache_key:
            fields["prompt_cache_key"] = request.cache_key
        if request.user:
            fields["safety_identifier"] = _short(request.user)
        return fields

    def _turn(self, turn: Turn) -> list[Fields]:
        items: list[Fields] = []
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolCall | ToolResult):
                _flush(turn.role, parts, items)
                items.append(self._call(part) if isinstance(part, ToolCall) else self._result(part))
            elif isinstance(part, Text | Image | Document):
                parts.append(part)
            else:
                self._drop("cache")
        _flush(turn.role, parts, items)
        return items

    def _call(self, call: ToolCall) -> Fields:
        return {
            "type": "function_call",
            "call_id": self._ids.of_call(call.id),
            "name": call.name,
            "arguments": call.arguments or "{}",
        }

    def _result(self, result: ToolResult) -> Fields:
        content: list[Part] = [*result.content]
        if result.is_error:
            self._drop("is_error")
            content = _marked(content)
        output: str | list[Fields]
        if all(isinstance(part, Text) for part in content):
            output = "\n".join(part.text for part in content if isinstance(part, Text))
        else:
            output = [_part(part) for part in content]
        call_id = self._ids.of_result(result.call_id)
        return {"type": "function_call_output", "call_id": call_id, "output": output}

    def _name(self, concept: str) -> str:
        return verdicts.name_of(concept, self._request.concepts)

    def _drop(self, concept: str) -> None:
        self.dropped.append(self._name(concept))


def _flush(role: Role, parts: list[Part], items: list[Fields]) -> None:
    """Write what has gathered as one message."""
    if not parts:
        return
    if all(isinstance(part, Text) for part in parts) and (role is not Role.USER or len(parts) == 1):
        between = "" if role is Role.ASSISTANT else "\n\n"
        text = between.join(part.text for part in parts if isinstance(part, Text))
        items.append({"role": role.value, "content": text})
    else:
        items.append({"role": role.value, "content": [_part(part) for part in parts]})
    parts.clear()


def _part(part: Part) -> Fields:
    match part:
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case Document(text=text) if text:
            return {"type": "input_text", "text": f"{part.title}\n\n{text}" if part.title else text}
        case Document(url=url) if url:
            return {"type": "input_file", "file_url": url}
        case Document():
            return {
                "type": "input_file",
                "filename": part.title or _FILENAMES.get(part.media_type, "file"),
                "file_data": f"data:{part.media_type};base64,{part.data}",
            }
        case _:
            return {"type": "input_text", "text": part.text if isinstance(part, Text) else ""}


def _marked(content: list[Part]) -> list[Part]:
    """Return a result whose first text says that it is an error: there is no field for it."""
    if content and isinstance(content[0], Text):
        return [Text(f"Error: {content[0].text}"), *content[1:]]
    return [Text("Error:"), *content]


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


def _short(user: str) -> str:
    if len(user) <= USER_CHARS_MAX:
        return user
    return hashlib.sha256(user.encode()).hexdigest()
