"""What control alone knows of an incident: asked of its API, by a token of its state directory.

address   [status] control_url, else where the control that ``up`` started says that it listens
token     [status] control_token_file, else the break-glass token of the state directory
away      StoreError: the page says "not available yet", and asks again later
"""

from pathlib import Path
from typing import Final

import httpx
import msgspec

from penstock.apps.status.parts import Parts
from penstock.apps.status.postmortem.facts import Impact
from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.web import process

READY: Final = Path("run") / "control.ready.json"
PATH: Final = "/api/v1/reports/impact"
WITHIN_S: Final = 65.0  # control itself gives up after a minute
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
OK: Final = 200


class _Ready(msgspec.Struct, frozen=True):
    url: str = ""


async def impact(parts: Parts, from_unix_s: float, until_unix_s: float) -> Impact:
    """Return what control knows of a span; raises StoreError if it cannot be had now."""
    url, token = _where(parts), _token(parts)
    params = {"from": f"{from_unix_s:.3f}", "to": f"{until_unix_s:.3f}"}
    headers = {"authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(timeout=WITHIN_S, trust_env=False) as client:
            answer = await client.get(f"{url}{PATH}", params=params, headers=headers)
    except httpx.HTTPError as error:
        raise StoreError(f"control cannot be reached: {type(error).__name__}") from error
    if answer.status_code != OK or len(answer.content) > ANSWER_BYTES_MAX:
        raise StoreError(f"control answered {answer.status_code}")
    try:
        return msgspec.json.decode(answer.content, type=Impact)
    except msgspec.MsgspecError as error:
        raise StoreError("control's answer cannot be understood") from error


def _where(parts: Parts) -> str:
    if parts.config.status.control_url:
        return parts.config.status.control_url.rstrip("/")
    try:
        raw = private_file.read(parts.state_dir / READY)
        url = msgspec.json.decode(raw, type=_Ready).url
    except msgspec.MsgspecError as error:
        raise StoreError("control has not said where it listens") from error
    if not url:
        raise StoreError("control has not said where it listens")
    return url


def _token(parts: Parts) -> str:
    named = parts.config.status.control_token_file
    if named:
        return private_file.read(Path(named)).strip()
    return process.break_glass(parts.state_dir)
