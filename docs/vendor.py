"""Takes third-party browser code into the tree, as it was published.

    npm pack preact@11.2.0 @preact/signals@2.11.4 ...     writes archives, installs nothing
    python docs/vendor.py preact-11.2.0.tgz ...

vendor.toml    the list: which files of a package are taken, and what they are called here. Add a
               [[package]] with name, licence and files; the rest is written by this script
changed        only what a browser without a bundler needs: names of packages in imports become the
               files beside (MODULES), and the mention of a source map, which is not here, goes; of
               a style's fonts only WOFF2, which all browsers of today read
licence        the package's own LICENSE file, beside as NAME.LICENSE.txt
sha256         of each file as it lies here; tests/apps/chat/site/test_vendor.py compares
"""

import hashlib
import json
import re
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any, Final

VENDOR: Final = Path(__file__).parent.parent / "src/penstock/apps/chat/static/vendor"
LIST: Final = "vendor.toml"
MODULES: Final = {
    "preact": "preact.js",
    "preact/hooks": "hooks.js",
    "@preact/signals-core": "signals-core.js",
    "@preact/signals": "signals.js",
    "htm": "htm.js",
}
IMPORTED: Final = re.compile(r"""(\bfrom|\bimport)(\s*)(["'])([@\w/-]+)\3""")
OLD_FONT: Final = re.compile(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)')
SOURCE_MAP: Final = re.compile(r"\n?//# sourceMappingURL=\S+\s*$")
LICENCES: Final = ("LICENSE", "LICENSE.md", "LICENSE.txt", "license")
HEAD: Final = "# Third-party code of the chat's pages; written by docs/vendor.py, which says how.\n"


def relative(text: str) -> str:
    """Return a module with its imports turned to files beside it."""
    turned = IMPORTED.sub(lambda m: f"{m[1]}{m[2]}{m[3]}./{MODULES.get(m[4], m[4])}{m[3]}", text)
    return SOURCE_MAP.sub("\n", turned)


def entries(archive: Path) -> dict[str, bytes]:
    """Return the files of a package by their paths."""
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            read = opened.extractfile(member) if member.isfile() else None
            if read is not None:
                found[member.name.partition("/")[2]] = read.read()
    return found


def take(package: dict[str, Any], found: dict[str, bytes]) -> None:
    """Write a package's files, and what they are into its entry."""
    about = json.loads(found["package.json"])
    package["version"], package["licence"] = about["version"], about["license"]
    licence = next(name for name in LICENCES if name in found)
    short = package["name"].rpartition("/")[2]
    package["licence_text"] = f"{short}.LICENSE.txt"
    (VENDOR / package["licence_text"]).write_bytes(found[licence])
    package["sha256"] = {}
    for path, name in package["files"].items():
        body = found[path]
        if name.endswith(".js"):
            body = relative(body.decode()).encode()
        elif name.endswith(".css"):
            body = OLD_FONT.sub("", body.decode()).encode()
        place = VENDOR / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        package["sha256"][name] = hashlib.sha256(body).hexdigest()


def written(packages: list[dict[str, Any]]) -> str:
    """Return the list as TOML."""
    lines = [HEAD]
    for package in packages:
        lines.append("[[package]]")
        told = ("name", "version", "licence", "licence_text")
        lines.extend(f"{key} = {json.dumps(package.get(key, ''))}" for key in told)
        for key in ("files", "sha256"):
            lines.append(f"[package.{key}]")
            pairs = package.get(key, {}).items()
            lines.extend(f"{json.dumps(a)} = {json.dumps(b)}" for a, b in pairs)
        lines.append("")
    return "\n".join(lines)


def main(archives: list[Path]) -> None:
    """Take what the archives hold."""
    packages = tomllib.loads((VENDOR / LIST).read_text(encoding="utf-8"))["package"]
    by_name = {package["name"]: package for package in packages}
    for archive in archives:
        found = entries(archive)
        take(by_name[json.loads(found["package.json"])["name"]], found)
    (VENDOR / LIST).write_text(written(packages), encoding="utf-8")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
