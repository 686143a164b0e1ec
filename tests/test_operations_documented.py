"""docs/operations.md names every metric; the files in docs/deploy parse and use only metrics and keys that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import load
from monitor.figures import Figures
from monitor.metrics import Metrics
from monitor.reload import _FIXED

DOCS = Path(__file__).parents[1] / "docs"
DEPLOY = DOCS / "deploy"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
SUFFIXES = re.compile("_(bucket|count|sum|created)$")
SECRETS = {"PGPASSWORD": "x", "SLACK_BOT_TOKEN": "x"}
TROUBLES = (
    "A source is silent",
    "A source is off",
    "A source has gaps",
    "A receiver is stopped",
    "Dead letters",
    "Alerts are stuck",
    "The store is full or read-only",
    "The database is away",
    "A storm",
    "A reload was refused",
    "Memory grows",
)


def _exposed() -> set[str]:
    """The names of everything that /metrics may show."""
    figures = Figures(
        at=datetime.now(UTC),
        parts=(),
        gaps={},
        channels={},
        owed={},
        dead={},
        open_cases={},
        overdue_cases=0,
        late_escalations=0,
        store_bytes=0,
    )
    page = Metrics().show(figures).decode()
    return set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE)) - set(re.findall(r"# TYPE (\w+_created) ", page))


EXPOSED = _exposed()


def _used(expressions: Iterable[str]) -> set[str]:
    return {SUFFIXES.sub("", name) for text in expressions for name in re.findall(r"\bmentiond_\w+", text)}


def _all(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def _check(tmp_path: Path, text: str) -> None:
    """What `mentiond check` does. Raises ConfigErrors."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    load(path, SECRETS)


@pytest.mark.parametrize("name", sorted(EXPOSED))
def test_every_metric_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_documented_metric_exists() -> None:
    rows = re.findall(r"^\| (`(?:mentiond|process)_.*?) \|", PAGE, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == EXPOSED


def test_the_alarms_use_metrics_that_exist_and_are_in_the_runbook() -> None:
    [rules] = _all("prometheus-rules.yaml")
    listed = [rule for group in rules["groups"] for rule in group["rules"]]
    assert _used(rule["expr"] for rule in listed) - EXPOSED == set()
    assert all(rule["annotations"]["summary"] for rule in listed)


def test_the_dashboard_uses_metrics_that_exist() -> None:
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert expressions
    assert _used(expressions) - EXPOSED == set()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_runbook_has_symptom_look_and_mend(trouble: str) -> None:
    section = PAGE.split(f"\n### {trouble}\n")[1].split("\n### ")[0]
    assert [word for word in ("**Symptom**", "**Look**", "**Mend**") if word not in section] == []
    assert re.search(r"`(mentiond|df|pg_isready|curl)\b[^`]*`", section)


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^##+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) - anchors == set()


def test_what_needs_a_restart_is_documented() -> None:
    assert [".".join(path) for path in _FIXED if f"`{'.'.join(path)}`" not in PAGE] == []


@pytest.mark.parametrize("name", ["compose.sqlite.yaml", "compose.postgres.yaml"])
def test_compose_files_run_mentiond_read_only(name: str) -> None:
    [content] = _all(name)
    nodes = [service for service in content["services"].values() if service["image"] == "mentiond"]
    assert nodes
    for node in nodes:
        assert node["read_only"] is True
        assert any(volume.endswith(":/data/config.yaml:ro") for volume in node["volumes"])
        assert all(port.startswith("127.0.0.1:") for port in node["ports"])


def test_the_kubernetes_manifest_has_a_configuration_that_is_valid(tmp_path: Path) -> None:
    kinds = {document["kind"]: document for document in _all("kubernetes.yaml")}
    assert set(kinds) == {"ConfigMap", "Deployment", "Service"}
    _check(tmp_path, kinds["ConfigMap"]["data"]["config.yaml"])
    [container] = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
    probes = {container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}
    assert probes == {"/livez", "/readyz"}


@pytest.mark.parametrize("name", ["compose.sqlite.yaml", "compose.postgres.yaml", "mentiond.service"])
def test_stores_that_the_files_name_are_valid(name: str, tmp_path: Path) -> None:
    """The files themselves say in their comments what to put into config.yaml."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    found = re.search(r'"(?:sqlite|postgresql)://[^"]+"|sqlite:///\S+', text.replace("\n# ", " "))
    assert found
    url = found[0].strip('";`)')
    rest = "sources: [{name: a, type: file, path: a.jsonl}]\n"
    rest += "receivers: [{name: a, type: console}]\nroutes: {receiver: a}\n"
    watchlists = "watchlists: [{name: acme, kind: brand, names: [Acme], query: acme}]\n"
    _check(tmp_path, f'store: {{url: "{url}"}}\n{watchlists}{rest}')


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze")
    unit = (DEPLOY / "mentiond.service").read_text(encoding="utf-8")
    path = tmp_path / "mentiond.service"
    path.write_text(unit.replace("/opt/mentiond/bin/mentiond", "/bin/true"), encoding="utf-8")
    ended = subprocess.run([verify, "verify", "--man=no", str(path)], check=False, capture_output=True, text=True)
    complaints = [line for line in ended.stderr.splitlines() if "mentiond.service" in line]
    assert complaints == []
    assert ended.returncode == 0, ended.stderr


def test_the_image_checks_the_health_that_the_daemon_serves() -> None:
    dockerfile = (DOCS.parent / "Dockerfile").read_text(encoding="utf-8")
    assert "http://127.0.0.1:8080/healthz" in dockerfile
    assert "USER mentiond" in dockerfile
