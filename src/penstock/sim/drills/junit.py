"""JUnit: the checks of a result as the XML that CI servers read.

    testsuite   the invariants, the expectations
    testcase    a check: its name, and what it says; failed, skipped (not judged) or passed
    time        of the drill, at the suites; a check has none of its own

What XML cannot hold (control characters, lone surrogates) becomes U+FFFD.
"""

import re
from typing import Final
from xml.etree import ElementTree as ET

from penstock.sim.drills.shapes import Check, Result

SUITES: Final = ((False, "invariants"), (True, "expectations"))
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(result: Result) -> str:
    """Return the checks of a result as JUnit XML."""
    root = ET.Element("testsuites", {"name": _clean(f"penstock drill {result.name}")})
    _count(root, result.checks)
    root.set("time", f"{result.took_s:.3f}")
    for is_expectation, title in SUITES:
        checks = [one for one in result.checks if one.is_expectation is is_expectation]
        if checks:
            _suite(root, result, title, checks)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, "unicode")}\n'


def _suite(root: ET.Element, result: Result, title: str, checks: list[Check]) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": _clean(f"{result.outage.id}: {title}")})
    _count(suite, checks)
    for one in checks:
        named = {"classname": f"drill.{title}", "name": _clean(one.name)}
        case = ET.SubElement(suite, "testcase", named)
        if one.is_kept is None:
            ET.SubElement(case, "skipped", {"message": _clean(one.words)})
        elif one.is_kept:
            ET.SubElement(case, "system-out").text = _clean(one.words)
        else:
            failed = ET.SubElement(case, "failure", {"message": _clean(one.words)})
            failed.text = _clean(one.words)


def _count(element: ET.Element, checks: tuple[Check, ...] | list[Check]) -> None:
    element.set("tests", str(len(checks)))
    element.set("failures", str(sum(one.is_kept is False for one in checks)))
    element.set("errors", "0")
    element.set("skipped", str(sum(one.is_kept is None for one in checks)))


def _clean(words: str) -> str:
    return FORBIDDEN.sub("\ufffd", words)
