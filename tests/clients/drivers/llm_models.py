"""``llm``, told of the gateway as its users do: in ``extra-openai-models.yaml``."""

import json

import llm
from tests.clients.drivers.lines import Ask, Heard, Way, serve


def way(*, is_stream: bool, has_responses: bool) -> Way:
    def ask_llm(ask: Ask, heard: Heard) -> None:
        entry = {
            "model_id": "penstock",
            "model_name": ask.model,
            "api_base": ask.base_url,
            "responses": has_responses,
        }
        # JSON is YAML; llm reads the file whenever it looks for a model.
        path = llm.user_dir() / "extra-openai-models.yaml"
        path.write_text(json.dumps([entry]), encoding="utf-8")
        response = llm.get_model("penstock").prompt(ask.prompt, stream=is_stream, key=ask.key)
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
