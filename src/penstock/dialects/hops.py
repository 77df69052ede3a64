"""What each upstream used for its part of an answer, their sum, and how a caller is told.

The sum is what the caller gets as usage: the prompt and what had come are read again on every hop,
so it is more than one call's. The parts stand in it as ``iterations``, in the shape and the meaning
of Anthropic's field of that name in every dialect: input excludes what the cache gave or took. Only
Gemini's are spelt in camel case, as all names there. What no provider has counted is marked
``estimated``.
"""

from collections.abc import Sequence

from penstock.dialects.message import Hop, Usage


def hop_of(model: str, usage: Usage) -> Hop:
    """Return one part."""
    return Hop(
        model=model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        is_estimated=not usage.is_known,
    )


def total(before: Sequence[Hop], model: str, usage: Usage) -> Usage:
    """Return the sum of the hops before and of the last one, which used ``usage``."""
    hops = (*before, hop_of(model, usage))
    return Usage(
        input_tokens=sum(hop.input_tokens for hop in hops),
        output_tokens=sum(hop.output_tokens for hop in hops),
        cached_tokens=sum(hop.cached_tokens for hop in hops),
        cache_write_tokens=sum(hop.cache_write_tokens for hop in hops),
        reasoning_tokens=sum(hop.reasoning_tokens for hop in hops),
        is_known=usage.is_known,
        hops=hops,
    )


def iterations(usage: Usage) -> dict[str, object]:
    """Return the field to add to a usage object; none if one upstream has said it all."""
    if not usage.hops:
        return {}
    return {"iterations": [_iteration(hop) for hop in usage.hops]}


def _iteration(hop: Hop) -> dict[str, object]:
    fields: dict[str, object] = {
        "type": "message",
        "model": hop.model,
        "input_tokens": max(0, hop.input_tokens - hop.cached_tokens - hop.cache_write_tokens),
        "cache_creation_input_tokens": hop.cache_write_tokens,
        "cache_read_input_tokens": hop.cached_tokens,
        "output_tokens": hop.output_tokens,
    }
    return fields | {"estimated": True} if hop.is_estimated else fields
