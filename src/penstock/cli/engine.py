"""Which engine answers at an upstream, by the pages that only it has.

GET /version       {"version"}            vLLM (SGLang has no such page)
GET /props         default_generation_... llama.cpp
GET /api/version   {"version"}            Ollama
GET /get_server_info                      SGLang
GET {base}/models  owned_by, server       whoever signs with its name
"""

from typing import Final

import msgspec

from penstock.cli.asking import Asker
from penstock.config.discover import OWNERS
from penstock.dialects.capability import Engine

OK: Final = 200
PAGES: Final = (
    ("/props", "default_generation_settings", Engine.LLAMA_CPP),
    ("/api/version", "version", Engine.OLLAMA),
    ("/get_server_info", "model_path", Engine.SGLANG),
    ("/version", "version", Engine.VLLM),
)
REQUESTS_MAX: Final = 1 + len(PAGES)


class _Model(msgspec.Struct):
    owned_by: str | None = None


class _Models(msgspec.Struct):
    data: list[_Model] = []


def engine_of(asker: Asker) -> Engine | None:
    """Return the engine, or None if nothing tells."""
    reply = asker.get("/models")
    try:
        models = msgspec.json.decode(reply.body, type=_Models).data
    except msgspec.DecodeError:
        models = []
    owners = {OWNERS[one.owned_by] for one in models if one.owned_by in OWNERS}
    if len(owners) == 1:
        return owners.pop()
    for path, field, engine in PAGES:
        reply = asker.get(path, from_root=True)
        try:
            page = msgspec.json.decode(reply.body, type=dict[str, object])
        except msgspec.DecodeError:
            continue
        if reply.status == OK and field in page:
            return engine
    return None
