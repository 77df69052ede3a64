"""A status database with components and incidents, and everything that subscribes and tells."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import msgspec
from aiosmtpd.handlers import Message as Kept
from aiosmtpd.smtp import SMTP
from sqlalchemy import insert, select, update
from starlette.applications import Starlette
from tests.migrated import begun

from penstock.apps.status import components, tables
from penstock.apps.status.parts import PageId, Parts
from penstock.apps.status.store import open_status
from penstock.apps.status.subscriptions import noticing, sealing, subscribing, taking
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.apps.status.subscriptions.delivering import Delivering, Result
from penstock.apps.status.subscriptions.sending import Ways
from penstock.apps.status.subscriptions.taking import Subscriptions
from penstock.config.model import Config
from penstock.config.operations import Alerts, Smtp
from penstock.config.watching import Component, Status, Surface
from penstock.notify.outbound import Outbound
from penstock.watch.component import State
from penstock.web.doorway import Doorway
from penstock.web.site import Site

T0 = 1_800_000_000.0
PAGE = "page00000001"
NAMES = ("API", "Log-in", "Web chat")
SURFACES = (Surface.API, Surface.LOGIN, Surface.WEB)
API, LOGIN, CHAT = (components.id_of(PAGE, f"component Ours {name}") for name in NAMES)
GROUP = components.id_of(PAGE, "group Ours")
LINES = tuple(
    Component(name=name, group="Ours", surface=surface)
    for name, surface in zip(NAMES, SURFACES, strict=True)
)
URL = "http://status.localhost:8403"


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self, unix_s: float) -> None:
        self.unix_s = unix_s

    def __call__(self) -> float:
        return self.unix_s


class Box(Kept):
    """A mail server's memory."""

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.mail: list[EmailMessage] = []
        self.refuses = ""
        self.port = 0
        vars(self)["handle_RCPT"] = self.recipient  # aiosmtpd's name for it

    def handle_message(self, message: Any) -> None:
        self.mail.append(message)

    async def recipient(self, *args: Any) -> str:
        envelope, address = args[2], str(args[3])
        if self.refuses and self.refuses in address:
            return "550 no such box"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def has(self, number: int) -> None:
        """Wait until so many mails are there."""
        pause = asyncio.Event()
        while len(self.mail) < number:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await pause.wait()

    def texts(self) -> list[str]:
        """Return the plain text of each mail."""
        found: list[str] = []
        for one in self.mail:
            part: Any = one.get_payload(0)
            found.append(part.get_payload(decode=True).decode())
        return found


@contextlib.asynccontextmanager
async def mailing() -> AsyncGenerator[Box]:
    """Run a mail server while the block runs."""
    box, protocols = Box(), list[SMTP]()
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        protocols.append(SMTP(box, loop=loop))
        return protocols[-1]

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        for one in protocols:
            if isinstance(one.transport, asyncio.WriteTransport):
                one.transport.abort()
        await asyncio.sleep(0)


