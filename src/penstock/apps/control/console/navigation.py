"""Where one can go in the console: each page stands here once, in the order in which it is seen."""

from typing import Final

import msgspec

from penstock.web.endpoint import Role


class Item(msgspec.Struct, frozen=True):
    """One page."""

    href: str
    name: str


class Group(msgspec.Struct, frozen=True):
    """Pages that belong together; a name may be empty."""

    name: str
    items: tuple[Item, ...]
    role: Role = Role.VIEWER  # who has less does not see it


NAVIGATION: Final = (
    Group(
        "",
        (
            Item("/", "Overview"),
            Item("/exchanges", "Exchanges"),
            Item("/objectives", "Objectives"),
            Item("/status-page", "Status page"),
            Item("/drills", "Drills"),
            Item("/live-drills", "Live drills"),
        ),
    ),
    Group("Customers", (Item("/tenants", "Tenants and keys"),)),
    Group(
        "Money",
        (
            Item("/usage", "Usage and money"),
            Item("/prices", "Prices"),
            Item("/reports", "Reports"),
        ),
    ),
    Group("Rules", (Item("/configuration", "Configuration"), Item("/audit", "Audit"))),
    Group(
        "Access",
        (Item("/operators", "Operators"), Item("/tokens", "API tokens")),
        Role.OWNER,
    ),
)


def shown_to(role: Role) -> tuple[Group, ...]:
    """Return what somebody with this role can open."""
    return tuple(one for one in NAVIGATION if role >= one.role)
