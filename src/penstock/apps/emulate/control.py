"""The control port: faults, pace and limits at run time, and what was seen.

    GET    /control/faults            the script as it was set, and how old it is
    PUT    /control/faults            replace it whole: {"rules": [...]}; its clock starts anew
    DELETE /control/faults            no faults
    GET    /control/pace              the pace by provider; PUT replaces it
    GET    /control/limits            the rate limits by provider; PUT replaces them
    GET    /control/attempts?last=N   the last attempts, oldest first; DELETE forgets them
    GET    /control/oidc              whom the OpenID provider vouches for; PUT replaces it
    GET    /control/stats             counters

All of it needs ``Authorization: Bearer TOKEN``. A document with problems changes nothing, and the
answer names all of them.
"""

import hmac
from collections.abc import Callable
from typing import Final, TypeVar, cast

import msgspec

from penstock.apps.emulate.attempts import ATTEMPTS_MAX, AttemptLog
from penstock.apps.emulate.catalogue import ALL_MODELS, PROVIDERS
from penstock.apps.emulate.dialect import JSON_TYPE, Query, bearer, encode
from penstock.apps.emulate.limits import RateLimit, RateLimits
from penstock.apps.emulate.oidc import Oidc
from penstock.apps.emulate.pace import Pacer, PaceSetting, pace_problems
from penstock.apps.emulate.settings import Settings
from penstock.core.fault import Fault, FaultScript
from penstock.core.fault_script import read_script
from penstock.wire import clock
from penstock.wire.call import Call

PREFIX: Final = "/control/"
LAST: Final = 100  # attempts shown where the caller does not say
_MODEL_NAMES: Final = tuple(model.name for model in ALL_MODELS)
_Setting = TypeVar("_Setting", RateLimit, PaceSetting)


class FaultSwitch:
    """The script that is in force, and since when."""

    def __init__(self, now_s: float) -> None:
        self._script = FaultScript()
        self._since_s = now_s
        self.document: object = {"rules": []}

    def set(self, document: object, now_s: float) -> list[str]:
        """Put another script in force; with problems, return them and change nothing."""
        script, problems = read_script(document, PROVIDERS, _MODEL_NAMES)
        if not problems:
            self._script, self._since_s, self.document = script, now_s, document
        return problems

    def elapsed_s(self, now_s: float) -> float:
        """Return the age of the script."""
        return now_s - self._since_s

    def pick(
        self, provider: str, model: str, now_s: float, chance: Callable[[], float], *,
        is_continuation: bool,
    ) -> Fault | None:  # fmt: skip
        """Return what strikes a request that comes now."""
        return self._script.pick(
            provider, model, self.elapsed_s(now_s), chance, is_continuation=is_continuation
        )


