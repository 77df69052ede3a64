"""What Gemini calls each concept, and what becomes of one that is written to it.

A call in the history that another vendor's model made has no signature that Gemini would accept,
and from Gemini 3 on one without is a 400. The dummy signature that turns the check off is written
then. That it is accepted is second-hand (DIALECTS 9); the emulator accepts it. Towards Gemini's
callers the same dummy stands on calls of other vendors' models, so that a conversation that goes on
at Gemini is accepted there too.
"""

from typing import Final

from penstock.dialects.concepts import Concept, Verdict

C, A, D, R = Verdict.CARRIED, Verdict.APPROXIMATED, Verdict.DROPPED, Verdict.REFUSED
AT_VENDOR: Final = "It lies at one vendor."
HOSTED: Final = "Runs at the vendor; nobody else has it."
INLINE: Final = "Only data in the request: the model fetches no addresses."
CONFIG: Final = "generationConfig."
CALLING: Final = "toolConfig.functionCallingConfig."
CONCEPTS: Final[dict[str, Concept]] = {
    # The conversation.
    "model": Concept("models/{model}", C, "In the path."),
    "stream": Concept("streamGenerateContent", C, "In the path."),
    "turns": Concept("contents", C, "Turns of the same role are merged."),
    "system": Concept("systemInstruction", C, "Joined by blank lines."),
    "later_system": Concept("", A, "It joins the leading instructions."),
    "first_turn": Concept(
        "contents[0]",
        A,
        "A conversation that the assistant begins gets a user turn of one dot before it.",
    ),
    "prefill": Concept(
        "contents[-1]",
        R,
        "A last turn of the assistant: only for Gemini families that go on from it (before "
        "3.5-flash-lite, then carried).",
    ),
    "speaker": Concept("", D),
    # Pictures, files, sound.
    "images": Concept("inlineData", C, "Base64."),
    "image_urls": Concept("fileData", R, INLINE),
    "image_detail": Concept("", D),
    "documents": Concept(
        "inlineData.document", C, "PDF and text; others are refused. Its name stands before it."
    ),
    "document_url": Concept("fileData.document", R, INLINE),
    "document_text": Concept("inlineData.text", C, "As text."),
    "files": Concept("fileData.fileUri", R, "A file's id is not portable."),
    "media_resolution": Concept(f"{CONFIG}mediaResolution", D),
    "audio_in": Concept("inlineData.audio", R),
    "video_in": Concept("inlineData.video", R),
    # Tools and what they said.
    "calls": Concept(
        "functionCall",
        C,
        "Invalid JSON becomes `_raw`. From Gemini 3 on with the dummy signature "
        "`skip_thought_signature_validator`: none of another vendor's would be valid.",
    ),
    "results": Concept("functionResponse", C, "Together, first in the next user turn."),
    "result_images": Concept(
        "functionResponse.parts", C, "Beside the response before Gemini 3 (then approximated)."
    ),
    "result_documents": Concept("functionResponse.parts.document", C, "As pictures."),
    "is_error": Concept("functionResponse.response.error", C),
    "search_results": Concept("", R),
    "server_tools": Concept("executableCode", R, HOSTED),
    "tools": Concept("tools", C, "Functions. A name of other characters is escaped."),
    "tool_strict": Concept("", D),
    "tool_extras": Concept("functionDeclarations.behavior", D, "And other hints on single tools."),
    "hosted_tools": Concept("tools.googleSearch", R, HOSTED),
    "custom_tools": Concept("", R, "Tools with a grammar."),
    "tool_choice": Concept(f"{CALLING}mode", C, "VALIDATED becomes AUTO."),
    "allowed_tools": Concept(f"{CALLING}allowedFunctionNames", A, "The list of tools is filtered."),
    "parallel": Concept("", D),
    "tool_calls_max": Concept("", D),
    "retrieval": Concept("toolConfig.retrievalConfig", D),
    "functions": Concept("", R),
    "function_call": Concept("", R),
    "mcp": Concept("tools.mcpServers", R, HOSTED),
    "container": Concept("", R),
    "web_search": Concept("", R),
    # Reasoning.
    "effort": Concept(
        f"{CONFIG}thinkingConfig",
        C,
        "A level from Gemini 3 on, before that a budget of tokens. The nearest that the model "
        "knows, and no more than half of the answer (then approximated); dropped where it does "
        "not think.",
    ),
    "shows_thinking": Concept(
        f"{CONFIG}thinkingConfig.includeThoughts", C, "Dropped where the model does not think."
    ),
    "thinking_history": Concept("contents.thought", D, "Reasoning never crosses vendors."),
    "thinking_signature": Concept("contents.thoughtSignature", D, "It goes with the reasoning."),
    "reasoning_context": Concept("", D),
    # How the answer is written.
    "output_max": Concept(
        f"{CONFIG}maxOutputTokens", C, "Never above the family's maximum (approximated)."
    ),
    "output_max_old": Concept("", C),
    "temperature": Concept(f"{CONFIG}temperature", C),
    "top_p": Concept(f"{CONFIG}topP", C),
    "top_k": Concept(f"{CONFIG}topK", C),
    "stop": Concept(f"{CONFIG}stopSequences", C, "Refused: more than five."),
    "seed": Concept(f"{CONFIG}seed", C, "Dropped where it has more than 32 bits."),
    "frequency_penalty": Concept(f"{CONFIG}frequencyPenalty", C),
    "presence_penalty": Concept(f"{CONFIG}presencePenalty", C),
    "logit_bias": Concept("", D),
    "logprobs": Concept(f"{CONFIG}responseLogprobs", R),
    "top_logprobs": Concept(f"{CONFIG}logprobs", R),
    "n": Concept(f"{CONFIG}candidateCount", R, "More than one."),
    "schema": Concept(
        f"{CONFIG}responseJsonSchema",
        C,
        "An instruction beside tools before Gemini 3 (then approximated).",
    ),
    "json": Concept(f"{CONFIG}responseMimeType", C),
    "verbosity": Concept("", D),
    "prediction": Concept("", D),
    "modalities": Concept(f"{CONFIG}responseModalities", R, "Other than text."),
    "audio": Concept(f"{CONFIG}speechConfig", R),
    "image_options": Concept(f"{CONFIG}imageConfig", D),
    "stream_options": Concept("", C),
    "include": Concept("", D),
    "citations": Concept("", D),
    # The prompt's cache.
    "cache": Concept("", D),
    "cache_key": Concept("", D),
    "cache_options": Concept("", D),
    "cache_retention": Concept("", D),
    "cached_content": Concept("cachedContent", R, AT_VENDOR),
    # State at the vendor.
    "store": Concept("store", D),
    "previous_response": Concept("", R, AT_VENDOR),
    "conversation": Concept("", R, AT_VENDOR),
    "background": Concept("", R, "The answer would come later."),
    "background_options": Concept("", D),
    "prompt": Concept("", R, "The template lies at one vendor."),
    "truncation": Concept("", D),
    "context_management": Concept("", D),
    "continuation": Concept("continuationToken", R, AT_VENDOR),
    "diagnostics": Concept("", D),
    "fallbacks": Concept("", D),
    # Who asks, and for which service.
    "user": Concept("", D),
    "safety_identifier": Concept("", D),
    "metadata": Concept("", D),
    "labels": Concept("labels", D),
    "service_tier": Concept("serviceTier", C),
    "speed": Concept("", D),
    "moderation": Concept("", R),
    "safety_settings": Concept("safetySettings", D, "Each vendor has filters of its own."),
    "model_armor": Concept("modelArmorConfig", R),
    "model_routing": Concept(f"{CONFIG}routingConfig", D),
    "access_programs": Concept("", D),
    "geo": Concept("", R),
    "profile": Concept("", D),
    "workspace": Concept("", D),
}
