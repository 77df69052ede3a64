"""All endpoints of the operator API, in the order of its documentation."""

from typing import Final

from penstock.apps.control.api import (
    alerts,
    audit,
    configuration,
    drills,
    impact,
    imports,
    keys,
    live_drills,
    objectives,
    operators,
    prices,
    reports,
    sessions,
    status,
    tenants,
    tokens,
)
from penstock.web.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *status.ENDPOINTS,
    *tenants.ENDPOINTS,
    *keys.ENDPOINTS,
    *prices.ENDPOINTS,
    *imports.ENDPOINTS,
    *reports.ENDPOINTS,
    *impact.ENDPOINTS,
    *drills.ENDPOINTS,
    *objectives.ENDPOINTS,
    *alerts.ENDPOINTS,
    *live_drills.ENDPOINTS,
    *configuration.ENDPOINTS,
    *audit.ENDPOINTS,
    *operators.ENDPOINTS,
    *tokens.ENDPOINTS,
    *sessions.ENDPOINTS,
)
