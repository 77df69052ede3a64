"""What the tests of subscriptions share."""

from pathlib import Path

import pytest
from tests.apps.status.subscriptions.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
