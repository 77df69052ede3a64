"""A small installation, and evidence about it, for the tests of the watch."""

from penstock.watch.assessment import Assessment
from penstock.watch.component import Component, Layer
from penstock.watch.evidence import Counts, Probe, ProbeResult, Report
from penstock.watch.watch import Watch

T0 = 1_767_600_000.0  # a Monday


def surface(name: str, *below: str) -> Component:
    return Component(
        id=f"{name:0<12}", name=name, layer=Layer.SURFACE, surface=name, rests_on=below
    )


def model(provider: str, family: str) -> Component:
    return Component(
        id=f"{family:0<12}", name=family, layer=Layer.MODEL, provider=provider, family=family
    )


OPUS, SONNET, HAIKU = (model("anthropic", name) for name in ("opus", "sonnet", "haiku"))
GPT, MINI = model("openai", "gpt"), model("openai", "mini")
NETWORK = Component(id="network00000", name="Network", layer=Layer.SHARED)
MODELS = (OPUS, SONNET, HAIKU, GPT, MINI)
BELOW = tuple(one.id for one in MODELS)
WEB, LOGIN, API = surface("web", NETWORK.id), surface("login", NETWORK.id), surface("api", *BELOW)
BEST = Component(id="best00000000", name="best", layer=Layer.ROUTE, rests_on=(OPUS.id, GPT.id))
CODE = Component(
    id="code00000000", name="code", layer=Layer.ROUTE, rests_on=(SONNET.id,), fails_with_any=True
)
ALL = (WEB, LOGIN, API, BEST, CODE, *MODELS, NETWORK)


class World:
    """Time passes, and all is well but for those who fail."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.watch = watch or Watch(ALL)
        self.now_s = 0
        self.failing: dict[str, str] = {}  # component -> kind
        self.faint: dict[str, int] = {}  # component -> exchanges of 15 that fail; probes do not
        self.slow: set[str] = set()
        self.wrong: set[str] = set()
        self.silent: set[str] = set()
        self.told: dict[str, Assessment] = {}
        self.voters = 0

    def run(self, for_s: int) -> dict[str, Assessment]:
        """Pass time in steps of 15 s; return what is said in the end."""
        for _ in range(for_s // 15):
            self.now_s += 15
            for component in ALL:
                if component.id not in self.silent:
                    self.probe(component.id)
                    self.exchange(component)
            found = self.watch.judge(T0 + self.now_s)
            self.told = {one.component: one for one in found}
        return self.told

    def probe(self, component: str) -> None:
        result = ProbeResult.GOOD
        if component in self.failing:
            result = ProbeResult.FAILED
        elif component in self.wrong:
            result = ProbeResult.WRONG
        elif component in self.slow:
            result = ProbeResult.SLOW
        how = self.failing.get(component, "")
        self.watch.on_probe(
            Probe(component=component, at_unix_s=T0 + self.now_s, result=result, how=how)
        )

    def exchange(self, component: Component) -> None:
        if component.layer is Layer.SHARED or component.surface in {"web", "login"}:
            return
        failed = 15 if component.id in self.failing else self.faint.get(component.id, 0)
        kind = self.failing.get(component.id, "server_error")
        slow = 15 if component.id in self.slow else 0
        self.watch.on_counts(
            Counts(
                component=component.id,
                from_unix_s=T0 + self.now_s - 15,
                to_unix_s=T0 + self.now_s,
                good=15 - failed,
                failed=failed,
                slow=slow,
                by_kind={kind: failed} if failed else {},
            )
        )

    def report(self, component: str, people: int, version: str = "", networks: int = 0) -> None:
        """People report, within the last 15 s."""
        for at in range(people):
            self.voters += 1
            network = self.voters % networks if networks else self.voters
            self.watch.on_report(
                Report(
                    component=component,
                    at_unix_s=T0 + self.now_s - 14 * at / people,
                    voter=f"v{self.voters}",
                    network=f"n{network}",
                    version=version,
                )
            )
