"""The operator API as commands use it: of the control process, or in this one if none runs.

    control runs    over HTTP, with the token of the state directory; ``run/control.ready.json``
                    says where
    none runs       the same application in this process, under control's lock, so that there is
                    one way to change a tenant or a key, and one writer
    neither         control is starting, or another command is at it: wait for a while

What the API refuses is raised: a ConfigError if it names places, else a StoreError.
"""

import asyncio
import contextlib
import importlib
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from penstock.cli import state
from penstock.cli.terminal import Terminal
from penstock.config import load, private_file
from penstock.config.check_tenancy import NAME
from penstock.config.locking import locked
from penstock.config.operations import Control
from penstock.core.errors import ConfigError, Problem, StoreError
from penstock.snapshot import plan

PREFIX: Final = "/api/v1"
ANSWER_S: Final = 15.0  # control itself gives up on its database after 10
PAGE: Final = 500
FREE_S: Final = 10.0  # control starts within a second or two; a command takes as long
TAKEN_S: Final = 3.0  # a gateway looks four times a second
POLL_S: Final = 0.02

T = TypeVar("T")


class Page(msgspec.Struct):
    """A part of a list."""

    items: list[msgspec.Raw]
    next: str = ""


class Served(msgspec.Struct):
    """What control says of the snapshot."""

    version: int
    doubts: list[Problem] = []


class Status(msgspec.Struct):
    """What control says of itself."""

    snapshot: Served


class Surface(msgspec.Struct, frozen=True):
    """A process with an operator API; ``inside`` makes the same application in this process."""

    name: str
    lock: Callable[[state.State], Path]
    inside: Callable[[state.State], Awaitable[Any]]


class Api:
    """The operator API. For one thread."""

    def __init__(
        self, client: httpx.AsyncClient, runner: asyncio.Runner, name: str = "control"
    ) -> None:
        self._client = client
        self._runner = runner
        self._name = name

    def call(self, method: str, path: str, body: object = None, /, **query: Any) -> bytes:
        """Return the answer's body; raises ConfigError or StoreError if it is refused."""
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._runner.run(
                self._client.request(method, PREFIX + path, content=content, params=query)
            )
        except httpx.TimeoutException as error:
            may_be_done = "" if method == "GET" else "; what was asked may be done all the same"
            raise StoreError(
                f"{self._name} has not answered within {ANSWER_S:g} s{may_be_done}: see "
                f"run/{self._name}.log"
            ) from error
        except httpx.HTTPError as error:
            words = f"{self._name} has gone away: try again, or see run/{self._name}.log"
            raise StoreError(words) from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer, self._name)

    def get(self, kind: type[T], path: str, /, **query: Any) -> T:
        """Return one thing."""
        return msgspec.json.decode(self.call("GET", path, **query), type=kind)

    def all(self, kind: type[T], path: str, **query: Any) -> Iterator[T]:
        """Yield a whole list, page by page."""
        after = ""
        while True:
            page = self.get(Page, path, after=after, limit=PAGE, **query)
            for item in page.items:
                yield msgspec.json.decode(item, type=kind)
            if not page.next:
                return
            after = page.next


@contextlib.contextmanager
def opened(home: state.State, surface: Surface | None = None) -> Generator[Api]:
    """Give the operator API of this state directory; raises StoreError if it cannot be had.

    It is control's, unless another surface is named.
    """
    surface = surface or CONTROL
    with asyncio.Runner() as runner, contextlib.ExitStack() as held:
        client = _found(home, surface, runner, held)
        try:
            yield Api(client, runner, surface.name)
        finally:
            runner.run(client.aclose())


def place(*names: str) -> str:
    """Return a path of names, quoted."""
    return "".join(f"/{quote(name, safe='')}" for name in names)


def name_of(name: str) -> str:
    """Return a name; raises StoreError if it is none."""
    if not NAME.fullmatch(name):
        raise StoreError(f"{name!r} is not a name: letters, digits and . _ -, at most 64")
    return name


def announce(home: state.State, api: Api) -> int:
    """Tell doubts, and wait for what is running to take the change; returns the exit status.

    Without an ``up`` running, the next start takes it.
    """
    terminal = Terminal(is_error=True)
    snapshot = api.get(Status, "/status").snapshot
    terminal.problems("degraded", snapshot.doubts)
    if not state.up_pid(home):
        return 0
    said: list[dict[str, Any]] = []
    pause = threading.Event()  # never set: it only waits
    for _ in range(int(TAKEN_S / POLL_S)):
        names = [path.name.removesuffix(".ready.json") for path in home.gateways_ready()]
        said = [state.read_json(home.reloaded(name)) for name in names]
        if said and all(one.get("version", 0) >= snapshot.version for one in said):
            terminal.state("good", "in use now")
            return 0
        pause.wait(POLL_S)
    refused = [str(one["error"]) for one in said if one.get("error")]
    reason = refused[0] if refused else f"no gateway has taken it within {TAKEN_S:g} s"
    terminal.state("bad", f"saved; {reason}")
    return 1


def _found(
    home: state.State, surface: Surface, runner: asyncio.Runner, held: contextlib.ExitStack
) -> httpx.AsyncClient:
    """Return the client of the process, or of this one, which then holds the other's lock."""
    pause = threading.Event()  # never set: it only waits
    for _ in range(int(FREE_S / POLL_S)):
        with contextlib.ExitStack() as attempt:
            if attempt.enter_context(locked(surface.lock(home))):
                held.push(attempt.pop_all())
                return runner.run(_within(home, surface))
        if url := state.url_of(home, surface.name):
            return _client(home, url, None)
        pause.wait(POLL_S)
    raise StoreError(f"{surface.name} is starting, or another command is at it: try again")


async def _within(home: state.State, surface: Surface) -> httpx.AsyncClient:
    app = await surface.inside(home)
    return _client(home, f"http://{surface.name}", httpx.ASGITransport(app))


async def _control(home: state.State) -> Any:
    # Imported here, for it takes as long as all the rest, and is needed only without control.
    module = importlib.import_module("penstock.apps.control.app")
    control = module.Control(module.Options(state_dir=home.root), _settings(home))
    await control.prepare()
    return control.app


def _client(
    home: state.State, url: str, transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    token = private_file.read(home.root / "control.token").strip()
    return httpx.AsyncClient(
        base_url=url,
        transport=transport,
        headers={"authorization": f"Bearer {token}"},
        timeout=ANSWER_S,
        trust_env=False,  # a proxy has no business between us
    )


def _settings(home: state.State) -> Control:
    """Return where the database is: as was served last, or as the file here says."""
    found = plan.read(home.plan)
    if found is not None:
        return found.config.control
    path = load.config_path()
    return load.load(path).control if path is not None else Control()


def _refusal(answer: httpx.Response, name: str) -> ConfigError | StoreError:
    try:
        told: dict[str, Any] = msgspec.json.decode(answer.content)["error"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return StoreError(f"{name} answered {answer.status_code}")
    if problems := told.get("problems"):
        return ConfigError(msgspec.convert(problems, list[Problem]))
    return StoreError(str(told.get("message", "")))


CONTROL: Final = Surface("control", lambda home: home.control_lock, _control)
