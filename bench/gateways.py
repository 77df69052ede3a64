"""The gateways for LLM traffic that Penstock is put beside, each at its fastest plain set-up."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from host import BUILD, BenchError, Program, read_json
from peer import (
    CALLER_KEY,
    UPSTREAM_KEY,
    Endpoint,
    Peer,
    Site,
    install_run,
    package_version,
    pip_install,
    wait_file,
)


class PythonPeer(Peer):
    """A peer that comes as a Python package."""

    package: str
    overrides: tuple[str, ...] = ()

    def bin(self) -> Path:
        """Return the folder of its programs."""
        return BUILD / self.name / "bin"

    def install(self) -> None:
        """Install it into a virtual environment of its own."""
        pip_install(self.bin().parent, [self.package], self.overrides)

    def version(self) -> str:
        """Return the version of its package."""
        name = self.package.partition("==")[0].partition("[")[0]
        return package_version(self.bin(), name)


class VllmRouter(PythonPeer):
    """vLLM's router, in Rust; round robin over one worker."""

    name = "vllm-router"
    title = "vllm-router"
    package = "vllm-router==0.1.17"

    def command(self, site: Site) -> list[str]:
        """Start it with limits out of the way; the mock answers its health checks."""
        return [
            str(self.bin() / "vllm-router"),
            "--host=127.0.0.1",
            f"--port={site.port}",
            f"--worker-urls=http://127.0.0.1:{site.mock_port}",
            "--policy=round_robin",
            "--log-level=error",
            f"--prometheus-port={site.port + 1}",
            "--max-concurrent-requests=20000",
        ]


class SglangRouter(PythonPeer):
    """SGLang's router, in Rust; needs the backend "openai" to take us as an upstream."""

    name = "sglang-router"
    title = "sglang-router"
    package = "sglang-router==0.3.2"

    def command(self, site: Site) -> list[str]:
        """Start it with limits out of the way."""
        return [
            str(self.bin() / "sglang-router"),
            "launch",
            "--host=127.0.0.1",
            f"--port={site.port}",
            f"--worker-urls=http://127.0.0.1:{site.mock_port}",
            "--backend=openai",
            "--log-level=error",
            f"--prometheus-port={site.port + 1}",
            "--max-concurrent-requests=20000",
        ]


TENSORZERO = """\
[gateway]
observability.enabled = false
[models.bench]
routing = ["mock"]
[models.bench.providers.mock]
type = "openai"
model_name = "bench"
api_base = "http://127.0.0.1:{mock}/v1/"
api_key_location = "env::UPSTREAM_KEY"
"""
TENSORZERO_START = """\
import os
import signal
from tensorzero.tensorzero import _start_http_gateway
gateway = _start_http_gateway(config_file="tensorzero.toml", clickhouse_url=None,
                              postgres_url=None, valkey_url=None, async_setup=False)
with open("url.tmp", "w") as out:
    out.write(gateway.base_url)
os.rename("url.tmp", "url.txt")
signal.sigwait([signal.SIGTERM])
"""


class TensorZero(PythonPeer):
    """TensorZero as its Python package embeds it: the HTTP gateway inside a Python process."""

    name = "tensorzero"
    title = "TensorZero (embedded)"
    package = "tensorzero==2026.6.0"

    def files(self, site: Site) -> dict[str, str]:
        """One model with one provider; no database, so nothing is recorded."""
        config = TENSORZERO.format(mock=site.mock_port)
        return {"tensorzero.toml": config, "serve.py": TENSORZERO_START}

    def command(self, site: Site) -> list[str]:
        """Run the starter."""
        del site
        return [str(self.bin() / "python"), "serve.py"]

    def environment(self, site: Site) -> dict[str, str]:
        """Give it the upstream's key."""
        del site
        return {"UPSTREAM_KEY": UPSTREAM_KEY}

    def endpoints(self, site: Site) -> dict[str, Endpoint]:
        """Its OpenAI door has a path and names of its own."""
        path = "/openai/v1/chat/completions"
        return {"openai": Endpoint(site.port, path, "tensorzero::model_name::bench")}

    def wait_port(self, program: Program, site: Site) -> int:
        """Read the port from the address it chose: the embedded gateway takes a free one."""
        wait_file(program, site.folder / "url.txt")
        url = urlsplit((site.folder / "url.txt").read_text())
        if not url.port:
            raise BenchError(f"tensorzero listens at {url.geturl()!r}, which has no port")
        return url.port


