"""What the tests of the status process share."""

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.apps.status.ground import Page


@pytest.fixture
def page(tmp_path: Path) -> Generator[Page]:
    """Give a page with a few components."""
    made = Page(tmp_path)
    yield made
    made.store.close()
