"""The table in the header is the table in the code, and it covers every kind."""

import pytest

from penstock import is_compiled
from penstock.core import outcome
from penstock.core.outcome import RULES, FailureKind, Next, Rule, Verdict

VERDICTS = {
    "half": Verdict.HALF,
    "none": Verdict.NONE,
    "one": Verdict.ONE,
    "opens": Verdict.OPENS,
    "success": Verdict.HEALTHY,
}
NEXT = {
    "elsewhere, repeat": Next.ELSEWHERE_OR_REPEAT,
    "elsewhere": Next.ELSEWHERE,
    "repeat": Next.REPEAT,
    "a larger context": Next.LARGER_CONTEXT,
    "nowhere": Next.NOWHERE,
}


def header_table() -> dict[str, Rule]:
    lines = (outcome.__doc__ or "").splitlines()
    head = next(line for line in lines if line.strip().startswith("kind "))
    columns = [head.index(word) for word in ("kind", "what", "breaker", "goes on", "exhausted")]
    table: dict[str, Rule] = {}
    for line in lines[lines.index(head) + 1 :]:
        if not line.strip():
            break
        cells = [
            line[begin:end].strip()
            for begin, end in zip(columns, [*columns[1:], None], strict=True)
        ]
        status = 0 if cells[4] == "as sent" else int(cells[4])
        table[cells[0]] = Rule(VERDICTS[cells[2]], NEXT[cells[3]], status)
    return table


def test_every_kind_has_its_rule() -> None:
    assert set(RULES) == set(FailureKind)


@pytest.mark.skipif(is_compiled(), reason="what is compiled has no header to read")
def test_the_header_says_what_the_code_does() -> None:
    assert header_table() == {kind.name: rule for kind, rule in RULES.items()}


@pytest.mark.parametrize("kind", list(FailureKind))
def test_each_rule_makes_sense(kind: FailureKind) -> None:
    rule = RULES[kind]
    assert kind.value == kind.name.lower()
    assert rule.exhausted_status in {0, 502, 503, 504}
    # What is the request's fault says nothing bad of the upstream, and is passed on as sent.
    if rule.verdict is Verdict.HEALTHY:
        assert rule.exhausted_status == 0
    # Never shown as the caller's fault: 401 and 403 of ours are an outage to the caller.
    assert kind is not FailureKind.ACCOUNT or rule.exhausted_status == 503
