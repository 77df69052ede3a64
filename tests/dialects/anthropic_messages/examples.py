"""A request in Anthropic Messages for each concept that its table names."""

from typing import Final

from tests.dialects.examples import CLOSED, PIXEL, Examples, Fields

HI: Final[Fields] = {"role": "user", "content": "hi"}
USE: Final[Fields] = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
TOOLS: Final = [{"name": "f", "input_schema": {"type": "object"}}]


def user(*blocks: Fields) -> Fields:
    return {"messages": [{"role": "user", "content": [*blocks, {"type": "text", "text": "hi"}]}]}


def claude_result(*, beside: Fields | None = None, **fields: object) -> Fields:
    result: Fields = {"type": "tool_result", "tool_use_id": "c", "content": "ok"}
    blocks = [USE] if beside is None else [beside, USE]
    turns = [
        HI,
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": [result | fields]},
    ]
    return {"messages": turns, "tools": TOOLS}


BY_CONCEPT: Final[dict[str, Fields]] = {
    "model": {},
    "stream": {"stream": True},
    "turns": {"messages": [HI, HI]},
    "system": {"system": [{"type": "text", "text": "be brief"}]},
    "later_system": {"messages": [HI, {"role": "system", "content": "be brief"}]},
    "first_turn": {"messages": [{"role": "assistant", "content": "Hello!"}, HI]},
    "prefill": {"messages": [HI, {"role": "assistant", "content": "I"}]},
    "images": user(
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
        }
    ),
    "image_urls": user(
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}
    ),
    "documents": user(
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
        }
    ),
    "document_url": user(
        {"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}}
    ),
    "document_text": user(
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}
    ),
    "files": user({"type": "image", "source": {"type": "file", "file_id": "f"}}),
    "search_results": user(
        {"type": "search_result", "source": "https://x.example", "title": "t", "content": []}
    ),
    "server_tools": {
        "messages": [
            HI,
            {"role": "assistant", "content": [{"type": "server_tool_use", "id": "s"}]},
        ]
    },
    "calls": claude_result(),
    "results": claude_result(),
    "result_images": claude_result(
        content=[
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
            }
        ]
    ),
    "result_documents": claude_result(
        content=[
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
            }
        ]
    ),
    "is_error": claude_result(is_error=True),
    "thinking_history": claude_result(
        beside={"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    ),
    "thinking_signature": claude_result(
        beside={"type": "redacted_thinking", "data": "c2ln"},
    ),
    "citations": user({"type": "text", "text": "a", "citations": [{}]}),
    "cache": user({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}),
    "output_max": {"max_tokens": 7},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 5},
    "stop": {"stop_sequences": ["END"]},
    "tools": {"tools": TOOLS},
    "tool_strict": {"tools": [{"name": "f", "input_schema": CLOSED, "strict": True}]},
    "tool_extras": {"tools": [{"name": "f", "input_schema": CLOSED, "input_examples": [{}]}]},
    "hosted_tools": {"tools": [{"type": "web_search_20260209", "name": "web_search"}]},
    "tool_choice": {"tools": TOOLS, "tool_choice": {"type": "any"}},
    "parallel": {
        "tools": TOOLS,
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    },
    "schema": {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
    "effort": {"thinking": {"type": "enabled", "budget_tokens": 8192}},
    "shows_thinking": {"thinking": {"type": "adaptive", "display": "omitted"}},
    "user": {"metadata": {"user_id": "u"}},
    "service_tier": {"service_tier": "auto"},
    "speed": {"speed": "fast"},
    "container": {"container": "c"},
    "mcp": {"mcp_servers": [{"name": "s"}]},
    "context_management": {"context_management": {"edits": [{}]}},
    "diagnostics": {"diagnostics": {"previous_message_id": "m"}},
    "fallbacks": {"fallbacks": [{"model": "m"}]},
    "geo": {"inference_geo": "eu"},
    "profile": {"user_profile_id": "p"},
    "workspace": {"workspace_id": "w"},
}
EXAMPLES: Final = Examples(
    body={"model": "m", "messages": [HI], "max_tokens": 100},
    history="messages",
    model="claude-sonnet-4-5",
    models={"prefill": "claude-opus-4-6"},
    by_concept=BY_CONCEPT,
)
