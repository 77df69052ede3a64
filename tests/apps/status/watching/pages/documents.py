"""What providers' pages send, written by hand in the shape of each kind."""

import json
from typing import Any, Final

NOW: Final = 1_772_453_100.0  # 2026-03-02 12:05:00 UTC

GOOD_SUMMARY: Final[dict[str, Any]] = {
    "page": {
        "id": "p0000000000a",
        "name": "Claude",
        "url": "https://status.claude.example",
        "time_zone": "Etc/UTC",
        "updated_at": "2026-03-02T11:00:00.000Z",
    },
    "components": [
        {"id": "c0000000000a", "name": "claude.ai", "status": "operational", "group": False},
        {"id": "c0000000000b", "name": "Claude API", "status": "operational", "group": False},
        {"id": "c0000000000c", "name": "All", "status": "major_outage", "group": True},
    ],
    "incidents": [],
    "scheduled_maintenances": [],
    "status": {"indicator": "none", "description": "All Systems Operational"},
}
INCIDENT: Final[dict[str, Any]] = {
    "id": "i0000000000a",
    "name": "Elevated errors on Claude Opus 4.5",
    "status": "investigating",
    "impact": "major",
    "created_at": "2026-03-02T11:49:00.000Z",
    "started_at": "2026-03-02T11:40:00.000Z",
    "shortlink": "https://stspg.example/abc",
    "components": [{"name": "Claude API", "status": "partial_outage"}],
    "incident_updates": [],
}
BAD_SUMMARY: Final[dict[str, Any]] = GOOD_SUMMARY | {
    "incidents": [INCIDENT],
    "status": {"indicator": "major", "description": "Partial System Outage"},
}
# As incident.io serves it: ULIDs, no time zone, no list of incidents, nulls, no names in incidents.
INCIDENT_IO: Final[dict[str, Any]] = {
    "page": {
        "id": "01JMDK9XYNY6RXSED6SDWW50WY",
        "name": "OpenAI",
        "url": "https://status.openai.example",
        "updated_at": "2026-03-02T10:00:00Z",
    },
    "components": [
        {
            "id": "01JMDK9XYNY6RXSED6SDWW50W1",
            "name": "Chat Completions API",
            "status": "degraded_performance",
            "group_id": None,
            "description": None,
        },
        {"id": "01JMDK9XYNY6RXSED6SDWW50W2", "name": "Login", "status": "operational"},
    ],
    "status": {"indicator": "minor", "description": "Partial System Degradation"},
}
INCIDENT_IO_OPEN: Final[dict[str, Any]] = INCIDENT_IO | {
    "incidents": [
        {
            "id": "01JMDK9XYNY6RXSED6SDWW50W9",
            "name": "Increased latency",
            "status": "identified",
            "impact": None,
            "shortlink": None,
            "created_at": "2026-03-02T11:30:00Z",
            "components": None,
            "incident_updates": None,
        }
    ]
}
ROOTLY: Final[dict[str, Any]] = {
    "page": {"name": "Mistral", "url": "https://status.mistral.example", "time_zone": "UTC"},
    "status": {"indicator": "major", "description": "Major service outage"},
    "incidents": [
        {"id": "r1", "name": "API down", "status": "investigating", "impact": "critical"},
    ],
}
INSTATUS: Final[dict[str, Any]] = {
    "page": {"name": "P", "url": "https://status.p.example", "status": "HASISSUES"},
    "activeIncidents": [
        {
            "name": "API is slow",
            "started": "Mon Mar 02 2026 11:50:00 GMT+0000 (Coordinated Universal Time)",
            "status": "INVESTIGATING",
            "impact": "DEGRADEDPERFORMANCE",
            "url": "https://status.p.example/incident/1",
        },
        {"name": "A note", "status": "IDENTIFIED", "impact": "OPERATIONAL"},
    ],
    "activeMaintenances": [{"name": "Work", "status": "INPROGRESS"}],
}
GOOGLE: Final[list[dict[str, Any]]] = [
    {
        "id": "g1",
        "begin": "2026-03-02T11:45:00+00:00",
        "created": "2026-03-02T11:55:00+00:00",
        "external_desc": "Vertex Gemini API has elevated errors",
        "most_recent_update": {"status": "SERVICE_DISRUPTION"},
        "affected_products": [{"title": "Vertex Gemini API", "id": "x"}],
        "uri": "incidents/g1",
    },
    {
        "id": "g2",
        "begin": "2026-03-02T09:00:00+00:00",
        "external_desc": "For your information",
        "most_recent_update": {"status": "SERVICE_INFORMATION"},
        "affected_products": [],
    },
    {
        "id": "g3",
        "begin": "2026-01-02T09:00:00+00:00",
        "end": "2026-01-02T10:00:00+00:00",
        "external_desc": "It is over",
        "most_recent_update": {"status": "SERVICE_OUTAGE"},
        "service_name": "Cloud Storage",
    },
]
BETTER_STACK: Final[dict[str, Any]] = {
    "data": {
        "id": "165",
        "type": "status_page",
        "attributes": {"company_name": "T", "aggregate_state": "degraded"},
    },
    "included": [
        {
            "id": "7",
            "type": "status_page_resource",
            "attributes": {"public_name": "Inference", "status": "degraded"},
        },
        {
            "id": "8",
            "type": "status_page_resource",
            "attributes": {"public_name": "Fine-tuning", "status": "downtime"},
        },
        {
            "id": "9",
            "type": "status_report",
            "attributes": {
                "title": "Errors on serverless models",
                "report_type": "manual",
                "starts_at": "2026-03-02T11:50:00.000Z",
                "ends_at": None,
                "aggregate_state": "degraded",
                "affected_resources": [{"status_page_resource_id": "7", "status": "degraded"}],
            },
        },
        {
            "id": "10",
            "type": "status_report",
            "attributes": {
                "title": "Yesterday",
                "report_type": "manual",
                "starts_at": "2026-03-01T11:50:00.000Z",
                "ends_at": "2026-03-01T12:50:00.000Z",
                "aggregate_state": "downtime",
            },
        },
        {
            "id": "11",
            "type": "status_report",
            "attributes": {
                "title": "Planned work",
                "report_type": "maintenance",
                "ends_at": None,
                "aggregate_state": "degraded",
            },
        },
    ],
}
ENDPOINTS: Final[dict[str, Any]] = {
    "data": {
        "id": "anthropic/claude-opus",
        "name": "Anthropic: Claude Opus",
        "endpoints": [
            {"name": "Anthropic | claude-opus", "status": 0, "uptime_last_30m": 61.5},
            {"name": "Google | claude-opus", "status": 0, "uptime_last_30m": 99.9},
            {"name": "New | claude-opus", "status": 0, "uptime_last_30m": None},
        ],
    }
}


def atom(*entries: tuple[str, str, str]) -> str:
    """Return a feed of entries: title, when it was updated, content."""
    told = "".join(
        f"<entry><id>x</id><published>2026-02-01T11:00:00Z</published><updated>{updated}</updated>"
        f'<link rel="alternate" href="https://status.example/i/1"/><title>{title}</title>'
        f'<content type="html"><![CDATA[{content}]]></content></entry>'
        for title, updated, content in entries
    )
    return f'<?xml version="1.0"?><feed xmlns="x"><title>History</title>{told}</feed>\n'


def rss(*items: tuple[str, str, str]) -> str:
    """Return a feed of items: title, date, description."""
    told = "".join(
        f"<item><title><![CDATA[{title}]]></title><link>https://status.example/1</link>"
        f"<pubDate>{date}</pubDate><description>{text}</description></item>"
        for title, date, text in items
    )
    return f'<rss version="2.0"><channel><title>S</title>{told}</channel></rss>'


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()
