"""``llm``, told of the gateway as its users do: ``extra-openai-models.yaml`` and ``keys.json``."""

import json

import llm
from tests.clients.drivers.lines import Ask, Heard, Way, serve


def way(*, is_stream: bool, has_responses: bool) -> Way:
    def ask_llm(ask: Ask, heard: Heard) -> None:
        entry = {
            "model_id": "penstock",
            "model_name": ask.model,
            "api_base": ask.base_url,
            "api_key_name": "penstock",
            "responses": has_responses,
        }
        # JSON is YAML; llm reads both files whenever it looks for a model.
        folder = llm.user_dir()
        for name, document in (
            ("extra-openai-models.yaml", [entry]),
            ("keys.json", {"penstock": ask.key}),
        ):
            (folder / name).write_text(json.dumps(document), encoding="utf-8")
        response = llm.get_model("penstock").prompt(ask.prompt, stream=is_stream)
        for text in response:
            heard.add(text)
        usage = response.usage()
        heard.used(usage.input, usage.output)

    return ask_llm


if __name__ == "__main__":
    serve(
        {
            "chat": way(is_stream=False, has_responses=False),
            "chat_stream": way(is_stream=True, has_responses=False),
            "responses": way(is_stream=False, has_responses=True),
            "responses_stream": way(is_stream=True, has_responses=True),
        },
        "llm",
    )
