"""All in front of a real ``penstock up``: log-in is struck, and the page says so of it alone."""

import asyncio
from importlib import resources
from pathlib import Path
from random import Random

import httpx
import pytest
from tests.cli.running import REAL, running
from tests.e2e.emulator import KEY, RunningEmulator
from tests.e2e.gateway import GPT

from penstock.apps.drill.front import Front
from penstock.config import private_file, toml
from penstock.config.model import Config, DialectName, Route, Target, Upstream
from penstock.sim.drills import drill_file
from penstock.sim.drills.drill_file import Drill
from penstock.sim.drills.shapes import Seen, Strike, Timetable, Window
from penstock.wire import clock

BEGIN_S, END_S = 15.0, 75.0
UNIX_S = 1_772_451_420.0
STRIKE = Strike(
    place="login", kind="http_500", share=1.0, from_s=BEGIN_S, to_s=END_S, surface="login"
)
TABLE = Timetable(
    windows=(Window(from_s=0.0, to_s=END_S, from_unix_s=UNIX_S, to_unix_s=UNIX_S + END_S),),
    strikes=(STRIKE,),
    played_s=END_S,
    true_s=END_S,
)


def drill() -> Drill:
    text = resources.files("penstock.sim.data").joinpath("drills.json").read_text("utf-8")
    return drill_file.parse(text).named("claude-2026-03-02")


def config(emulator: RunningEmulator, key_file: Path) -> Config:
    private_file.write(key_file, KEY)
    upstream = Upstream(
        name="gpt",
        dialect=DialectName.OPENAI_CHAT,
        base_url=emulator.urls["gpt"],
        api_key_file=str(key_file),
    )
    return Config(
        upstreams=(upstream,),
        routes=(Route(name="chat", targets=(Target(upstream="gpt", model=GPT),)),),
    )


async def look(front: Front, urls: dict[str, str], token: str) -> None:
    await front.lead(urls, token)
    front.begin(clock.now_s())
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group, httpx.AsyncClient(trust_env=False) as http:
        group.create_task(front.watch(stop))
        way = await http.get(f"{front.chat_url}/login/oidc", headers={"origin": front.chat_url})
        assert way.status_code == 303  # to the emulated provider, and back to the door
        assert front.chat_url.replace(":", "%3A").replace("/", "%2F") in way.headers["location"]
        asyncio.get_running_loop().call_later(END_S, stop.set)
        await stop.wait()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_log_in_that_fails_is_found_at_the_log_in(tmp_path: Path) -> None:
    found: list[Seen] = []
    words: list[str] = []
    (tmp_path / "emulator").mkdir()
    emulator = RunningEmulator(tmp_path / "emulator")

    async def work() -> None:
        async with Front(drill(), TABLE, Random) as front:
            made = front.led(config(emulator, tmp_path / "upstream.key"), tmp_path / "state")
            (tmp_path / "penstock.toml").write_text(toml.document(made))
            with running(tmp_path, REAL) as up:
                ready = await asyncio.to_thread(up.ready)
                token = (tmp_path / "state" / "control.token").read_text().strip()
                await look(front, ready["urls"], token)
            found.extend(front.seen(TABLE))
            words.extend(front.words)

    try:
        asyncio.run(work())
    finally:
        emulator.stop()
    seen = {one.name: one for one in found}
    login = seen.pop("Log-in")
    assert login.is_right, login
    assert login.watch_s is not None
    assert login.page_s is not None
    assert login.watch_s <= login.page_s <= login.watch_s + 10.0
    assert login.provider_s is None
    assert {name: one.failed_at_s for name, one in seen.items()} == dict.fromkeys(
        ("Web chat", "Console", GPT), None
    )
    assert [seen[name].is_right for name in ("Console", GPT)] == [True, True]
    assert seen["Web chat"].is_right is not False, seen
    assert "requests at our own doors were struck" in words[0]
