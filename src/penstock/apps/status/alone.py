"""The site rendered once, by a command: from database and plan, whether the process runs or not."""

from pathlib import Path

from penstock.apps.status import components, keeping, publishing, viewing
from penstock.apps.status.parts import Parts
from penstock.apps.status.site import rendering, writing
from penstock.apps.status.store import NAME, open_status
from penstock.config.model import Config
from penstock.core.errors import StoreError
from penstock.snapshot import plan as plan_file
from penstock.wire import clock


def render(state_dir: Path, out: Path | None, own_url: str) -> tuple[Path, int]:
    """Write the site to a folder; return which, and how many files. Raises StoreError.

    ``own_url``: where the process listens, if it does; links need it where no public URL is set.
    """
    if not (state_dir / NAME).exists():
        raise StoreError(f"{state_dir} has no {NAME}: the status process has never run there")
    found = plan_file.read(plan_file.path_of(state_dir))
    config, is_emulated = (found.config, found.is_emulated) if found else (Config(), False)
    store = open_status(state_dir)
    try:
        now_unix_s = clock.now_unix_s
        page = keeping.page_id(store, now_unix_s())
        parts = Parts(
            store=store,
            state_dir=state_dir,
            now_unix_s=now_unix_s,
            page=page,
            config=config,
            plan=components.planned(config, page.id),
            touch=lambda: None,
            is_emulated=is_emulated,
            own_url=own_url or f"http://{config.status.host}:{config.status.port}",
        )
        with store.reading() as connection:
            view = viewing.read(connection, parts, now_unix_s())
    finally:
        store.close()
    files = rendering.render(view)
    site = out or publishing.site_of(parts)
    writing.write(site, files)
    return site, len(files)
