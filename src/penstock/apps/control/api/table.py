"""All endpoints of the operator API, in the order of its documentation."""

from typing import Final

from penstock.apps.control.api import (
    alerts,
    keys,
    objectives,
    operators,
    sessions,
    status,
    tenants,
    tokens,
)
from penstock.apps.control.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *status.ENDPOINTS,
    *tenants.ENDPOINTS,
    *keys.ENDPOINTS,
    *objectives.ENDPOINTS,
    *alerts.ENDPOINTS,
    *operators.ENDPOINTS,
    *tokens.ENDPOINTS,
    *sessions.ENDPOINTS,
)
