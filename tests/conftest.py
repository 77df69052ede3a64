"""How property tests run: no bound on the time of an example, which a busy machine would break."""

from hypothesis import settings

settings.register_profile("penstock", deadline=None)
settings.load_profile("penstock")
