"""An installation as the watch is told of it: components, and what they are like when all is well.

    surfaces  web, log-in, console         probes and reports
              API, streaming               probes, telemetry and reports
    routes    best, fast (two models, with failover), code (one model, without)    telemetry
    models    anthropic opus, sonnet, haiku; openai gpt, gpt-mini; google pro, flash
              probes (canaries with known answers) and telemetry; flash has no traffic of its own
    shared    network (names, CDN), the status page                                probes

    rhythm    traffic and reports by hour of the week: a day's curve with its night, a weekend
    bursts    failures come in bursts: each minute has its own factor, Gamma of ``BURST_SHAPE``;
              what makes a probe fail by chance lasts ``BLIP_S`` on the average, and whoever asks
              again meanwhile fails again
    reports   overdispersed likewise, in blocks of five minutes

All rates are assumptions, of an installation with some ten exchanges a second: no provider has
published its own.
"""

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.watch.component import Component, Layer

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
WEEK_S: Final = 604_800.0
MONDAY_UNIX_S: Final = 345_600.0  # 1970-01-05 00:00 UTC
WEEKEND_DAY: Final = 5

BURST_SHAPE: Final = 0.7  # of failures, by the minute: variance of the factor 1.4
BURST_S: Final = 60.0
REPORT_SHAPE: Final = 1.5
REPORT_BLOCK_S: Final = 300.0
PROBES_PER_MIN: Final = 4.0
PROBE_FAILED: Final = 0.001
BLIP_S: Final = 5.0  # blips last, about so long: one in twenty is still there after 15 s
PROBE_S: Final = 1.6  # that a probe takes
PROBE_SLOW: Final = 0.004
PROBE_WRONG: Final = 0.0003  # a canary that a healthy model gets wrong
PROBE_UNKNOWN: Final = 0.0005
SLOW_RATIO: Final = 0.01


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a component is like while nothing is wrong."""

    component: Component
    exchanges_per_s: float = 0.0  # on the average of a week; 0: no telemetry
    failed_ratio: float = 0.0
    probes_per_min: float = 0.0
    reports_per_min: float = 0.0


def _model(id_: str, provider: str, family: str, per_s: float, failed: float) -> Profile:
    component = Component(
        id=id_, name=f"{provider} {family}", layer=Layer.MODEL, provider=provider, family=family
    )
    return Profile(
        component=component,
        exchanges_per_s=per_s,
        failed_ratio=failed,
        probes_per_min=PROBES_PER_MIN,
        reports_per_min=0.01,
    )


OPUS, SONNET, HAIKU = "mopus0000000", "msonnet00000", "mhaiku000000"
GPT, MINI = "mgpt52000000", "mgptmini0000"
PRO, FLASH = "mgempro00000", "mgemflash000"
WEB, LOGIN, CONSOLE = "sweb00000000", "slogin000000", "sconsole0000"
API, STREAMING = "sapi00000000", "sstreaming00"
BEST, FAST, CODE = "rbest0000000", "rfast0000000", "rcode0000000"
NETWORK, PAGE = "hnetwork0000", "hstatuspage0"

MODELS: Final = (
    _model(OPUS, "anthropic", "claude-opus", 2.5, 0.004),
    _model(SONNET, "anthropic", "claude-sonnet", 4.0, 0.003),
    _model(HAIKU, "anthropic", "claude-haiku", 2.0, 0.002),
    _model(GPT, "openai", "gpt-5.2", 3.0, 0.003),
    _model(MINI, "openai", "gpt-mini", 2.0, 0.002),
    _model(PRO, "google", "gemini-pro", 2.0, 0.004),
    _model(FLASH, "google", "gemini-flash", 0.0, 0.0),
)
PROVIDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "anthropic": (OPUS, SONNET, HAIKU),
    "openai": (GPT, MINI),
    "google": (PRO, FLASH),
}
ALL_MODELS: Final = tuple(one.component.id for one in MODELS)


def _surface(id_: str, surface: str, name: str, per_s: float, reports: float) -> Profile:
    edge = () if per_s else (NETWORK,)  # people's browsers come through it
    component = Component(
        id=id_, name=name, layer=Layer.SURFACE, surface=surface, rests_on=(*ALL_MODELS, *edge)
    )
    return Profile(
        component=component,
        exchanges_per_s=per_s,
        failed_ratio=0.002 if per_s else 0.0,
        probes_per_min=PROBES_PER_MIN,
        reports_per_min=reports,
    )


def _route(id_: str, name: str, models: tuple[str, ...], per_s: float) -> Profile:
    component = Component(
        id=id_,
        name=name,
        layer=Layer.ROUTE,
        rests_on=models,
        fails_with_any=len(models) == 1,
    )
    return Profile(component=component, exchanges_per_s=per_s, failed_ratio=0.002)


def _shared(id_: str, name: str) -> Profile:
    component = Component(id=id_, name=name, layer=Layer.SHARED)
    return Profile(component=component, probes_per_min=PROBES_PER_MIN, reports_per_min=0.005)


PROFILES: Final = (
    _surface(WEB, "web", "Web chat", 0.0, 0.15),
    _surface(LOGIN, "login", "Log-in", 0.0, 0.05),
    _surface(API, "api", "API", 9.0, 0.05),
    _surface(STREAMING, "streaming", "Streaming", 6.0, 0.02),
    _surface(CONSOLE, "console", "Console", 0.0, 0.02),
    _route(BEST, "best", (OPUS, GPT), 3.0),
    _route(FAST, "fast", (HAIKU, FLASH), 2.0),
    _route(CODE, "code", (SONNET,), 2.5),
    *MODELS,
    _shared(NETWORK, "Network"),
    _shared(PAGE, "Status page"),
)
COMPONENTS: Final = tuple(one.component for one in PROFILES)
BY_ID: Final[Mapping[str, Profile]] = {one.component.id: one for one in PROFILES}

NIGHT: Final = 0.25
PEAK: Final = 1.7
PEAK_HOUR: Final = 14.5  # UTC: Europe's afternoon and America's morning together
WEEKEND: Final = 0.5
LEVEL: Final = 0.68  # the week's mean of what follows, so that rhythm's is 1


def rhythm(at_unix_s: float) -> float:
    """Return traffic at an instant over its mean, about."""
    into_s = (at_unix_s - MONDAY_UNIX_S) % WEEK_S
    hour = (into_s % DAY_S) / HOUR_S
    wave = 0.5 + 0.5 * math.cos((hour - PEAK_HOUR) / 24.0 * math.tau)
    level = NIGHT + (PEAK - NIGHT) * wave * wave
    return level * (WEEKEND if into_s // DAY_S >= WEEKEND_DAY else 1.0) / LEVEL


def probe_again(gone_s: float) -> float:
    """Return the chance that what made a probe fail is still there, so much later."""
    return math.exp(-gone_s / BLIP_S)


def is_night(at_unix_s: float) -> bool:
    """Whether few are awake."""
    return rhythm(at_unix_s) < 2.0 * NIGHT
