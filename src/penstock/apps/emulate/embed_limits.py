"""What providers refuse to embed, the same in both dialects."""

from penstock.apps.emulate.ask import TroubleError
from penstock.apps.emulate.catalogue import Model
from penstock.apps.emulate.dialect import context_exceeded


def check_inputs(model: Model, tokens: list[int], inputs_max: int, param: str) -> None:
    """Refuse no inputs, too many, empty ones and those that are too long."""
    if not tokens:
        raise TroubleError(400, f"{param}: must not be empty", param=param)
    if len(tokens) > inputs_max:
        raise TroubleError(400, f"{param}: {inputs_max} at most in one request", param=param)
    if not all(tokens):
        raise TroubleError(400, f"{param}: an input must not be empty", param=param)
    if max(tokens) > model.context_tokens:
        raise context_exceeded(model, max(tokens))


def dimensions_of(model: Model, wanted: int | None, param: str) -> int:
    """Return how many dimensions a vector is to have."""
    if wanted is None:
        return model.dimensions_max
    if not 1 <= wanted <= model.dimensions_max:
        raise TroubleError(
            400, f"{param}: must be from 1 to {model.dimensions_max} for {model.name}", param=param
        )
    return wanted