class Control:
    """Answers on the control port. Owned by one event loop."""

    def __init__(
        self, settings: Settings, faults: FaultSwitch, pacer: Pacer, limits: RateLimits,
        log: AttemptLog,
    ) -> None:  # fmt: skip
        self._token = settings.control_token.encode()
        self._faults = faults
        self._pacer = pacer
        self._limits = limits
        self._log = log
        self.oidc = Oidc()

    def answer(self, call: Call, query: Query) -> None:
        """Answer one call."""
        if not hmac.compare_digest(bearer(query.headers).encode("latin-1"), self._token):
            _send(call, 401, {"error": "the control port needs Authorization: Bearer TOKEN"})
            return
        what = query.path.removeprefix(PREFIX)
        found = {
            ("GET", "faults"): self._show_faults,
            ("PUT", "faults"): self._set_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "pace"): self._show_pace,
            ("PUT", "pace"): self._set_pace,
            ("GET", "limits"): self._show_limits,
            ("PUT", "limits"): self._set_limits,
            ("GET", "attempts"): self._show_attempts,
            ("DELETE", "attempts"): self._clear_attempts,
            ("GET", "oidc"): self._show_oidc,
            ("PUT", "oidc"): self._set_oidc,
            ("GET", "stats"): self._show_stats,
        }.get((query.method, what))
        if found is None:
            _send(call, 404, {"error": f"nothing at {query.method} {PREFIX}{what}"})
        else:
            status, body = found(query)
            _send(call, status, body)

    def _show_faults(self, query: Query) -> tuple[int, object]:
        del query
        elapsed_s = round(self._faults.elapsed_s(clock.now_s()), 3)
        return 200, {"script": self._faults.document, "elapsed_s": elapsed_s}

    def _set_faults(self, query: Query) -> tuple[int, object]:
        document, problems = _decoded(query.body)
        problems = problems or self._faults.set(document, clock.now_s())
        return (400, {"error": "nothing was changed", "problems": problems}) if problems else (
            self._show_faults(query)
        )  # fmt: skip

    def _clear_faults(self, query: Query) -> tuple[int, object]:
        self._faults.set({"rules": []}, clock.now_s())
        return self._show_faults(query)

    def _show_pace(self, query: Query) -> tuple[int, object]:
        del query
        return 200, self._pacer.settings

    def _set_pace(self, query: Query) -> tuple[int, object]:
        settings, problems = _by_provider(query.body, PaceSetting)
        for provider, pace in settings.items():
            problems += pace_problems(pace, provider)
        if problems:
            return 400, {"error": "nothing was changed", "problems": problems}
        self._pacer.settings = settings
        return 200, settings

    def _show_limits(self, query: Query) -> tuple[int, object]:
        del query
        return 200, self._limits.limits

    def _set_limits(self, query: Query) -> tuple[int, object]:
        limits, problems = _by_provider(query.body, RateLimit)
        for provider, limit in limits.items():
            problems += limit_problems(limit, provider)
        if problems:
            return 400, {"error": "nothing was changed", "problems": problems}
        self._limits.replace(limits)
        return 200, limits

    def _show_attempts(self, query: Query) -> tuple[int, object]:
        last = query.parameters.get("last", str(LAST))
        if not last.isdecimal() or len(last) > len(str(ATTEMPTS_MAX)):
            return 400, {"error": f"last: must be a number from 0 to {ATTEMPTS_MAX}"}
        return 200, {"attempts": self._log.last(min(int(last), ATTEMPTS_MAX))}

    def _clear_attempts(self, query: Query) -> tuple[int, object]:
        del query
        self._log.clear()
        return 200, {"attempts": list[object]()}

    def _show_oidc(self, query: Query) -> tuple[int, object]:
        del query
        return 200, self.oidc.settings

    def _set_oidc(self, query: Query) -> tuple[int, object]:
        problems = self.oidc.set(query.body)
        if problems:
            return 400, {"error": "nothing was changed", "problems": problems}
        return 200, self.oidc.settings

    def _show_stats(self, query: Query) -> tuple[int, object]:
        del query
        log = self._log
        return 200, {
            "uptime_s": log.since_start_s(clock.now_s()),
            "open": log.open,
            "outcomes": log.outcomes,
            "statuses": {str(status): count for status, count in log.statuses.items()},
            "faults": log.faults,
            "output_tokens": log.output_tokens,
        }


def limit_problems(limit: RateLimit, at: str) -> list[str]:
    """Return what is wrong with a limit."""
    values = {"requests_per_min": limit.requests_per_min, "tokens_per_min": limit.tokens_per_min}
    return [
        f"{at}.{name}: {value} is not a number of at least 1"
        for name, value in values.items()
        if value is not None and value < 1
    ]


def _decoded(body: bytes) -> tuple[object, list[str]]:
    try:
        return msgspec.json.decode(body), []
    except (msgspec.DecodeError, RecursionError) as error:
        return None, [f"body: is no JSON: {error}"]


def _by_provider(body: bytes, into: type[_Setting]) -> tuple[dict[str, _Setting], list[str]]:
    """Read one setting for each provider, with all problems."""
    document, problems = _decoded(body)
    if problems or not isinstance(document, dict):
        return {}, problems or ["body: must be an object with the names of providers"]
    settings: dict[str, _Setting] = {}
    for provider, fields in cast("dict[str, object]", document).items():
        if provider not in PROVIDERS:
            problems.append(f"{provider}: unknown; the providers are {', '.join(PROVIDERS)}")
            continue
        try:
            settings[provider] = msgspec.convert(fields, into)
        except msgspec.ValidationError as error:
            problems.append(f"{provider}: {error}")
    return settings, problems


def _send(call: Call, status: int, body: object) -> None:
    call.send(status, JSON_TYPE, encode(body))
