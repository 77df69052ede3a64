"""What the API of Statuspage says of a whole page, and of one component, in its words.

Groups do not count, their members do. A state that is unknown counts as the last that was known:
the vocabulary has no word for it. While a maintenance runs and nothing is worse, that is said, also
where it names no component.
"""

from typing import Final

from penstock.apps.status.view import ComponentView, View
from penstock.core import rollup
from penstock.core.rollup import Indicator
from penstock.watch.component import State

ACTIVE: Final = ("in_progress", "verifying")  # maintenance that is going on


def of(view: View) -> Indicator:
    """Return what is said of a page."""
    found = rollup.indicator(one.api_state.value for one in view.components if not one.is_group)
    is_active = any(one.status in ACTIVE for one in view.maintenances)
    return rollup.MAINTENANCE if is_active and found == rollup.NONE else found


def state_of(view: View, one: ComponentView) -> State:
    """Return the state of a component or a group as Statuspage has words for it."""
    if not one.is_group:
        return known(one.api_state)
    members = (other.api_state.value for other in view.components if other.group_id == one.id)
    return known(State(rollup.worst(members)))


def known(state: State) -> State:
    """Return a state that the vocabulary of Statuspage has."""
    return State.OPERATIONAL if state is State.UNKNOWN else state


def word(state: str) -> str:
    """Return a state's word; what the vocabulary does not have is told as operational."""
    return known(State(rollup.Condition.of(state).word)).value
