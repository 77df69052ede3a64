"""A study: which trials there are, and one of each kind done.

    seeds      A (from ``SEED_TUNING`` on) set parameters, B (from ``SEED_REPORT`` on) are reported;
               each seed draws ``CASES_A_SEED`` entries of the catalogue in turn, so that all
               entries get about as many; and one of ``SMALL``, whose delays spread so much that
               16 of each would not tell 1.5 from 1.7
    warm       the full watch learns ``WARM_DAYS`` of quiet, once; each trial of each arm begins so:
               what is learned is the same, what is made of it is not
    quiet      months of the whole installation; of an ablation, of reports alone: that is where
               its parts matter
    drills     every drill, by eight dice each: by two, one play more or less is 3 %

The same seed plays the same evidence to every arm. Pure: who drives it hands in dice.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from penstock.sim.drills.drill_file import Drills
from penstock.sim.watching import arms, catalogue, quiet, replay
from penstock.sim.watching import installation as inst
from penstock.sim.watching.case import Case, How
from penstock.sim.watching.catalogue import SHARES
from penstock.sim.watching.chance import Dice
from penstock.sim.watching.oracle import Crossings, Oracle, Race, probe_thresholds
from penstock.sim.watching.quiet import Quiet
from penstock.sim.watching.stream import Stream
from penstock.sim.watching.trial import TICK_S, Finding, Play, play
from penstock.watch.watch import Learned, Watch

SEED_TUNING: Final = 1
SEED_REPORT: Final = 20_001
CASES_A_SEED: Final = 4
SMALL: Final = frozenset(
    f"{kind} errors {share:.0%}" for kind in ("model", "surface") for share in (0.1, 0.05, 0.02)
)
WARM_DAYS: Final = 8.0
ORACLE_DAYS: Final = 36.0
# A Monday in November: what is simulated happens in the week that begins there.
WEEK_UNIX_S: Final = inst.MONDAY_UNIX_S + 2967 * inst.WEEK_S
DICE_WARM: Final = "warm"

Draw = Callable[[str], Dice]  # the dice of that name
Thresholds = dict[str, tuple[float, ...]]  # of an oracle's name, for each of ``oracle.RATES``
RACED: Final = {"share": How.ERROR, "probes": How.ERROR, "hang": How.HANG, "slow": How.SLOW,
                "wrong": How.WRONG}  # fmt: skip
CALIBRATED: Final = (How.ERROR, How.SLOW, How.WRONG)
RACE_SHARES: Final = (*SHARES, 0.45)


def warm(dice: Dice, days: float = WARM_DAYS) -> Learned:
    """Return what the watch has learned of quiet days before the week of the study."""
    watch = Watch(inst.COMPONENTS, arms.settings(arms.FULL))
    stretch = quiet.stretch(WEEK_UNIX_S - days * inst.DAY_S, days)
    quiet.listen(watch, stretch, dice)
    return watch.learned()


def thresholds(how: How, dice: Dice, days: float = ORACLE_DAYS) -> Thresholds:
    """Return the oracle's thresholds of a kind of fault, one set for each share."""
    found: Thresholds = {}
    if how is not How.WRONG:
        told = {share: Crossings() for share in RACE_SHARES}
        for model in catalogue.LIVE_MODELS:
            profile = inst.BY_ID[model]
            oracles = {share: Oracle(profile, share, how) for share in RACE_SHARES}
            stretch = quiet.stretch(WEEK_UNIX_S, days / len(catalogue.LIVE_MODELS))
            for _, evidence in Stream(stretch, dice, TICK_S, (profile,)):
                for share, oracle in oracles.items():
                    told[share].hear(model, oracle.hear(evidence))
        for share, one in told.items():
            found[_race_name(inst.OPUS, how, share)] = one.thresholds(TICK_S)
    if how is not How.SLOW:
        component = inst.OPUS if how is How.WRONG else inst.WEB
        for share in SHARES:
            found[_race_name(component, how, share)] = probe_thresholds(how, share, dice)
    return found


def _race_name(component: str, how: How, share: float) -> str:
    has_telemetry = inst.BY_ID[component].exchanges_per_s > 0.0 and how is not How.WRONG
    shown = How.ERROR if how is How.HANG else how
    return f"{'both' if has_telemetry else 'probes'} {shown.value} {share:g}"


def race_of(case: Case, told: Thresholds) -> Race | None:
    """Return the oracle of a case, if there is one for its kind."""
    how = RACED.get(case.group)
    if how is None or not told:
        return None
    component = case.expect[0].components[0]
    levels = told.get(_race_name(component, how, case.share))
    if levels is None:
        return None
    oracle = Oracle(inst.BY_ID[component], case.share, how)
    return Race(oracle, levels, case.onset_unix_s)


def entries_of(seed: int, per_seed: int = CASES_A_SEED) -> Sequence[catalogue.Entry]:
    """Return the entries that a seed draws."""
    known = catalogue.entries()
    drawn = [known[(seed * per_seed + at) % len(known)] for at in range(per_seed)]
    names = {one.name for one in drawn}
    small = [one for one in known if one.name in SMALL]
    first = seed % len(small)
    in_turn = [*small[first:], *small[:first]]
    return [*drawn, next(one for one in in_turn if one.name not in names)]


def cases(arm: str, learned: Learned, told: Thresholds, seed: int, draw: Draw) -> Iterator[Finding]:
    """Play a seed's cases to an arm."""
    for entry in entries_of(seed):
        dice = draw(f"{seed}/{entry.name}")
        drawn = entry.draw(catalogue.At(WEEK_UNIX_S, dice))
        case = msgspec.structs.replace(drawn, name=entry.name)
        if arm != arms.FULL and case.group not in arms.GROUPS:
            continue
        watch = Watch(inst.COMPONENTS, arms.settings(arm), learned)
        race = race_of(case, told) if arm == arms.FULL else None
        is_whole = case.group == "sympathy"  # it takes a while until a wave spills over
        yield play(case, watch, dice, Play(arm, seed, race, is_whole))


def drill(drills: Drills, name: str, learned: Learned, seed: int, draw: Draw) -> Finding:
    """Play a drill to the full arm."""
    case = replay.replay(drills, drills.named(name), WEEK_UNIX_S).case
    watch = Watch(inst.COMPONENTS, arms.settings(arms.FULL), learned)
    return play(case, watch, draw(f"{seed}/{name}"), Play(arms.FULL, seed, is_whole=True))


def month(learned: Learned, dice: Dice, days: float) -> Quiet:
    """Play a quiet month of all evidence to the full arm."""
    watch = Watch(inst.COMPONENTS, arms.settings(arms.FULL), learned)
    return quiet.listen(watch, quiet.stretch(WEEK_UNIX_S, days), dice)


def month_of_reports(arm: str, learned: Learned, dice: Dice, days: float) -> Quiet:
    """Play a quiet month of reports alone to an arm."""
    watch = Watch(inst.COMPONENTS, arms.settings(arm), learned)
    stretch = quiet.stretch(WEEK_UNIX_S, days, has_reports_only=True)
    return quiet.listen(watch, stretch, dice)
