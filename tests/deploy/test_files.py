"""The files that deploy the server agree with the code, with each other and with their schemas."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from packaging.requirements import Requirement

from onehop.config import SECTIONS, SandboxConfig, ServerConfig, env_name
from onehop.server.http.routes import probes
from tests.users import ROOT

UID = 10001
SETTINGS = {env_name(field) for model in SECTIONS for field in model.model_fields.values()}
KUBERNETES = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
OLDEST_AND_NEWEST = ("1.25", "1.37")
GRACE_AFTER_RUNS = 25
"""Seconds beyond the server's own bound: the journal's farewell and the end of the workers."""


def server(name: str) -> Any:
    """The default of one of the server's settings."""
    return ServerConfig.model_fields[name].default


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@functools.cache
def manifests() -> list[Any]:
    return [yaml.safe_load(path.read_text("utf-8")) for path in KUBERNETES]


def kubernetes(kind: str) -> Any:
    return next(each for each in manifests() if each["kind"] == kind)


def pod() -> Any:
    return kubernetes("Deployment")["spec"]["template"]["spec"]


def container() -> Any:
    (only,) = pod()["containers"]
    return only


@functools.cache
def compose() -> Any:
    return yaml.safe_load(read("compose.yaml"))


def dockerfile() -> Iterator[tuple[str, str]]:
    """Its instructions, each on one line."""
    text = re.sub(r"^#.*\n", "", read("Dockerfile"), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        name, _, rest = line.partition(" ")
        if name:
            yield name, rest.strip()


def instruction(name: str) -> str:
    """The last one of this name, which is that of the image."""
    return [rest for each, rest in dockerfile() if each == name][-1]


# --- schemas and linters ---


@pytest.mark.parametrize("version", OLDEST_AND_NEWEST)
def test_the_manifests_of_kubernetes_fit_its_schemas(version: str) -> None:
    for document in manifests():
        if document["kind"] != "Kustomization":  # a file of a tool, not of the cluster
            kubernetes_validate.validate(document, version, strict=True)


def test_compose_fits_its_schema() -> None:
    command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    assert_passes(sys.executable, "-m", *command)


def test_hadolint_has_nothing_to_say_about_the_dockerfile() -> None:
    assert_passes(str(Path(sys.executable).with_name("hadolint")), "Dockerfile")


def assert_passes(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


# --- the image ---


def test_the_image_runs_as_a_user_without_privileges() -> None:
    assert instruction("USER") == f"{UID}:{UID}"
    assert f"useradd --uid {UID}" in read("Dockerfile")
    assert pod()["securityContext"]["runAsUser"] == UID


def test_the_base_of_the_image_is_pinned() -> None:
    bases = {rest.split()[0] for name, rest in dockerfile() if name == "FROM"}
    assert len(bases) == 1
    assert all(
        re.fullmatch(r"python:3\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}", each) for each in bases
    )


def test_the_image_takes_locked_packages_that_fit_what_the_project_asks_for() -> None:
    locked = dict(
        re.findall(r"^([\w.-]+)==([\w.]+)", read("deploy/requirements.txt"), re.MULTILINE)
    )
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    adapters = {"fastmcp", "langchain", "agent-framework", "google-adk", "openai-agents"}
    adapters |= {"pydantic-ai", "ray", "smolagents"}
    parts = [lines for extra, lines in extras.items() if extra not in adapters]
    wanted = [Requirement(line) for line in sum(parts, project["dependencies"])]
    for requirement in (each for each in wanted if each.name != "onehop"):
        version = locked[requirement.name.replace(".", "-")]
        assert requirement.specifier.contains(version), requirement
    assert "--require-hashes" in read("Dockerfile")


def test_what_builds_the_package_is_locked_and_nothing_else_is_fetched() -> None:
    text = read("deploy/build-requirements.txt")
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    for requirement in map(
        Requirement, tomllib.loads(read("pyproject.toml"))["build-system"]["requires"]
    ):
        assert requirement.specifier.contains(locked[requirement.name]), requirement
    assert all("--hash=sha256:" in part for part in re.split(r"\n(?=[a-z])", text)[1:])
    (built,) = [rest for _name, rest in dockerfile() if " wheel " in rest]
    assert "--no-build-isolation" in built
    assert "--no-index" in built


def test_what_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    ignored = read(".dockerignore").splitlines()
    assert "*" in ignored
    for name, rest in dockerfile():
        if name == "COPY" and "--from=" not in rest:
            for source in [word for word in rest.split()[:-1] if not word.startswith("--")]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored, source


def test_the_environment_of_the_image_is_what_the_code_reads() -> None:
    env = dict(pair.split("=", 1) for pair in instruction("ENV").split())
    ours = {name for name in env if name.startswith("ONEHOP_")}
    assert ours <= SETTINGS
    assert env["ONEHOP_HOST"] == "0.0.0.0"
    assert int(env["ONEHOP_PORT"]) == int(instruction("EXPOSE")) == server("port")
    for name in ("ONEHOP_STORE", "ONEHOP_JOURNAL"):
        assert urlsplit(env[name]).path.removeprefix("/").startswith(("/data/", "data/")), name
    assert instruction("VOLUME") == "/data"


def test_the_image_starts_the_server_and_is_stopped_by_what_it_listens_to() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["onehop"]
    assert json.loads(instruction("CMD")) == ["serve"]
    assert instruction("STOPSIGNAL") == "SIGTERM"


class Answering(BaseHTTPRequestHandler):
    """Alive, but not ready."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def test_the_health_check_tells_alive_from_not_ready_and_from_gone() -> None:
    with HTTPServer(("127.0.0.1", 0), Answering) as answering:
        Thread(target=answering.serve_forever, daemon=True).start()
        port = answering.server_port
        assert health(port) == (0, "/healthz: 200\n")
        assert health(port, "/readyz") == (1, "/readyz: 503\n")
        answering.shutdown()
    status, said = health(port)
    assert status == 1
    assert "refused" in said


def health(port: int, *paths: str) -> tuple[int, str]:
    command = [sys.executable, "-I", str(ROOT / "deploy/healthcheck.py"), *paths]
    env = {"ONEHOP_PORT": str(port)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout


# --- Kubernetes ---


def test_the_pod_has_no_right_that_the_jail_does_not_need() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod())
    assert {next(iter(set(volume) - {"name"})) for volume in pod()["volumes"]} == {"emptyDir"}


def test_probes_ask_what_the_server_answers() -> None:
    answered = {route.path for route in probes.routes if hasattr(route, "path")}
    asked = {
        container()[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {"/healthz", "/readyz"} == answered
    assert container()["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_ports_agree() -> None:
    (port,) = container()["ports"]
    (service,) = kubernetes("Service")["spec"]["ports"]
    (ingress,) = kubernetes("NetworkPolicy")["spec"]["ingress"]
    assert port["containerPort"] == service["port"] == server("port")
    assert service["targetPort"] == port["name"]
    assert [allowed["port"] for allowed in ingress["ports"]] == [server("port")]
    (published,) = compose()["services"]["onehop"]["ports"]
    assert published == f"127.0.0.1:{server('port')}:{server('port')}"
    for proxy in ("Caddyfile", "nginx.conf"):
        assert f"127.0.0.1:{server('port')}" in read(f"deploy/proxy/{proxy}")


def test_labels_lead_to_the_pods() -> None:
    labels = kubernetes("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert kubernetes("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert kubernetes("Service")["spec"]["selector"] == labels
    assert kubernetes("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert kubernetes("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels


def test_nothing_may_leave_but_to_dns_and_the_database() -> None:
    spec = kubernetes("NetworkPolicy")["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    assert all(rule["to"] for rule in spec["egress"])
    assert [{port["port"] for port in rule["ports"]} for rule in spec["egress"]] == [{53}, {27017}]


def test_the_kustomization_has_every_manifest_but_the_example_of_a_secret() -> None:
    named = set(kubernetes("Kustomization")["resources"])
    files = {path.name for path in KUBERNETES}
    assert files - named == {"kustomization.yaml", "secret.example.yaml"}
    assert {each["key"] for each in secrets()} <= set(kubernetes("Secret")["stringData"])


def secrets() -> list[Any]:
    return [each["valueFrom"]["secretKeyRef"] for each in container()["env"] if "valueFrom" in each]


# --- all of them ---


def test_every_variable_that_is_set_is_a_setting() -> None:
    systemd = re.findall(
        r"^Environment=(\w+)=", read("deploy/systemd/onehop.service"), re.MULTILINE
    )
    named = {
        *(each["name"] for each in container()["env"]),
        *compose()["services"]["onehop"]["environment"],
        *systemd,
    }
    assert named <= SETTINGS
    # The defaults follow the limit of CPU, and know nothing of the limit of memory.
    for bound in ("ONEHOP_POOL_SIZE", "ONEHOP_MAX_CONCURRENCY"):
        assert bound in named


def guide() -> str:
    """All pages about deployment."""
    pages = sorted((ROOT / "docs/how-to/deploy").glob("*.md"))
    return "\n".join(page.read_text("utf-8") for page in pages)


def test_variables_that_the_page_names_are_settings() -> None:
    named = set(re.findall(r"\b(?:ONEHOP|CODE_EXEC)_[A-Z_]+\b", guide()))
    assert named - {"ONEHOP_DB_PASSWORD"} <= SETTINGS


def test_files_that_the_page_names_exist() -> None:
    named = re.findall(r"\b(?:deploy|scripts)/[\w./-]*\w", guide())
    assert named
    for name in set(named):
        assert (ROOT / name).exists(), name


def test_whoever_stops_the_server_waits_until_its_runs_are_over() -> None:
    bound = server("shutdown_timeout") / 1000
    longest = SandboxConfig.model_fields["timeout_max"].default / 1000
    assert bound > longest
    unit = read("deploy/systemd/onehop.service")
    graces = {
        "Compose": seconds(compose()["services"]["onehop"]["stop_grace_period"]),
        "Kubernetes": pod()["terminationGracePeriodSeconds"] - 5,  # preStop
        "systemd": seconds(re.findall(r"^TimeoutStopSec=(\w+)", unit, re.MULTILINE)[0]),
    }
    for who, grace in graces.items():
        assert grace >= bound + GRACE_AFTER_RUNS, who
    assert "\nKillMode=mixed\n" in unit


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("name", ["onehop", "mongo"])
def test_both_services_of_compose_are_held_tight(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "restart"} <= set(service)
    assert not {"privileged", "cap_add", "devices"} & set(service)


def test_the_database_of_compose_is_out_of_reach() -> None:
    mongo = compose()["services"]["mongo"]
    assert "ports" not in mongo
    assert all(compose()["networks"][name]["internal"] for name in mongo["networks"])
    assert mongo["user"] == "999:999"
    assert compose()["services"]["onehop"]["depends_on"]["mongo"]["condition"] == "service_healthy"


def test_no_file_holds_a_secret() -> None:
    files = [ROOT / "compose.yaml", ROOT / "Dockerfile", *(ROOT / "deploy").rglob("*.*")]
    for path in files:
        text = re.sub(r"sha256:[0-9a-f]{64}", "", path.read_text("utf-8"))
        assert not re.search(r"oh_[0-9a-f]{16}_|[0-9a-f]{32}|BEGIN [A-Z ]*PRIVATE KEY", text), path
        for password in re.findall(r"://\w+:([^@\s]+)@", text):
            assert password in ("PASSWORD", "CHANGE-ME") or password.lstrip("$").startswith("{")
