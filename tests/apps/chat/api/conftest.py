"""One API for each test."""

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.apps.chat.api.ground import Ground, ground


@pytest.fixture
def chat(tmp_path: Path) -> Generator[Ground]:
    """The chat's API over a fresh database."""
    with ground(tmp_path) as one:
        yield one
