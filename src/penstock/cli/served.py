"""What a configuration would serve, with the tenants, keys and prices that operators have."""

from penstock.apps.control.publishing import Publisher
from penstock.cli.state import State
from penstock.config import load
from penstock.config.model import Config
from penstock.ledger.store import open_store
from penstock.snapshot import build, keys, prices
from penstock.snapshot.model import Snapshot
from penstock.snapshot.plan import PlanFile
from penstock.wire import clock


def drawn_up(home: State, config: Config) -> Snapshot:
    """Return a snapshot, unchecked, of what is there; makes nothing. Raises StoreError."""
    now_unix_s = clock.now_unix_s()
    found = build.build(config, (), version=0, now_unix_s=now_unix_s)
    control = config.control
    if control.database_url or home.database.exists():
        store = open_store(control.database_url, home.root, load.database_password(control))
        try:
            with store.reading() as connection:
                publisher = Publisher(home.root, store)
                found = publisher.drawn_up(connection, now_unix_s, PlanFile(config=config))
        finally:
            store.close()
    book = keys.read_book(home.keys)  # which control has not taken over yet
    return build.build(
        config,
        (*found.keys, *book.keys),
        version=0,
        now_unix_s=now_unix_s,
        tenancy=build.Tenancy(
            (*found.tenants, *book.tenants), found.prices or prices.read(home.prices)
        ),
    )
