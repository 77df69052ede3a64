"""How property tests run.

No bound on the time of an example, which a busy machine would break. ``make test`` tries fewer
examples than Hypothesis would by itself, so that it stays short; ``make fuzz`` tries many more.

The databases of ``tests/postgres.py`` are there for all tests: ``store``, ``postgres``.
"""

from hypothesis import settings
from tests.postgres import postgres, store

__all__ = ["postgres", "store"]

settings.register_profile("fast", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("fast")
