"""A request in the Gemini dialect for each concept that its table names."""

from typing import Final

from tests.dialects.examples import CLOSED, PIXEL, Examples, Fields

HI: Final[Fields] = {"role": "user", "parts": [{"text": "hi"}]}
PDF: Final = "JVBERg=="
TOOLS: Final = [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": CLOSED}]}]
TWO_TOOLS: Final = [
    {
        "functionDeclarations": [
            {"name": "f", "parametersJsonSchema": CLOSED},
            {"name": "g", "parametersJsonSchema": CLOSED},
        ]
    }
]


def user(**part: object) -> Fields:
    return {"contents": [{"role": "user", "parts": [part, {"text": "hi"}]}]}


def data(kind: str, content: str) -> Fields:
    return {"mimeType": kind, "data": content}


def result(*, beside: Fields | None = None, **fields: object) -> Fields:
    call: Fields = {"functionCall": {"id": "c", "name": "f", "args": {"a": "b"}}}
    said: Fields = {"id": "c", "name": "f", "response": {"output": "ok"}}
    turns = [
        HI,
        {"role": "model", "parts": [call] if beside is None else [beside, call]},
        {"role": "user", "parts": [{"functionResponse": said | fields}]},
    ]
    return {"contents": turns, "tools": TOOLS}


def config(**fields: object) -> Fields:
    return {"generationConfig": fields}


def calling(tools: object = TOOLS, **fields: object) -> Fields:
    return {"tools": tools, "toolConfig": {"functionCallingConfig": fields}}


BY_CONCEPT: Final[dict[str, Fields]] = {
    "model": {},
    "stream": {},
    "turns": {"contents": [HI, HI]},
    "system": {"systemInstruction": {"parts": [{"text": "be brief"}]}},
    "first_turn": {"contents": [{"role": "model", "parts": [{"text": "Hello!"}]}, HI]},
    "prefill": {"contents": [HI, {"role": "model", "parts": [{"text": "I"}]}]},
    "images": user(inlineData=data("image/png", PIXEL)),
    "image_urls": user(fileData={"mimeType": "image/png", "fileUri": "https://x.example/a.png"}),
    "documents": user(inlineData=data("application/pdf", PDF)),
    "document_url": user(
        fileData={"mimeType": "application/pdf", "fileUri": "https://x.example/a.pdf"}
    ),
    "document_text": user(inlineData=data("text/plain", "YQ==")),
    "files": user(
        fileData={
            "mimeType": "image/png",
            "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/f",
        }
    ),
    "media_resolution": config(mediaResolution="MEDIA_RESOLUTION_LOW"),
    "audio_in": user(inlineData=data("audio/wav", "")),
    "video_in": user(inlineData=data("video/mp4", "")),
    "calls": result(),
    "results": result(),
    "result_images": result(parts=[{"inlineData": data("image/png", PIXEL)}]),
    "result_documents": result(parts=[{"inlineData": data("application/pdf", PDF)}]),
    "is_error": result(response={"error": "no"}),
    "server_tools": {
        "contents": [HI, {"role": "model", "parts": [{"executableCode": {"code": "1"}}]}]
    },
    "tools": {"tools": TOOLS},
    "tool_extras": {
        "tools": [{"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}]
    },
    "hosted_tools": {"tools": [{"googleSearch": {}}]},
    "tool_choice": calling(mode="ANY"),
    "allowed_tools": calling(TWO_TOOLS, mode="AUTO", allowedFunctionNames=["f"]),
    "retrieval": {"toolConfig": {"retrievalConfig": {"languageCode": "de"}}},
    "mcp": {"tools": [{"mcpServers": [{"name": "s"}]}]},
    "effort": config(thinkingConfig={"thinkingLevel": "LOW"}),
    "shows_thinking": config(thinkingConfig={"includeThoughts": True}),
    "thinking_history": result(beside={"text": "hm", "thought": True}),
    "thinking_signature": result(beside={"text": "so", "thoughtSignature": "c2ln"}),
    "output_max": config(maxOutputTokens=7),
    "temperature": config(temperature=0.5),
    "top_p": config(topP=0.5),
    "top_k": config(topK=5),
    "stop": config(stopSequences=["END"]),
    "seed": config(seed=7),
    "frequency_penalty": config(frequencyPenalty=1),
    "presence_penalty": config(presencePenalty=1),
    "logprobs": config(responseLogprobs=True),
    "top_logprobs": config(logprobs=2),
    "n": config(candidateCount=2),
    "schema": config(responseMimeType="application/json", responseJsonSchema=CLOSED),
    "json": config(responseMimeType="application/json"),
    "modalities": config(responseModalities=["TEXT", "AUDIO"]),
    "audio": config(speechConfig={"languageCode": "de"}),
    "image_options": config(imageConfig={"aspectRatio": "1:1"}),
    "cached_content": {"cachedContent": "cachedContents/c"},
    "store": {"store": True},
    "continuation": {"continuationToken": "YQ=="},
    "labels": {"labels": {"a": "b"}},
    "service_tier": {"serviceTier": "flex"},
    "safety_settings": {"safetySettings": [{"category": "c", "threshold": "OFF"}]},
    "model_armor": {"modelArmorConfig": {"promptTemplateName": "t"}},
    "model_routing": config(routingConfig={"manualMode": {}}),
}
EXAMPLES: Final = Examples(
    body={"contents": [HI]},
    history="contents",
    model="gemini-3-flash",
    models={"prefill": "gemini-3.6-flash"},
    paths={"stream": b"/v1beta/models/m:streamGenerateContent?alt=sse"},
    by_concept=BY_CONCEPT,
)
