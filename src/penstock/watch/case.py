"""One component at an instant, on its way from signs to an assessment."""

import msgspec

from penstock.watch.assessment import Sign, Verdict
from penstock.watch.component import Component
from penstock.watch.dossier import Episode
from penstock.watch.evidence import Kind


class Case(msgspec.Struct, kw_only=True):
    """What is found step by step; ``watch`` has the steps."""

    component: Component
    signs: tuple[Sign, ...]
    verdict: Verdict  # now
    is_living: bool  # probes or telemetry say something
    weight: float  # of what stands out most in these
    failing_ratio: float | None = None
    is_connection: bool = False  # most of its failures are of connections and names
    is_shared: bool = False  # it began to fail together with other providers' models
    is_raised: bool = False  # it is what these share
    below: tuple[str, ...] = ()  # names of what fails beneath it, where nothing looks at it
    episode: Episode | None = None

    @property
    def told(self) -> Verdict:
        """The verdict, with what is held of an episode."""
        return self.episode.verdict if self.episode else Verdict.NONE

    @property
    def reasons(self) -> tuple[str, ...]:
        """What stands out, in words; the weightiest first."""
        found = sorted((sign for sign in self.signs if sign.verdict), key=_lightness)
        return tuple(sign.words for sign in found)

    @property
    def is_page_only(self) -> bool:
        """Nothing but a provider's page speaks."""
        kinds = {sign.kind for sign in self.signs if sign.verdict}
        return kinds == {Kind.PAGE}


def _lightness(sign: Sign) -> float:
    return -sign.weight
