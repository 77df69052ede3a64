"""What the gateway is asked: the branch up to the person's message, as Chat Completions.

The same job asks with the same bytes, as long as nobody has changed what it is made of: that is
how the gateway knows it again. An answer that goes on is asked for with the text that is there and
a turn that says where it broke off; its seam is cut as the gateway cuts its own. Blocks.
"""

import base64
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.apps.chat.answering.growing import cut
from penstock.apps.chat.answering.jobs import Job
from penstock.apps.chat.parts import FILES, Parts
from penstock.apps.chat.shapes import AUTO
from penstock.config.model import Config
from penstock.dialects.continuation import PLACE, PROMPT
from penstock.dialects.seam import anchor_of

TURNS_MAX: Final = 2000  # of a branch; far more than any model takes
_BRANCH: Final = (
    "WITH RECURSIVE branch (id, parent, role, text, depth) AS ("
    "SELECT id, parent, role, text, 0 FROM messages WHERE id = ? AND account = ? UNION ALL "
    "SELECT m.id, m.parent, m.role, m.text, depth + 1 FROM messages m JOIN branch b "
    "ON m.id = b.parent WHERE depth < ?) "
    "SELECT id, role, text FROM branch ORDER BY depth DESC"
)
_FILES: Final = (
    "SELECT id, message, name, kind FROM files WHERE conversation = ? AND account = ? "
    "AND message != '' ORDER BY message, position"
)
_SYSTEM: Final = "SELECT system_prompt FROM conversations WHERE id = ? AND account = ?"

Turn = dict[str, Any]


def body(parts: Parts, job: Job, base_units: int) -> bytes:
    """Return what is asked; ``base_units`` of the job's text are there already."""
    with parts.store.reading() as connection:
        read = connection.exec_driver_sql
        own = read(_SYSTEM, (job.conversation, job.account)).scalar() or ""
        branch = read(_BRANCH, (job.parent, job.account, TURNS_MAX)).all()
        files = read(_FILES, (job.conversation, job.account)).all()
    system = "\n\n".join(one for one in (parts.config.chat.system_prompt, own) if one)
    attached: dict[str, list[Turn]] = {}
    on_branch = {one.id for one in branch}
    for file in files:
        if file.message in on_branch:
            path = parts.state_dir / FILES / file.id
            attached.setdefault(file.message, []).append(_file(path, file.name, file.kind))
    turns: list[Turn] = [{"role": "system", "content": system}] if system else []
    turns += [_turn(one.role, one.text, attached.get(one.id)) for one in branch if one.text or
              one.id in attached]  # fmt: skip
    turns += _going_on(cut(job.text, base_units))
    asked: Turn = {
        "model": route_of(parts.config, job.model),
        "messages": turns,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if parts.config.chat.answer_tokens_max is not None:
        asked["max_completion_tokens"] = parts.config.chat.answer_tokens_max
    return msgspec.json.encode(asked)


def headers(job: Job, key: str, joined: int = 0) -> dict[str, str]:
    """Return what goes with it; ``joined``: how many people have come to the line."""
    return {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "idempotency-key": key,
        "x-penstock-user": job.person,
        "x-penstock-line": str(joined),
        "x-penstock-tier": job.tier,
        "x-penstock-on-break": "continue",
        "x-penstock-notes": "1",
        "x-penstock-queue-events": "1",
    }


def route_of(config: Config, model: str) -> str:
    """Return which route is meant; ``auto`` is what the operator says, or the first."""
    if model and model != AUTO:
        return model
    names = [route.name for route in config.routes]
    if config.chat.auto or AUTO in names:
        return config.chat.auto or AUTO
    return next(iter((*config.chat.models, *names)), AUTO)


def _turn(role: str, text: str, files: list[Turn] | None) -> Turn:
    if not files:
        return {"role": role, "content": text}
    said = [{"type": "text", "text": text}] if text else []
    return {"role": role, "content": [*files, *said]}


def _going_on(partial: str) -> list[Turn]:
    said = partial.rstrip()
    if not said:
        return []
    prompt = PROMPT.replace(PLACE, anchor_of(said))
    return [{"role": "assistant", "content": said}, {"role": "user", "content": prompt}]


def _file(path: Path, name: str, kind: str) -> Turn:
    try:
        data = base64.b64encode(path.read_bytes()).decode()
    except OSError:  # it was deleted: the words about it still stand
        return {"type": "text", "text": f"[{name}: this file is no longer there]"}
    url = f"data:{kind};base64,{data}"
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": name, "file_data": url}}
