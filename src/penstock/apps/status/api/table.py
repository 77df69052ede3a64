"""All endpoints of the status process's operator API, by subject."""

from typing import Final

from penstock.apps.status.api import (
    audit,
    components,
    drills,
    incidents,
    maintenances,
    postmortems,
    probes,
    subscribers,
    user_reports,
    verdicts,
)
from penstock.web.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *verdicts.ENDPOINTS,
    *components.ENDPOINTS,
    *incidents.ENDPOINTS,
    *postmortems.ENDPOINTS,
    *maintenances.ENDPOINTS,
    *drills.ENDPOINTS,
    *user_reports.ENDPOINTS,
    *probes.ENDPOINTS,
    *subscribers.ENDPOINTS,
    *audit.ENDPOINTS,
)
