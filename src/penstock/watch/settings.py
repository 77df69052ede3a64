"""All parameters of the watch, in one frozen struct.

They are tuned on one set of seeds and reported on another.

Where no reason is given beside a figure, simulation chose it (docs/adr/0017-detector.md).
"""

import math

import msgspec


class RatioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One detector of bad ones among all: failed, slow or wrong."""

    prior_ratio: float  # what is usual, before anything is learned
    prior_events: float  # how many events that belief is worth
    floor_ratio: float  # nothing counts as rarer than this: perfection would alarm at one failure
    rise_ratio: float  # a smaller rise over the usual is nobody's problem
    # Of each rate that is looked for the threshold is this, and ln of the bad ones a minute that it
    # would show: at most one in e^h of them is a false alarm (Lorden 1971).
    alarm_log: float
    burst_prior: float = math.inf  # size k of a minute's bad ones until we know; inf: no bursts
    gain_max: float  # of the threshold, by one probe or by slot_s of telemetry: two must agree


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds, priors, windows, and switches."""

    possible_ratio: float = 0.7  # of the threshold: a public page should seldom say it for nothing
    agreed_ratio: float = 0.8  # of it is enough where a wave of reports or a page agrees
    page_agrees_s: float = 3600.0  # after a page began to tell of trouble, it agrees
    contradicted_ratio: float = 1.35  # of it is needed of probes while busy telemetry is healthy
    both_ratio: float = 1.2  # probes and telemetry together: sum of their weights
    failures_min: int = 3  # fewer are an accident, whatever the ratio says
    recover_log: float = 4.0  # evidence, as a log-likelihood ratio, that it is as usual again
    recover_ratio_max: float = 0.15  # recovered from no more than this: leftovers stay visible
    # A probe that fails again after less than this adds less than the first time, by the time that
    # has gone: what lasts for seconds is one blip, however often it is looked at.
    again_s: float = 24.0
    # What makes a probe bad by accident lasts, about so long (assumed). While it may still be there
    # one that is bad again says nothing of faults that hit less than the chance that it is.
    blip_s: float = 8.0
    slot_s: float = 5.0
    span_max_s: float = 600.0  # of counts; of a longer span the share of its end counts
    probe_failed: RatioSettings = RatioSettings(
        prior_ratio=0.005,
        prior_events=100.0,
        floor_ratio=0.0015,
        rise_ratio=0.01,
        alarm_log=9.5,
        gain_max=0.45,
    )
    probe_slow: RatioSettings = RatioSettings(
        prior_ratio=0.02,
        prior_events=100.0,
        floor_ratio=0.01,
        rise_ratio=0.1,
        alarm_log=10.3,
        gain_max=0.4,
    )
    probe_wrong: RatioSettings = RatioSettings(
        prior_ratio=0.005,
        prior_events=100.0,
        floor_ratio=0.0015,
        rise_ratio=0.01,
        alarm_log=9.5,
        gain_max=0.45,
    )
    telemetry_failed: RatioSettings = RatioSettings(
        prior_ratio=0.01,
        prior_events=200.0,
        floor_ratio=0.002,
        rise_ratio=0.01,
        alarm_log=10.9,
        burst_prior=1.0,
        gain_max=0.6,
    )
    telemetry_slow: RatioSettings = RatioSettings(
        prior_ratio=0.03,
        prior_events=200.0,
        floor_ratio=0.01,
        rise_ratio=0.15,
        alarm_log=11.3,
        burst_prior=1.0,
        gain_max=0.6,
    )
    half_life_s: float = 3 * 86_400.0  # of what is learned about ratios
    usual_max_ratio: float = 0.3  # more than this is never called usual
    accept_after_s: float = 86_400.0  # a small rise that stays this long is the new usual
    accept_ratio_max: float = 0.05

    # Reports: negative-binomial CUSUM over a baseline by hour of week.
    rho: float = 4.0  # a wave is this many times the usual (STATUS 5.3: 3-5)
    report_threshold: float = 8.0
    report_possible_ratio: float = 0.5  # of it
    report_prior_per_min: float = 0.05
    report_prior_min: float = 60.0  # minutes that the belief above is worth
    report_floor_per_min: float = 0.02
    dispersion_prior: float = 2.0  # size k of the negative binomial, a minute
    vote_window_s: float = 600.0  # one vote a person, component and window
    network_votes_max: int = 3  # of one network in a window; the i-th weighs 1/i
    reporters_min: int = 5  # low-traffic rule
    networks_min: int = 3
    healthy_networks_min: int = 6  # while probes and telemetry say that all is well
    agree_s: float = 10.0  # a vote bears witness after this: until then it may turn out loud
    loud_voters: int = 2  # a network with more voters than this, and than loud_ratio times the
    loud_ratio: float = 3.0  # median network, is no witness of how widespread it is
    spill_ratio: float = 0.08  # innocent ones get 2-8 % of the largest wave's volume (STATUS 5.4)
    spill_max_ratio: float = 0.1
    concentrated_ratio: float = 0.7  # of reports from one version or region: that one is the cause
    young_s: float = 86_400.0  # a baseline of less than this learns from waves, too
    report_accept_s: float = 6 * 3600.0  # a wave this long, with all else well, is the new usual

    # Judging.
    together_s: float = 600.0  # what begins within this began together
    suspect_weight: float = 0.3  # less than this is nothing amiss
    hold_s: float = 480.0  # after the last bad sign; longer than half of a 5 min flap (OUTAGES 12)
    possible_hold_s: float = 180.0
    stale_s: float = 600.0  # without news for this long a source does not live
    silence_s: float = 30.0  # grace for a source that says it cannot be reached
    post_stale_s: float = 3600.0
    window_s: float = 300.0  # of what is said in words, and of failing_ratio
    contradict_events_min: int = 20  # telemetry contradicts probes with so many since they fail
    ratio_events_min: int = 20  # telemetry's failing ratio needs this many
    major_ratio: float = 0.6
    partial_ratio: float = 0.1

    # Ablations.
    has_seasonality: bool = True
    has_dispersion: bool = True  # off: Poisson
    has_explaining: bool = True
    has_diversity: bool = True
