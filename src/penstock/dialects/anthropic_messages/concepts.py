"""What Anthropic Messages calls each concept, and what becomes of one that is written to it."""

from typing import Final

from penstock.dialects.concepts import Concept, Verdict

C, A, D, R = Verdict.CARRIED, Verdict.APPROXIMATED, Verdict.DROPPED, Verdict.REFUSED
SAMPLING: Final = "Dropped where the model's family refuses it, or thinks."
HOSTED: Final = "Runs at the vendor; nobody else has it."
CONCEPTS: Final[dict[str, Concept]] = {
    # The conversation.
    "model": Concept("model", C),
    "stream": Concept("stream", C),
    "turns": Concept("messages", C, "Turns of the same role are merged."),
    "system": Concept("system", C, "Joined by blank lines."),
    "later_system": Concept(
        "messages.system",
        A,
        "After a user turn it stays where the Claude family takes it (then carried). "
        "Elsewhere it joins the leading instructions: order and prompt cache suffer, its "
        "authority does not.",
    ),
    "first_turn": Concept(
        "messages[0]",
        A,
        "A conversation that the assistant begins gets a user turn of one dot before it.",
    ),
    "prefill": Concept(
        "messages[-1]",
        R,
        "A last turn of the assistant: only for Claude families that go on from it (4.5 and "
        "older, then carried).",
    ),
    "speaker": Concept("", D),
    # Pictures, files, sound.
    "images": Concept("image", C, "Base64."),
    "image_urls": Concept("image.url", C, "The gateway fetches nothing."),
    "image_detail": Concept("", D),
    "documents": Concept("document.data", C, "PDF and text; others are refused."),
    "document_url": Concept("document.url", C),
    "document_text": Concept("document", C),
    "files": Concept("source.file_id", R, "A file's id is not portable."),
    "media_resolution": Concept("", D),
    "audio_in": Concept("", R),
    "video_in": Concept("", R),
    # Tools and what they said.
    "calls": Concept("tool_use", C, "Invalid JSON becomes `_raw`."),
    "results": Concept("tool_result", C, "Together, first in the next user turn."),
    "result_images": Concept("tool_result.image", C),
    "result_documents": Concept("tool_result.document", C),
    "is_error": Concept("tool_result.is_error", C),
    "search_results": Concept("search_result", R),
    "server_tools": Concept("server_tool_use", R, HOSTED),
    "tools": Concept("tools", C, "Functions."),
    "tool_strict": Concept(
        "tools.strict",
        C,
        "Dropped for Claude families without structured output.",
    ),
    "tool_extras": Concept("tools.input_examples", D, "And other hints on single tools."),
    "hosted_tools": Concept("tools.type", R, HOSTED),
    "custom_tools": Concept("", R, "Tools with a grammar."),
    "tool_choice": Concept(
        "tool_choice",
        C,
        "A forced call is refused for Claude families that refuse it.",
    ),
    "allowed_tools": Concept("", A, "The list of tools is filtered."),
    "parallel": Concept("disable_parallel_tool_use", C),
    "tool_calls_max": Concept("", D),
    "retrieval": Concept("", D),
    "functions": Concept("", R),
    "function_call": Concept("", R),
    "mcp": Concept("mcp_servers", R, HOSTED),
    "container": Concept("container", R, HOSTED),
    "web_search": Concept("", R),
    # Reasoning.
    "effort": Concept(
        "thinking",
        C,
        "`output_config.effort` wins over a budget of tokens. The nearest that the model "
        "knows (then approximated); dropped where it knows none, and for Claude families with"
        " a budget beside a forced or open tool call.",
    ),
    "shows_thinking": Concept(
        "thinking.display",
        C,
        "Dropped for Claude families that cannot choose.",
    ),
    "thinking_history": Concept("messages.thinking", D, "Reasoning never crosses vendors."),
    "thinking_signature": Concept("messages.redacted_thinking", D, "It goes with the reasoning."),
    "reasoning_context": Concept("", D),
    # How the answer is written.
    "output_max": Concept(
        "max_tokens",
        C,
        "Claude needs it: without one it is the family's maximum, and never above it "
        "(approximated).",
    ),
    "output_max_old": Concept("", C),
    "temperature": Concept("temperature", C, SAMPLING + " At most 1."),
    "top_p": Concept("top_p", C, SAMPLING + " Not beside temperature."),
    "top_k": Concept("top_k", C, SAMPLING),
    "stop": Concept("stop_sequences", C, "Refused: only blanks."),
    "seed": Concept("", D),
    "frequency_penalty": Concept("", D),
    "presence_penalty": Concept("", D),
    "logit_bias": Concept("", D),
    "logprobs": Concept("", R),
    "top_logprobs": Concept("", R),
    "n": Concept("", R),
    "schema": Concept(
        "output_config.format",
        C,
        "Objects are closed (approximated if they were open), or the schema is put as an "
        "instruction where the family takes none.",
    ),
    "json": Concept("", A, "An instruction in the system prompt; the answer is not checked."),
    "verbosity": Concept("", D),
    "prediction": Concept("", D),
    "modalities": Concept("", R),
    "audio": Concept("", R),
    "image_options": Concept("", D),
    "stream_options": Concept("", C),
    "include": Concept("", D),
    "citations": Concept("citations", D),
    # The prompt's cache.
    "cache": Concept(
        "cache_control",
        C,
        "Four at most: the last ones stay. Lifetimes that differ are named as dropped.",
    ),
    "cache_key": Concept("", D),
    "cache_options": Concept("", D),
    "cache_retention": Concept("", D),
    "cached_content": Concept("", R, "It lies at one vendor."),
    # State at the vendor.
    "store": Concept("", D),
    "previous_response": Concept("", R, "It lies at one vendor."),
    "conversation": Concept("", R, "It lies at one vendor."),
    "background": Concept("", R, "The answer would come later."),
    "background_options": Concept("", D),
    "prompt": Concept("", R, "The template lies at one vendor."),
    "truncation": Concept("", D),
    "context_management": Concept("context_management", D),
    "continuation": Concept("", R, "It lies at one vendor."),
    "diagnostics": Concept("diagnostics", D),
    "fallbacks": Concept("fallbacks", D, "The route has its own."),
    # Who asks, and for which service.
    "user": Concept("metadata.user_id", C, "Longer than 64 characters: its SHA-256."),
    "safety_identifier": Concept("", C, "As user."),
    "metadata": Concept("", D),
    "labels": Concept("", D),
    "service_tier": Concept(
        "service_tier",
        A,
        "Claude has auto and standard (then carried); for others it does as by itself, which is "
        "auto.",
    ),
    "speed": Concept("speed", D),
    "moderation": Concept("", R),
    "safety_settings": Concept("", D, "Each vendor has filters of its own."),
    "model_armor": Concept("", R, "A promise about what is let through; nobody else gives it."),
    "model_routing": Concept("", D, "The route has its own."),
    "access_programs": Concept("", D),
    "geo": Concept("inference_geo", R, "A promise about where; nobody else gives it."),
    "profile": Concept("user_profile_id", D),
    "workspace": Concept("workspace_id", D),
}
