"""Read a feed with feedparser; print what its users see, as JSON."""

import json
import sys

import feedparser


def main() -> None:
    found = feedparser.parse(sys.argv[1])
    entries = [
        {
            "id": one.id,
            "title": one.title,
            "link": one.link,
            "updated": one.get("updated") or one.get("published"),
            "content": one.content[0].value if "content" in one else one.summary,
        }
        for one in found.entries
    ]
    told = {
        "is_broken": bool(found.bozo),
        "version": found.version,
        "title": found.feed.title,
        "kind": found.headers.get("content-type"),
        "entries": entries,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
