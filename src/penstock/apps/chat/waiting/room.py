"""The waiting room's surroundings: what is wrong, what models are worth, and reports of people.

One object of the process, which its parts tell things and ask things of.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from penstock.apps.chat.parts import Parts
from penstock.apps.chat.shapes import AUTO, Notices, ReportAnswer, ReportBody
from penstock.apps.chat.waiting import seen, whereabouts
from penstock.apps.chat.waiting.board import Board
from penstock.apps.chat.waiting.gateway_watch import GatewayWatch
from penstock.apps.chat.waiting.reports import Ground, Reports
from penstock.apps.chat.waiting.status_watch import StatusWatch
from penstock.web.endpoint import InvalidError
from penstock.web.keeping_up import Loop, pause
from penstock.wire import clock

SURFACES: Final = frozenset({"web", "login"})
KEPT_EVERY_S: Final = 10.0
WEB_INSTEAD: Final = "api"  # of a status page that has no component for the chat


class WaitingRoom:
    """Put together once. Owned by one event loop, but for what says otherwise."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

        def tell(notices: Notices) -> None:
            parts.log.tell_all_passing("notices", notices)

        self.board = Board(tell)
        self._gateway = GatewayWatch(
            self.board,
            lambda: whereabouts.gateway_url(parts.config, parts.state_dir),
            lambda: whereabouts.gateway_key(parts.config, parts.state_dir),
        )
        self._status = StatusWatch(self.board, self.status_url)
        ground = Ground(
            url=self.status_url,
            token=lambda: whereabouts.status_token(parts.state_dir),
            component=self._component,
            salt=secrets.token_bytes(32),
        )
        self.reports = Reports(ground)

    def loops(self, blocking: Callable[[Callable[[], Any]], Awaitable[Any]]) -> dict[str, Loop]:
        """Return what goes on for ever, by name."""

        async def refile() -> None:
            while True:
                if len(self.reports):
                    await blocking(lambda: self.reports.turn(clock.now_s()))
                await pause(KEPT_EVERY_S)

        return {
            "gateway_watch": self._gateway.run,
            "status_watch": self._status.run,
            "reports": refile,
        }

    def close(self) -> None:
        """Let go of connections."""
        self.reports.close()

    # --- for other parts

    def on_load(self, level: int, degraded: tuple[str, ...]) -> None:
        """Take what an answer says of the ladder; level 5 also for a refusal of new sessions."""
        self.board.on_load(level, degraded, clock.now_s())

    def on_gateway_failed(self) -> None:
        """Take note that an answer could not be asked for: the gateway is looked at now."""
        self._gateway.hint()

    def on_logins(self, failing: tuple[str, ...]) -> None:
        """Take which ways to log in fail, as people know them."""
        self.board.on_logins(failing, clock.now_s())

    def model_state(self, model: str) -> str:
        """Return a model's state, as the status page calls it. May be called from any thread."""
        return self.board.state_of(self._route(model))

    def status_url(self) -> str:
        """Return where the status page is. May be called from any thread."""
        return whereabouts.status_url(self._parts.config, self._parts.state_dir)

    def report(self, body: ReportBody, person: str, address: str) -> ReportAnswer:
        """File a report; blocks. May be called from any thread."""
        if body.component not in SURFACES:
            config = self._parts.config
            if self._route(body.component) not in {one.name for one in config.routes}:
                raise InvalidError(f"there is no component {body.component!r}", "component")
        return self.reports.file(body, person or self.reports.stranger(address), clock.now_s())

    def _route(self, model: str) -> str:
        chat = self._parts.config.chat
        if model != AUTO:
            return model
        names = chat.models or tuple(one.name for one in self._parts.config.routes)
        return chat.auto or next((one for one in names if not one.endswith("*")), "")

    def _component(self, named: str) -> str:
        document = self.board.document
        if document is None:
            return ""
        if named in SURFACES:
            instead = seen.component_of(document, WEB_INSTEAD)
            return seen.component_of(document, named) or instead
        return seen.component_of(document, self._route(named))
