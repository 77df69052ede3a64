"""A request in OpenAI Responses for each concept that its table names."""

from typing import Final

from tests.dialects.examples import CLOSED, PIXEL, Examples, Fields

HI: Final[Fields] = {"role": "user", "content": "hi"}
CALL: Final[Fields] = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
RESULT: Final[Fields] = {"type": "function_call_output", "call_id": "c", "output": "ok"}
TOOLS: Final = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
FUNCTION: Final[Fields] = {"type": "function", "name": "f"}
PDF: Final = "data:application/pdf;base64,JVBERg=="


def user(*parts: Fields) -> Fields:
    text: Fields = {"type": "input_text", "text": "hi"}
    return {"input": [{"role": "user", "content": [*parts, text]}]}


def result(*before: Fields, **fields: object) -> Fields:
    return {"input": [HI, *before, CALL, RESULT | fields], "tools": TOOLS}


BY_CONCEPT: Final[dict[str, Fields]] = {
    "model": {},
    "stream": {"stream": True},
    "turns": {"input": [HI, HI]},
    "system": {"instructions": "be brief", "input": [{"role": "developer", "content": "!"}, HI]},
    "later_system": {"input": [HI, {"role": "developer", "content": "be brief"}]},
    "first_turn": {"input": [{"role": "assistant", "content": "Hello!"}, HI]},
    "prefill": {"input": [HI, {"role": "assistant", "content": "I"}]},
    "images": user(
        {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PIXEL}"}
    ),
    "image_urls": user(
        {"type": "input_image", "detail": "auto", "image_url": "https://x.example/a.png"}
    ),
    "image_detail": user(
        {"type": "input_image", "detail": "low", "image_url": f"data:image/png;base64,{PIXEL}"}
    ),
    "documents": user({"type": "input_file", "filename": "a.pdf", "file_data": PDF}),
    "document_url": user({"type": "input_file", "file_url": "https://x.example/a.pdf"}),
    "files": user({"type": "input_file", "file_id": "f"}),
    "calls": result(),
    "results": result(),
    "result_images": result(
        output=[{"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}]
    ),
    "result_documents": result(output=[{"type": "input_file", "file_data": PDF}]),
    "server_tools": {"input": [HI, {"type": "web_search_call", "id": "ws_1"}]},
    "tools": {"tools": TOOLS},
    "tool_strict": {"tools": [FUNCTION | {"parameters": CLOSED, "strict": True}]},
    "tool_extras": {"tools": [FUNCTION | {"parameters": CLOSED, "output_schema": CLOSED}]},
    "hosted_tools": {"tools": [{"type": "web_search"}]},
    "custom_tools": {"tools": [{"type": "custom", "name": "f"}]},
    "tool_choice": {"tools": TOOLS, "tool_choice": FUNCTION},
    "allowed_tools": {
        "tools": TOOLS,
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [FUNCTION]},
    },
    "parallel": {"tools": TOOLS, "parallel_tool_calls": False},
    "tool_calls_max": {"max_tool_calls": 3},
    "effort": {"reasoning": {"effort": "low"}},
    "shows_thinking": {"reasoning": {"summary": "auto"}},
    "thinking_history": result({"type": "reasoning", "id": "rs_1", "summary": []}),
    "reasoning_context": {"reasoning": {"context": "all_turns"}},
    "output_max": {"max_output_tokens": 100},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "logprobs": {"include": ["message.output_text.logprobs"]},
    "top_logprobs": {"top_logprobs": 2},
    "schema": {
        "text": {"format": {"type": "json_schema", "name": "a", "schema": CLOSED, "strict": True}}
    },
    "json": {"text": {"format": {"type": "json_object"}}},
    "verbosity": {"text": {"verbosity": "low"}},
    "image_options": {"image": {"context_compression": "enabled"}},
    "stream_options": {"stream": True, "stream_options": {"include_obfuscation": False}},
    "include": {"include": ["reasoning.encrypted_content"]},
    "cache": user(
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    ),
    "cache_key": {"prompt_cache_key": "k"},
    "cache_options": {"prompt_cache_options": {"mode": "explicit"}},
    "cache_retention": {"prompt_cache_retention": "24h"},
    "store": {"store": True},
    "previous_response": {"previous_response_id": "resp_1"},
    "conversation": {"conversation": "conv_1"},
    "background": {"background": True},
    "background_options": {"background_options": {"completion_window": "2h"}},
    "prompt": {"prompt": {"id": "pmpt_1"}},
    "truncation": {"truncation": "auto"},
    "context_management": {"context_management": [{"type": "compaction"}]},
    "user": {"user": "u"},
    "safety_identifier": {"safety_identifier": "u"},
    "metadata": {"metadata": {"a": "b"}},
    "service_tier": {"service_tier": "flex"},
    "moderation": {"moderation": {"model": "m"}},
    "access_programs": {"access_programs": {"cyber": "standard"}},
}
EXAMPLES: Final = Examples(
    body={"model": "m", "input": [HI]},
    history="input",
    model="gpt-oss-20b",
    models=dict.fromkeys(("cache", "verbosity", "service_tier", "cache_key"), "gpt-5.6"),
    by_concept=BY_CONCEPT,
)
