"""The emulated models accept what the gateway's table of families says of their names."""

import pytest

from penstock.apps.emulate.catalogue import CLAUDE, GEMINI, GPT, MODELS, Model
from penstock.dialects import capability
from penstock.dialects.capability import Prefill

SPOKEN = {CLAUDE: "anthropic_messages", GPT: "openai_chat", GEMINI: "gemini_generate"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_is_what_the_table_says(model: Model) -> None:
    row = capability.of(SPOKEN[model.provider], model.name)
    assert row.is_known
    assert (row.prefill is Prefill.LITERAL) == model.may_prefill
    assert row.forced_tool == model.may_force_tool
    assert row.signatures == model.needs_signature
    if model.provider == CLAUDE:
        assert row.later_system == model.takes_system_midway
        assert row.sampling == model.may_sample
