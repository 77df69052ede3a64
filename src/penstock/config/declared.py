"""What the configuration declares that a model accepts.

    the table's row       by the upstream's dialect, its engine, and the model's name
    stream_usage = false  of the upstream
    [upstreams.models]    the exact name, else the longest prefix that ends in ``*``
    the target's own      context_tokens_max, lacks

What stands further down outranks what stands above it.
"""

from typing import Final

import msgspec

from penstock.config.model import Feature, ModelOverrides, Target, Upstream
from penstock.dialects import capability
from penstock.dialects.capability import Capability

# The settings that say no to a feature.
WITHOUT: Final[dict[Feature, dict[str, bool]]] = {
    Feature.TOOLS: {"tools": False, "forced_tool": False, "named_tool": False},
    Feature.IMAGES: {"images": False, "image_urls": False},
    Feature.DOCUMENTS: {"documents": False},
    Feature.STRUCTURED_OUTPUT: {"structured_output": False},
}


def declared(upstream: Upstream, model: str, target: Target | None = None) -> Capability:
    """Return what a model of an upstream accepts; ``target`` may say more than the upstream."""
    row = capability.of(upstream.dialect.value, model, upstream.engine)
    changes: dict[str, object] = {} if upstream.stream_usage else {"stream_usage": False}
    changes |= given(overrides(upstream, model))
    if target is not None:
        if target.context_tokens_max:
            changes["context_tokens_max"] = target.context_tokens_max
        for feature in target.lacks:
            changes |= WITHOUT[feature]
    return msgspec.structs.replace(row, **changes) if changes else row


def overrides(upstream: Upstream, model: str) -> ModelOverrides | None:
    """Return the entry that is about a model, if there is one."""
    exact = upstream.models.get(model)
    if exact is not None:
        return exact
    prefixes = [name for name in upstream.models if name.endswith("*")]
    fitting = [name for name in prefixes if model.startswith(name[:-1])]
    return upstream.models[max(fitting, key=len)] if fitting else None


def given(entry: ModelOverrides | None) -> dict[str, object]:
    """Return what an entry overrides, by its name."""
    if entry is None:
        return {}
    return {
        name: value for name, value in msgspec.structs.asdict(entry).items() if value is not None
    }