class Bench:
    """Everything. Incidents are written as the incidents' own code would."""

    def __init__(self, folder: Path, config: Config | None = None, at_unix_s: float = T0) -> None:
        self.clock = Clock(at_unix_s)
        self.folder = folder
        self.store = begun(open_status, folder)
        config = config or Config(components=LINES, status=Status(name="Penstock"))
        self.parts = Parts(
            store=self.store,
            state_dir=folder,
            now_unix_s=self.clock,
            page=PageId(PAGE, T0),
            config=config,
            plan=components.planned(config, PAGE),
            touch=lambda: None,
            own_url=URL,
        )
        with self.store.writing() as connection:
            if not connection.execute(select(tables.components)).first():
                components.apply(connection, PAGE, self.parts.plan, T0)
        self.tls: ssl.SSLContext | None = None
        self.resolve: Any = None
        self.subscriptions = Subscriptions(self.parts, blocking, lambda: 0.0, self.ways())
        self.delivering = Delivering(self.parts, blocking, lambda: 0.0, self.ways())
        self._number = 0

    def ways(self) -> Ways:
        return Ways(
            lambda may_be_private: Outbound(
                may_be_private=may_be_private, tls=self.tls, resolve=self.resolve, within_s=5.0
            )
        )

    @property
    def sealing(self) -> sealing.Sealing:
        return sealing.kept(self.folder)

    def configure(self, smtp_port: int = 0, **status: Any) -> None:
        """Change the configuration, as a reload does."""
        config = self.parts.config
        if smtp_port:
            smtp = Smtp(host="127.0.0.1", port=smtp_port, is_tls=False, sender="status@example.org")
            config = msgspec.structs.replace(config, alerts=Alerts(smtp=smtp))
        changed = msgspec.structs.replace(config.status, **status)
        self.parts.config = msgspec.structs.replace(config, status=changed)

    def app(self) -> Any:
        """Return the process's doorway with what anybody may call."""
        app = Starlette(routes=self.subscriptions.routes())
        return Doorway(
            app, Site("status.localhost", (), 8403), lambda p: p.startswith(taking.PATHS)
        )

    def client(self, address: str = "198.51.100.7") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app(), client=(address, 4711))
        return httpx.AsyncClient(transport=transport, base_url=URL)

    def add(self, kind: Kind, address: str, *chosen: str) -> tuple[str, str]:
        """Add somebody who has confirmed; return id and token."""
        with self.store.writing() as connection:
            added = subscribing.add(
                connection, self.sealing, Asked(kind, address, chosen), self.clock()
            )
        assert added is not None
        return added

    def open_incident(self, *touched: str, is_draft: bool = False, name: str = "It fails") -> str:
        """Write an incident down without any update."""
        self._number += 1
        incident = f"incident{self._number:04}"
        with self.store.writing() as connection:
            connection.execute(
                insert(tables.incidents).values(
                    id=incident,
                    kind="incident",
                    name=name,
                    status="investigating",
                    impact="major",
                    is_draft=int(is_draft),
                    created_unix_s=self.clock(),
                    started_unix_s=self.clock(),
                )
            )
            for component in touched:
                connection.execute(
                    insert(tables.incident_parts).values(
                        incident=incident, component=component, from_unix_s=self.clock()
                    )
                )
        return incident

    def say(
        self, incident: str, body: str, status: str = "investigating", *, deliver: bool = True
    ) -> tuple[str, int]:
        """Post an update; return its id and how many are to be told."""
        self._number += 1
        id_ = f"update{self._number:06}"
        resolved = self.clock() if status == "resolved" else 0.0
        with self.store.writing() as connection:
            connection.execute(
                insert(tables.incident_updates).values(
                    id=id_,
                    incident=incident,
                    status=status,
                    body=body,
                    affected="[]",
                    deliver=int(deliver),
                    created_unix_s=self.clock(),
                    display_unix_s=self.clock(),
                )
            )
            connection.execute(
                update(tables.incidents)
                .where(tables.incidents.c.id == incident)
                .values(status=status, resolved_unix_s=resolved)
            )
            told = noticing.incident_updated(connection, self.parts, id_, self.clock())
        return id_, told

    def change(self, component: str, old: State, new: State) -> int:
        """Change a component's state; return how many are to be told."""
        with self.store.writing() as connection:
            connection.execute(
                update(tables.components)
                .where(tables.components.c.id == component)
                .values(state=new.value)
            )
            return noticing.component_changed(
                connection, self.parts, component, (old, new), self.clock()
            )

    async def deliver(self, *kinds: Kind) -> list[Result]:
        """Try all that is due."""
        found: list[Result] = []
        for kind in kinds or Kind:
            found += await self.delivering.turn(kind)
        return found

    def rows(self, table: Any) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.execute(select(table).order_by(table.c.id)))

    def states(self) -> dict[str, str]:
        return {row.id: row.state for row in self.rows(tables.deliveries)}


async def blocking(work: Callable[[], Any]) -> Any:
    return work()
