"""OpenAI chat requests, written from the common model.

system             first; later instructions where they stood
user               text, image_url, file; a single text as a string
assistant          one string, tool_calls
results            a message each, before everything else of the turn
in a result        text; pictures and documents go into the user message that follows
a cache point      ``prompt_cache_breakpoint`` of the part before it, where the model knows it
"""

from collections.abc import Iterable
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
from penstock.dialects.tool_ids import ToolIds

Fields = dict[str, object]
NAME: Final = "openai_chat"
CALL_ID_CHARS_MAX: Final = 40
TOOL_NAME_CHARS_MAX: Final = 64
STOPS_MAX: Final = 4
ANY_OBJECT: Final[Fields] = {"type": "object"}
TIERS: Final[dict[str, str]] = {
    "auto": "auto",
    "standard": "default",
    "flex": "flex",
    "priority": "priority",
}
# A cache point lives for half an hour at least, so these wishes come true.
KEPT_TTLS: Final = ("", "5m", "30m")
EXTENSIONS: Final[dict[str, str]] = {"application/pdf": ".pdf", "text/plain": ".txt"}


def write_request(
    request: Request, model: str, capability: Capability
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body for ``model``, and the caller's fields that it changes or leaves out."""
    writer = _Writer(request, capability)
    body: Fields = {"model": model, "messages": writer.messages()}
    body |= writer.options() | writer.tools() | writer.prefill()
    if request.is_stream:
        body["stream"] = True
        if capability.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(body), tuple(dict.fromkeys([*request.dropped, *writer.dropped]))


class _Writer:
    """Writes the parts of one request, and notes what it loses."""

    def __init__(self, request: Request, model: Capability) -> None:
        self._request = request
        self._model = model
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._goes_on = False
        self.dropped: list[str] = []

    def messages(self) -> list[Fields]:
        """Return ``messages``."""
        written: list[Fields] = []
        hoisted: list[Part] = []
        for turn in self._request.turns:
            if turn.role is Role.ASSISTANT:
                written.append(self._assistant(turn))
            elif turn.role is Role.SYSTEM and not self._model.later_system:
                self._drop("later_system")
                hoisted += turn.parts
            elif turn.role is Role.SYSTEM:
                written.append({"role": "system", "content": self._texts(turn.parts, "\n\n")})
            else:
                written += self._user(turn)
        if self._request.system or hoisted:
            written.insert(0, {"role": "system", "content": self._system(hoisted)})
        if not written:
            raise CallerError("messages must not be empty.", param="messages")
        if written[-1]["role"] == "assistant":
            self._go_on(written[-1])
        return written

    def prefill(self) -> Fields:
        """Return what makes the model go on from a last turn; asked after ``messages``."""
        if not self._goes_on:
            return {}
        return {"continue_final_message": True, "add_generation_prompt": False}

    def options(self) -> Fields:
        """Return what steers the answer."""
        request, model = self._request, self._model
        options: Fields = {}
        if request.output_tokens_max is not None:
            if request.output_tokens_max < 1:
                raise verdicts.refusal(self._name("output_max"), "at least one token must come out")
            name = "max_completion_tokens" if model.names_completion_tokens else "max_tokens"
            options[name] = self._tokens_max(request.output_tokens_max)
        takes = {
            "temperature": model.sampling,
            "top_p": model.sampling,
            "top_k": False,
            "frequency_penalty": model.sampling,
            "presence_penalty": model.sampling,
            "seed": True,
            "verbosity": model.verbosity,
            "shows_thinking": False,
        }
        for name, is_taken in takes.items():
            value = getattr(request, name)
            if value is None or value == "":
                continue
            if is_taken:
                options[name] = value
            else:
                self._drop(name)
        if request.user:
            options["user"] = end_user.short(request.user)
        return options | self._stop() | self._format() | self._effort() | self._service()

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
        shown = request.tools
        if choice.mode is ChoiceMode.ONE and not self._model.named_tool:  # the only one there is
            shown = tuple(tool for tool in shown if tool.name == choice.name)
            choice = msgspec.structs.replace(choice, mode=ChoiceMode.REQUIRED)
        fields: Fields = {"tools": [_tool(tool) for tool in shown]}
        return fields | _choice(choice)

    def _go_on(self, last: Fields) -> None:
        """See to it that the model goes on from a last turn of its own, as far as it can."""
        match self._model.prefill:
            case Prefill.REFUSED:
                raise verdicts.refusal(
                    self._name("prefill"), "the model does not go on from a turn of the assistant"
                )
            case Prefill.RESTARTS:
                self._drop("prefill")
            case Prefill.CONTINUE:
                self._goes_on = True
            case Prefill.PREFIX:
                last["prefix"] = True
            case Prefill.LITERAL:
                pass

    def _tokens_max(self, asked: int) -> int:
        most = self._model.output_tokens_max
        if not most or asked <= most or not self._model.is_known:
            return asked
        self._drop("output_max")
        return most

    def _system(self, hoisted: list[Part]) -> str | list[Fields]:
        request = self._request
        if request.caches_tools:
            self._drop("cache")  # its place is behind the instructions, if anywhere
        point = [CachePoint()] if request.caches_system and request.system else []
        leading = [Text(request.system)] if request.system else []
        return self._texts([*leading, *point, *hoisted], "\n\n")

    def _assistant(self, turn: Turn) -> Fields:
        content = self._texts(turn.parts, "")
        calls = [
            {
                "id": self._ids.of_call(part.id),
                "type": "function",
                "function": {"name": part.name, "arguments": part.arguments or "{}"},
            }
            for part in turn.parts
            if isinstance(part, ToolCall)
        ]
        message: Fields = {"role": "assistant"}
        if content or not calls:  # beside calls it may be absent; null is not taken everywhere
            message["content"] = content
        return message | {"tool_calls": calls} if calls else message

    def _user(self, turn: Turn) -> list[Fields]:
        messages: list[Fields] = []
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                messages.append(self._result(part))
                parts += [inner for inner in part.content if not isinstance(inner, Text)]
            elif isinstance(part, CachePoint) and messages and not parts:
                result = (Text(str(messages[-1]["content"])), part)
                messages[-1]["content"] = self._texts(result, "")
            else:
                parts.append(part)
        content = self._content(parts)
        if len(content) == 1 and content[0].keys() == {"type", "text"}:
            messages.append({"role": "user", "content": content[0]["text"]})
        elif content:
            messages.append({"role": "user", "content": content})
        return messages

    def _result(self, result: ToolResult) -> Fields:
        text = "\n".join(part.text for part in result.content if isinstance(part, Text))
        if result.is_error:
            self._drop("is_error")
            text = f"Error: {text}"
        for kind, concept in ((Image, "result_images"), (Document, "result_documents")):
            if any(isinstance(part, kind) for part in result.content):
                self._drop(concept)
                text = text or f"The {kind.__name__.lower()} is in the next message."
        call_id = self._ids.of_result(result.call_id)
        return {"role": "tool", "tool_call_id": call_id, "content": text}

    def _texts(self, parts: Iterable[Part], between: str) -> str | list[Fields]:
        """Return the texts as one, or as parts where a cache point stands behind one of them."""
        texts: list[Fields] = []
        before: Part | None = None
        for part in parts:
            if isinstance(part, Text):
                texts.append({"type": "text", "text": part.text})
            elif isinstance(part, CachePoint):
                self._mark(part, texts if isinstance(before, Text) else [])
            before = part
        if any(len(text) > len(("type", "text")) for text in texts):
            return texts
        return between.join(str(text["text"]) for text in texts)

    def _content(self, parts: Iterable[Part]) -> list[Fields]:
        content: list[Fields] = []
        for part in parts:
            match part:
                case Text(text=text):
                    content.append({"type": "text", "text": text})
                case Image():
                    content.append(self._image(part))
                case Document():
                    content.append(self._document(part))
                case CachePoint():
                    self._mark(part, content)
                case ToolCall() | ToolResult():
                    pass  # written where they belong
        return content

    def _image(self, image: Image) -> Fields:
        if image.url and not self._model.image_urls:
            raise verdicts.refusal("messages", "the model takes pictures as data, not as URLs")
        return _image(image)

    def _document(self, document: Document) -> Fields:
        if document.url:
            why = "the upstream takes documents, but does not fetch them"
            raise verdicts.refusal(self._name("document_url"), why)
        if document.text:
            self._drop("document_text")
            title = f"{document.title}\n\n" if document.title else ""
            return {"type": "text", "text": title + document.text}
        name = document.title or "document" + EXTENSIONS.get(document.media_type, "")
        data = f"data:{document.media_type};base64,{document.data}"
        return {"type": "file", "file": {"filename": name, "file_data": data}}

    def _mark(self, point: CachePoint, content: list[Fields]) -> None:
        """Put a cache point on the last part, if there is one and the model knows of such."""
        if not content or not self._model.cache_points:
            self._drop("cache")
            return
        if point.ttl not in KEPT_TTLS:
            self._drop("cache")
        content[-1]["prompt_cache_breakpoint"] = {"mode": "explicit"}

    def _service(self) -> Fields:
        fields: Fields = {}
        if self._request.service_tier:
            fields["service_tier"] = TIERS[self._request.service_tier]
        if self._request.cache_key:
            fields["prompt_cache_key"] = self._request.cache_key
        if fields and not self._model.names_completion_tokens:
            for name, concept in (
                ("service_tier", "service_tier"),
                ("prompt_cache_key", "cache_key"),
            ):
                if name in fields:
                    self._drop(concept)
            return {}
        return fields

    def _stop(self) -> Fields:
        stop = self._request.stop
        if not stop:
            return {}
        if len(stop) > STOPS_MAX or not self._model.stop:
            why = f"at most {STOPS_MAX} are" if self._model.stop else "the model takes none"
            raise verdicts.refusal(self._name("stop"), why)
        return {"stop": list(stop)}

    def _format(self) -> Fields:
        request = self._request
        if request.is_json and self._model.json_mode:
            return {"response_format": {"type": "json_object"}}
        if request.is_json:  # any object, where only schemas are known
            request = msgspec.structs.replace(request, schema=ANY_OBJECT, is_schema_strict=False)
        if request.schema is None:
            return {}
        if not self._model.structured_output:
            raise verdicts.refusal(self._name("schema"), "the model takes no schema")
        # OpenAI refuses a strict schema with an open object; what is not strict is a hint only.
        is_strict = request.is_schema_strict and json_schema.is_strict(request.schema)
        if request.is_schema_strict and not is_strict:
            self._drop("schema")
        schema = {"name": request.schema_name, "schema": request.schema, "strict": is_strict}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def _effort(self) -> Fields:
        asked = self._request.effort
        if not asked:
            return {}
        if not self._model.efforts:
            if asked != "none":
                self._drop("effort")
            return {}
        effort = nearest_effort(asked, self._model.efforts)
        if effort != asked:
            self._drop("effort")
        return {"reasoning_effort": effort}

    def _name(self, concept: str) -> str:
        return verdicts.name_of(concept, self._request.concepts)

    def _drop(self, concept: str) -> None:
        self.dropped.append(self._name(concept))


def _choice(choice: ToolChoice) -> Fields:
    fields: Fields = {}
    if choice.mode is ChoiceMode.ONE:
        fields["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice.mode is not ChoiceMode.AUTO:
        fields["tool_choice"] = choice.mode.value
    if choice.is_parallel is not None:
        fields["parallel_tool_calls"] = choice.is_parallel
    return fields


def _tool(tool: Tool) -> Fields:
    function: Fields = {"name": tool.name, "parameters": tool.schema}
    if tool.description:
        function["description"] = tool.description
    if tool.is_strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _image(image: Image) -> Fields:
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    return {"type": "image_url", "image_url": {"url": url}}
