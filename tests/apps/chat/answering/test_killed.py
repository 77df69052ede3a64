"""The process is killed in the middle of many answers, twice; none is lost, none is made twice."""

import asyncio
import signal
from pathlib import Path

import pytest
from tests.apps.chat.answering.gateway import TEXT, FakeGateway
from tests.apps.chat.answering.killing import count, fill, started, told, until
from tests.apps.chat.answering.rig import Rig

from penstock.apps.chat.answering.growing import folded

ANSWERS = 60
KILLS = 2
LONG = TEXT * 3


async def killed(rig: Rig, state_dir: Path) -> int:
    """Run the process to the end, killing it on the way; return how many answers were cut off."""
    process, cut_off = started(state_dir), 0
    try:
        for _ in range(KILLS):
            deltas = count(rig) + 5 * ANSWERS
            await until(lambda deltas=deltas: count(rig) > deltas)
            process.send_signal(signal.SIGKILL)
            process.wait()
            cut_off += rig.jobs()
            process = started(state_dir)
        await until(lambda: rig.jobs() == 0)
    finally:
        process.kill()
        process.wait()
    return cut_off


@pytest.mark.slow
def test_killed_in_the_middle_of_many_answers(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = FakeGateway(LONG, pace_s=0.03)
        await gateway.up()
        rig = Rig(tmp_path, gateway.url)  # its database alone is used
        names = fill(rig, gateway, tmp_path, ANSWERS)
        assert await killed(rig, tmp_path) > ANSWERS / 2, "too late to show anything"
        deltas_of = told(rig)
        for name in names:
            row = rig.row(name)
            assert (row["state"], row["text"]) == ("done", LONG)
            assert folded("", deltas_of[name]) == LONG
        assert gateway.made == ANSWERS
        assert gateway.replayed > 0
        rig.store.close()
        await gateway.down()

    asyncio.run(work())