class Portkey(Peer):
    """Portkey's gateway, on Node; streams only with this version of @hono/node-server."""

    name = "portkey"
    title = "Portkey"
    light = True
    packages = ("@portkey-ai/gateway@1.15.2", "@hono/node-server@1.13.8")

    def folder(self) -> Path:
        """Return where it is installed."""
        return BUILD / self.name

    def install(self) -> None:
        """Install both packages side by side, so that the pinned server wins."""
        wanted = "\n".join(self.packages)
        stamp = self.folder() / "installed.txt"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(self.folder(), ignore_errors=True)
        self.folder().mkdir(parents=True)
        pins = {name: at for name, _, at in (package.rpartition("@") for package in self.packages)}
        server = {"@hono/node-server": pins["@hono/node-server"]}
        manifest = {"name": "bench", "private": True, "dependencies": pins, "overrides": server}
        (self.folder() / "package.json").write_text(json.dumps(manifest))
        install_run(["npm", "install", "--no-audit", "--no-fund"], self.folder())
        stamp.write_text(wanted)

    def version(self) -> str:
        """Return the version of its package."""
        package = self.folder() / "node_modules/@portkey-ai/gateway/package.json"
        return str(read_json(package)["version"])

    def command(self, site: Site) -> list[str]:
        """Start it without its console."""
        script = self.folder() / "node_modules/@portkey-ai/gateway/build/start-server.js"
        return ["node", str(script), f"--port={site.port}", "--headless"]

    def environment(self, site: Site) -> dict[str, str]:
        """Run as in production."""
        del site
        return {"NODE_ENV": "production"}

    def endpoints(self, site: Site) -> dict[str, Endpoint]:
        """The caller names the upstream in headers."""
        headers = (
            f"authorization: Bearer {CALLER_KEY}",
            "x-portkey-provider: openai",
            f"x-portkey-custom-host: http://127.0.0.1:{site.mock_port}/v1",
        )
        return {"openai": Endpoint(site.port, headers=headers)}


LITELLM = """\
model_list:
  - model_name: bench
    litellm_params:
      model: openai/bench
      api_base: http://127.0.0.1:{mock}/v1
      api_key: {upstream_key}
litellm_settings:
  telemetry: false
  num_retries: 0
general_settings:
  master_key: {caller_key}
"""


class LiteLlm(PythonPeer):
    """LiteLLM's proxy with one worker and no database; keys are checked against the master key."""

    name = "litellm"
    title = "LiteLLM proxy"
    light = True
    package = "litellm[proxy]==1.109.1"
    # It asks for a certifi and an own package that were not to be had when this was written;
    # neither is used without a database and without TLS.
    overrides = ("certifi==2026.10.18", "litellm-proxy-extras==0.4.110")

    def files(self, site: Site) -> dict[str, str]:
        """One model, one deployment."""
        text = LITELLM.format(mock=site.mock_port, upstream_key=UPSTREAM_KEY, caller_key=CALLER_KEY)
        return {"litellm.yaml": text}

    def command(self, site: Site) -> list[str]:
        """Start one worker."""
        program = str(self.bin() / "litellm")
        where = ["--host", "127.0.0.1", "--port", str(site.port)]
        return [program, "--config", "litellm.yaml", *where, "--num_workers", "1"]

    def environment(self, site: Site) -> dict[str, str]:
        """Keep it from fetching its price list, and from logging each request."""
        del site
        return {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
