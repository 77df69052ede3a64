"""How property tests run: without a bound on an example's time, which a busy machine would break."""

from hypothesis import settings

settings.register_profile("penstock", deadline=None)
settings.load_profile("penstock")
