"""What a bundle is deployed and watched with: Compose, Kubernetes, an image's tests, dashboards."""

from __future__ import annotations

import json
from collections.abc import Callable

from ztfnb.export import image
from ztfnb.export.facts import Facts
from ztfnb.export.templating import filled
from ztfnb.filters.threshold import Value

_FILES = {
    "compose.yaml": "compose.yaml",
    ".github/workflows/image.yaml": "workflows/image.yaml",
    **{
        f"k8s/{name}.yaml": f"k8s/{name}.yaml"
        for name in (
            *("configmap", "deployment", "kustomization", "networkpolicy", "poddisruptionbudget"),
            *("podmonitor.example", "scaledobject.example", "secret.example"),
        )
    },
    **{
        f"monitoring/{name}": f"monitoring/{name}"
        for name in ("alerts.yaml", "grafana-dashboard.json", "prometheus.yaml")
    },
}
"""Paths in a bundle, each with its template."""
_LONGEST_UID = 40
"""Characters of what Grafana knows a dashboard by."""


def deployment_files(facts: Facts) -> dict[str, str]:
    """Return the text of each file by its path in the bundle."""
    return {path: filled(template, _values(facts, path)) for path, template in _FILES.items()}


def _values(facts: Facts, path: str) -> dict[str, str]:
    compose = path == "compose.yaml"
    return {
        "name": facts.name,
        "slug": facts.slug,
        "version": facts.version,
        "hash": facts.hash,
        "python": facts.python,
        "uid": image.USER.partition(":")[0],
        "port": str(image.PORT),
        "folder": image.FOLDER,
        "python_path": image.PYTHON,
        "dashboard": f"ztfnb-{facts.slug}"[:_LONGEST_UID],
        "params": _params(facts, "      " if compose else "  ", _for_compose if compose else str),
    }


def _params(facts: Facts, indent: str, written: Callable[[str], str]) -> str:
    """Return the variables that set the thresholds as lines of YAML."""
    lines = []
    for name, value in facts.params.items():
        variable = facts.variable_of(name) or f"# (no variable sets it) {name}"
        lines.append(f"{indent}{variable}: {written(json.dumps(as_text(value)))}")
    return "\n".join(lines or [f"{indent}# (it has none)"])


def as_text(value: Value) -> str:
    """Return the value of a threshold as its variable has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _for_compose(text: str) -> str:
    """Return a text in which Compose replaces nothing."""
    return text.replace("$", "$$")
