"""The chat's line at a real gateway with a single slot: everybody is answered, in the line's order.

And what it says meanwhile: banners while the gateway is stopped, none once it goes on, a report at
the status page.
"""

import json
from pathlib import Path
from typing import Final

import pytest
from tests.e2e.chat_people import Person
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import KEY, wait_until
from tests.e2e.gateway import GPT
from tests.e2e.stack import stack

PEOPLE: Final = 8
WITHIN_S: Final = 60.0
TEXT: Final = f"[[say:{' '.join(['water'] * 60)} end]]"
CONFIG: Final = """
[chat]
trusted_proxies = ["127.0.0.0/8"]
auto = "tiny"
[admission.queue_wait_max_s]
free = 1.0
[[upstreams]]
name = "tiny"
dialect = "openai_chat"
base_url = "{url}"
api_key_file = "{key}"
concurrency_max = 1
is_adaptive = false
[[routes]]
name = "tiny"
targets = [{{upstream = "tiny", model = "{model}"}}]
"""


@pytest.mark.slow
def test_everybody_is_answered_in_the_order_of_the_line(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator()
    key = tmp_path / "tiny.key"
    key.touch(mode=0o600)
    key.write_text(KEY)
    config = CONFIG.format(url=emulator.urls["gpt"], key=key, model=GPT)
    with stack(tmp_path, emulator, config) as running:
        url = running.up.ready()["urls"]["chat"]
        people = [Person(url, number) for number in range(PEOPLE)]
        for number, one in enumerate(people):
            assert one.sign_up() < 400
            assert one.begin(f"conversation-{number}") < 300
        for number, one in enumerate(people):
            assert one.say(f"conversation-{number}", f"answer-{number}", TEXT) < 300

        def answers() -> list[dict[str, object]]:
            return [one.read(f"answer-{number}") for number, one in enumerate(people)]

        wait_until(lambda: all(one.get("state") == "done" for one in answers()), WITHIN_S)
        began = [float(str(one["first_unix_s"])) for one in answers()]
        assert began[-1] - began[0] > 1.0  # they did wait
        ranks = sorted(range(PEOPLE), key=began.__getitem__)
        # Asked a few at a time, neighbours may change places; by chance the sum would be 21.
        assert sum(abs(rank - at) for at, rank in enumerate(ranks)) <= 2 * PEOPLE

        def notices() -> set[str]:
            _, told = people[0].ask("GET", "/api/v1/notices")
            return {one["id"] for one in json.loads(told)["notices"]}

        report = json.dumps({"component": "web", "category": "slow", "words": "It hangs."})
        status, told = people[0].ask("POST", "/api/v1/reports", report.encode())
        assert (status, json.loads(told)["why"]) == (202, "counted")
        with running.frozen("gateway"):
            wait_until(lambda: "gateway" in notices(), WITHIN_S)
        wait_until(lambda: "gateway" not in notices(), WITHIN_S)
