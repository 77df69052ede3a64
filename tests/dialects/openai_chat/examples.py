"""A request in OpenAI chat for each concept that its table names."""

from typing import Final

from tests.dialects.examples import CLOSED, PIXEL, Examples, Fields

HI: Final[Fields] = {"role": "user", "content": "hi"}
CALL: Final[Fields] = {
    "role": "assistant",
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ],
}
RESULT: Final[Fields] = {"role": "tool", "tool_call_id": "c", "content": "ok"}
TOOLS: Final = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def user(*blocks: Fields) -> Fields:
    return {"messages": [{"role": "user", "content": [*blocks, {"type": "text", "text": "hi"}]}]}


def openai_result(**fields: object) -> Fields:
    return {"messages": [HI, CALL | fields, RESULT], "tools": TOOLS}


FUNCTION: Final[Fields] = {"type": "function", "function": {"name": "f"}}
STRICT: Final = [
    {"type": "function", "function": {"name": "f", "parameters": CLOSED, "strict": True}}
]
BY_CONCEPT: Final[dict[str, Fields]] = {
    "model": {},
    "stream": {"stream": True},
    "turns": {"messages": [HI, HI]},
    "system": {"messages": [{"role": "developer", "content": "be brief"}, HI]},
    "later_system": {"messages": [HI, {"role": "system", "content": "be brief"}]},
    "first_turn": {"messages": [{"role": "assistant", "content": "Hello!"}, HI]},
    "prefill": {"messages": [HI, {"role": "assistant", "content": "I"}]},
    "images": user({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}),
    "image_urls": user({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}),
    "image_detail": user(
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"},
        }
    ),
    "documents": user(
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg=="}}
    ),
    "files": user({"type": "file", "file": {"file_id": "f"}}),
    "audio_in": user({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}),
    "calls": openai_result(),
    "results": openai_result(),
    "speaker": {"messages": [HI | {"name": "ada"}]},
    "thinking_history": openai_result(reasoning_content="hm"),
    "cache": user({"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}),
    "cache_key": {"prompt_cache_key": "k"},
    "cache_options": {"prompt_cache_options": {"mode": "explicit"}},
    "cache_retention": {"prompt_cache_retention": "24h"},
    "output_max": {"max_completion_tokens": 7},
    "output_max_old": {"max_tokens": 7},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "stop": {"stop": ["END"]},
    "seed": {"seed": 7},
    "frequency_penalty": {"frequency_penalty": 1},
    "presence_penalty": {"presence_penalty": 1},
    "logit_bias": {"logit_bias": {"1": 1}},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"top_logprobs": 2},
    "n": {"n": 2},
    "tools": {"tools": TOOLS},
    "tool_strict": {"tools": STRICT},
    "hosted_tools": {"tools": [{"type": "web_search"}]},
    "custom_tools": {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
    "tool_choice": {"tools": TOOLS, "tool_choice": FUNCTION},
    "allowed_tools": {
        "tools": TOOLS,
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [FUNCTION]},
        },
    },
    "parallel": {"tools": TOOLS, "parallel_tool_calls": False},
    "functions": {"functions": [{"name": "f"}]},
    "function_call": {"function_call": "auto"},
    "schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": CLOSED, "strict": True},
        }
    },
    "json": {"response_format": {"type": "json_object"}},
    "effort": {"reasoning_effort": "low"},
    "verbosity": {"verbosity": "low"},
    "user": {"user": "u"},
    "safety_identifier": {"safety_identifier": "u"},
    "metadata": {"metadata": {"a": "b"}},
    "service_tier": {"service_tier": "flex"},
    "store": {"store": True},
    "prediction": {"prediction": {"type": "content", "content": "a"}},
    "moderation": {"moderation": {"model": "m"}},
    "modalities": {"modalities": ["text", "audio"]},
    "audio": {"audio": {"voice": "v"}},
    "web_search": {"web_search_options": {"search_context_size": "low"}},
    "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
}
EXAMPLES: Final = Examples(
    body={"model": "m", "messages": [HI]},
    history="messages",
    model="gpt-oss-20b",
    models=dict.fromkeys(("cache", "verbosity", "service_tier", "cache_key"), "gpt-5.6"),
    by_concept=BY_CONCEPT,
)
