"""How property tests run.

No bound on the time of an example, which a busy machine would break. ``make test`` tries fewer
examples than Hypothesis would by itself, so that it stays short; ``make fuzz`` tries many more.
"""

from hypothesis import settings

settings.register_profile("fast", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("fast")
