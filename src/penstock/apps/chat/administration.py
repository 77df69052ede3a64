"""Looking after accounts while the process does not run: the same endpoints, over the database.

Whoever uses this holds the process's lock. Nobody listens, nothing is answered, no loop runs.
"""

from pathlib import Path
from typing import Final

from starlette.applications import Starlette

from penstock.apps.chat.answering.answers import NoAnswers
from penstock.apps.chat.answering.log import NoLog
from penstock.apps.chat.api import accounts
from penstock.apps.chat.call import Call
from penstock.apps.chat.erasing import Eraser
from penstock.apps.chat.identity import Identity
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.store import open_chat
from penstock.apps.chat.who import Who
from penstock.config.model import Config
from penstock.identity.migrate import migrate
from penstock.web import process
from penstock.web.http import Caller
from penstock.web.site import Site
from penstock.wire import clock

NAME: Final = "chat.localhost"


def administration(state_dir: Path, config: Config) -> Starlette:
    """Return an application with the endpoints for administrators; raises StoreError."""
    store = open_chat(state_dir)
    migrate(store)
    site = Site(NAME, config.chat.hosts, config.chat.port)
    parts = Parts(
        store=store,
        state_dir=state_dir,
        now_unix_s=clock.now_unix_s,
        config=config,
        log=NoLog(),
        answers=NoAnswers(),
        notices=tuple,
        origin=lambda: site.origin,
    )
    parts.erase = Eraser(parts).erase

    async def never(work: object) -> None:  # the token needs no database, and no session
        del work

    def unseen(session: str, now_unix_s: float) -> None:
        del session, now_unix_s

    identity = Identity(config.chat, store, state_dir)
    token = process.break_glass(state_dir)
    who = Who(identity, token, never, clock.now_unix_s, lambda: config, unseen)
    return Starlette(routes=Caller(parts, who, Call).routes(accounts.ENDPOINTS))
