"""All endpoints of the operator API, in the order of its documentation."""

from typing import Final

from penstock.apps.control.api import alerts, objectives, tenants
from penstock.apps.control.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *tenants.ENDPOINTS,
    *objectives.ENDPOINTS,
    *alerts.ENDPOINTS,
)
