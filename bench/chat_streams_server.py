"""The chat process of ``chat_streams``: log, answers and streams as they run, without log-in.

    python bench/chat_streams_server.py STATE_DIR GATEWAY_URL GROUP_S

Whoever names an account in ``x-account`` has it. Prints its port once it listens.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from penstock.apps.chat.answering import stream
from penstock.apps.chat.answering.answers import AnswerDesk, NoAnswers
from penstock.apps.chat.answering.log import EventLog
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.store import open_chat
from penstock.config.chatting import Chat
from penstock.config.model import Config
from penstock.web import process
from penstock.web.doorway import Doorway
from penstock.web.endpoint import Actor, Role
from penstock.web.keeping_up import kept_up
from penstock.web.site import Site
from penstock.wire import clock


async def who(request: Request) -> Actor:
    """Take the caller at its word."""
    account = request.headers["x-account"]
    return Actor(name=account, role=Role.VIEWER, account=account)


async def serve(state_dir: Path, gateway_url: str, group_s: float) -> None:
    """Serve until killed."""
    store = open_chat(state_dir)
    log = EventLog(store)
    config = Config(chat=Chat(gateway_url=gateway_url, group_s=group_s))
    parts = Parts(
        store=store, state_dir=state_dir, now_unix_s=clock.now_unix_s, config=config, log=log,
        answers=NoAnswers(), notices=tuple,
    )  # fmt: skip
    desk = AnswerDesk(parts, log)
    listener = process.listen("chat", "127.0.0.1", 0)
    port = listener.getsockname()[1]
    events = stream.Events(log, who, desk.greeting)
    site = Site("chat.localhost", (), port)
    app = Doorway(Starlette(routes=[Route(stream.PATH, events)]), site)
    server = process.server(app, is_patient=True)
    log.attach()
    desk.attach()
    print(port, flush=True)
    async with asyncio.TaskGroup() as tasks:
        lasting = [tasks.create_task(kept_up("log", log.run))]
        serving = tasks.create_task(server.serve([listener]))
        await asyncio.to_thread(sys.stdin.readline)  # the browsers are there
        lasting.append(tasks.create_task(kept_up("answers", desk.run)))
        lasting.append(tasks.create_task(stream.until_ending(server, log.hub)))
        await serving
        for one in lasting:
            one.cancel()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
