"""What a bundle is deployed and watched with."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from handbundle import bundle_of

from ztfnb import cli
from ztfnb.export import image
from ztfnb.export.deployment import as_text, deployment_files
from ztfnb.export.facts import Facts, slug_of
from ztfnb.export.worker.bundle import Bundle, check_params, load_filter, params_in, value_of
from ztfnb.export.worker.metrics import families
from ztfnb.export.worker.numbers import FilterNumbers, WorkerNumbers
from ztfnb.export.worker.settings import WorkerSettings, settings_from
from ztfnb.filters.threshold import Threshold, Value
from ztfnb.source import PartitionStatus

PARAMS: dict[str, Value] = {
    "rb_min": 0.8,
    "few": 3,
    "on": True,
    "off": False,
    "band": 'r: "$x" # é',
    "day": "0123",
}
VERSIONS = ("1.29", "1.31", "1.35")
"""Of Kubernetes; their schemas are those that Kubernetes publishes."""
HOSTS = re.compile(r"ghcr\.io|docker\.io|quay\.io|gcr\.io|pypi|amazonaws|azurecr", re.IGNORECASE)


def _facts(name: str = "young_and_real", params: Mapping[str, Value] | None = None) -> Facts:
    params = PARAMS if params is None else params
    return Facts(
        name=name,
        title='Young & "real": {what} → passes',
        hash="0123456789ab" * 5 + "cdef",
        thresholds=tuple(_threshold(one, value) for one, value in params.items()),
        params=params,
        distributions=("numpy",),
        python="3.12",
        ztfnb="0.1.0",
        created=datetime(2026, 1, 15, 6, tzinfo=UTC),
    )


def _threshold(name: str, value: Value) -> Threshold:
    kind: Any = {bool: "bool", int: "int", float: "float", str: "text"}[type(value)]
    return Threshold(name, value, kind)


FILES = deployment_files(_facts())
YAML = {path: text for path, text in FILES.items() if path.endswith(".yaml")}


def _one(path: str) -> Any:
    return yaml.safe_load(FILES[path])


def _manifests(files: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield what Kubernetes itself defines; other resources are their operators' business."""
    for path, text in files.items():
        for found in yaml.safe_load_all(text) if path.startswith("k8s/") else ():
            own = found["apiVersion"].partition("/")[0]
            if own in ("v1", "apps", "policy", "networking.k8s.io"):
                yield path, found


# -- All ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("young_and_real", PARAMS),
        ("f", {}),
        ("_Größe_von_Αλφα_" + "x" * 100, {"Ünits": 1.0, "a__b": 2, "nan": float("nan")}),
        ("yes", {"no": "null", "lines": "one\ntwo"}),
    ],
)
def test_every_file_is_well_formed(name: str, params: dict[str, Value]) -> None:
    """Whatever a filter and its thresholds are called and set to, the files are YAML and JSON."""
    for path, text in deployment_files(_facts(name, params)).items():
        assert "«" not in text
        assert text.endswith("\n")
        assert json.loads(text) if path.endswith(".json") else list(yaml.safe_load_all(text))


def test_no_file_names_a_registry() -> None:
    """Where images lie is for those to say who push and pull them."""
    for path, text in FILES.items():
        assert not HOSTS.search(text), path


def test_names_that_kubernetes_takes() -> None:
    """Whatever Python calls it, its name is one of DNS, with room for what is added to it."""
    assert slug_of("young_and_real") == "young-and-real"
    assert slug_of("__Große_Änderung") == "groe-anderung"
    assert slug_of("名") == "filter"
    assert slug_of("x" * 39 + "_" + "y" * 30) == "x" * 39
    for name in ("a_" * 60, "_1a", "É"):
        assert re.fullmatch("[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", slug_of(name)), slug_of(name)


# -- Settings -------------------------------------------------------------------------------


def _settings(environ: Mapping[str, str]) -> WorkerSettings:
    return settings_from(environ, {"bundles": ["/filter"]})


def _set_so(environ: Mapping[str, str]) -> dict[str, Value]:
    """Return what the worker sets thresholds to."""
    texts = params_in(environ, Bundle(Path(), "young_and_real", ""))
    return {name: value_of(_threshold(name, PARAMS[name]), text) for name, text in texts.items()}


def test_the_configmap_is_what_the_worker_reads() -> None:
    """Each variable is one of the worker's; thresholds come out as they were exported."""
    data = _one("k8s/configmap.yaml")["data"]
    assert all(isinstance(value, str) for value in data.values())
    settings = _settings(data)
    told = {
        "source": settings.source,
        "output": settings.output,
        "dead_letters": settings.dead_letters,
        "group": settings.group,
        "start": settings.start,
        "host": settings.host,
        "port": settings.port,
        "batch": settings.batch,
        "strict": settings.strict,
        "transactional": settings.transactional,
        "insecure": settings.insecure,
    }
    assert told == {
        "source": "kafka://kafka.example.org:9092/ztf_{date}_programid1",
        "output": "kafka://kafka.example.org:9092/young-and-real",
        "dead_letters": "young-and-real-dead-letters",
        "group": "young-and-real",
        "start": "latest",
        "host": "0.0.0.0",  # noqa: S104 - a pod's own
        "port": image.PORT,
        "batch": 1_000,
        "strict": False,
        "transactional": False,
        "insecure": False,
    }
    # Limits are the defaults, written out to be changed.
    assert settings.limits == WorkerSettings((), "", "").limits
    assert settings.kafka == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
    }
    assert _set_so(data) == PARAMS
    assert [type(value) for value in _set_so(data).values()] == [*map(type, PARAMS.values())]


def test_a_threshold_that_no_variable_can_set_is_left_to_the_image() -> None:
    """A line that the worker would refuse, or read otherwise, stands there as a comment."""
    files = deployment_files(_facts(params={"größe": 2, "rb": 3, "RB": 4, "fine": 1}))
    found = yaml.safe_load(files["k8s/configmap.yaml"])["data"]
    bundle = Bundle(Path(), "young_and_real", "")
    assert params_in(found, bundle) == {"fine": "1"}
    assert "# (no variable sets it) größe" in files["k8s/configmap.yaml"]


def test_whatever_a_threshold_is_called_its_variable_sets_it(tmp_path: Path) -> None:
    """Capitals and underscores in its name are no hindrance, in the manifests as in the worker."""
    source = """
    import ztfnb

    @ztfnb.filter
    def young_and_real(alert, *, SNR_Min=5.0, a__b=2, _c=1):
        return True

    FILTER = young_and_real
    """
    bundle, made = bundle_of(tmp_path / "young", source, "young_and_real")
    files = deployment_files(_facts(params=made.params))
    data = yaml.safe_load(files["k8s/configmap.yaml"])["data"]
    compose = yaml.safe_load(files["compose.yaml"])["services"]["filter"]["environment"]
    told = {name: text for name, text in data.items() if name.startswith("ZTFNB_PARAM_")}
    assert told.items() <= compose.items()
    other = dict(zip(told, ("6.5", "7", "8"), strict=True))
    check_params(other, [bundle])
    assert load_filter(bundle, params_in(other, bundle)).params == {
        "SNR_Min": 6.5,
        "a__b": 7,
        "_c": 8,
    }


def test_values_as_texts() -> None:
    """A number keeps every digit."""
    assert [as_text(one) for one in (True, False, 3, 0.1, 1e-300, "x")] == [
        *("true", "false", "3", "0.1", "1e-300", "x")
    ]


# -- Compose --------------------------------------------------------------------------------


def _compose() -> dict[str, Any]:
    """Return the services, as Compose has them when it has filled in its own variables."""
    text = re.sub("(?m)^ *#.*$", "", FILES["compose.yaml"])
    assert not re.search(r"\$", text.replace("$$", ""))
    services: dict[str, Any] = yaml.safe_load(text.replace("$$", "$"))["services"]
    return services


def test_compose_services_wait_for_one_another() -> None:
    """Each condition is about a service that is there and can fulfil it, and nothing waits in a
    circle.
    """
    services = _compose()
    order: list[str] = []
    left = dict(services)
    while left:
        free = [name for name, one in left.items() if set(one.get("depends_on", {})) <= set(order)]
        assert free, f"these wait for one another: {list(left)}"
        order += free
        for name in free:
            del left[name]
    for name, one in services.items():
        for needed, how in one.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert services[needed]["healthcheck"]["test"][0] == "CMD", (name, needed)
            elif how["condition"] == "service_completed_successfully":
                # A service that ends is not started again.
                assert services[needed].get("restart", "no") == "no", (name, needed)
            else:
                raise AssertionError(how)
    assert set(services) == {"kafka", "topics", "replay", "filter", "reader"}


def test_compose_images_and_rights() -> None:
    """Kafka is the official image of one version; the filter is built here and may do little."""
    services = _compose()
    for name in ("kafka", "topics", "reader"):
        assert re.fullmatch(r"apache/kafka:\d+\.\d+\.\d+", services[name]["image"])
    for name in ("filter", "replay"):
        one = services[name]
        assert one["build"] == "."
        assert one["image"] == "young-and-real:0123456789ab"
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in one  # the image's own, which is not root
    assert services["filter"]["ports"] == [f"127.0.0.1:{image.PORT}:{image.PORT}"]


def test_compose_commands_are_real() -> None:
    """The command line of the replay is one that ``ztfnb`` takes; the filter has the image's own.

    Its settings are what the worker reads, with the thresholds as they were exported.
    """
    services = _compose()
    replay = services["replay"]
    assert replay["entrypoint"] == [image.PYTHON, "-m", "ztfnb"]
    options = cli.parser().parse_args(replay["command"])
    assert options.verb == "replay"
    assert options.archive == f"{image.FOLDER}/fixtures"
    assert options.to == "kafka://kafka:9092/alerts"
    assert options.insecure
    assert "command" not in services["filter"]
    assert "entrypoint" not in services["filter"]
    environ = services["filter"]["environment"]
    settings = _settings(environ)
    assert settings.source == options.to
    assert settings.output == "kafka://kafka:9092/young-and-real"
    assert settings.start == "beginning"
    assert settings.insecure
    assert _set_so(environ) == PARAMS


def test_compose_topics_are_those_used() -> None:
    """What is read and written is created first, and the reader shows both outputs."""
    services = _compose()
    [script] = services["topics"]["command"]
    [named] = re.findall("for topic in (.*); do", script)
    environ = services["filter"]["environment"]
    source, output = (environ[name].rpartition("/")[2] for name in ("ZTFNB_SOURCE", "ZTFNB_OUTPUT"))
    assert set(named.split()) == {source, output, environ["ZTFNB_DEAD_LETTERS"]}
    command = services["reader"]["command"]
    shown = re.compile(command[command.index("--include") + 1])
    assert [topic for topic in named.split() if shown.fullmatch(topic)] == [
        output,
        environ["ZTFNB_DEAD_LETTERS"],
    ]


def test_compose_kafka_can_be_reached_by_the_others() -> None:
    """It advertises the name that the others call it by, over listeners that it has."""
    environ = _compose()["kafka"]["environment"]
    listeners = dict(one.split("://") for one in environ["KAFKA_LISTENERS"].split(","))
    protocols = dict(
        one.split(":") for one in environ["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )
    assert set(listeners) == set(protocols)
    name, _, address = environ["KAFKA_ADVERTISED_LISTENERS"].partition("://")
    assert address == "kafka:9092"
    assert listeners[name] == ":9092"
    assert environ["KAFKA_INTER_BROKER_LISTENER_NAME"] == name
    assert environ["KAFKA_CONTROLLER_LISTENER_NAMES"] in listeners
    assert environ["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"{environ['KAFKA_NODE_ID']}@kafka:9093"


# -- Kubernetes -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_fit_their_schemas(version: str) -> None:
    """Kubernetes' own schemas, without any field that they do not know, hold for each manifest."""
    found = list(_manifests(FILES))
    assert {one["kind"] for _, one in found} == {
        *("ConfigMap", "Secret", "Deployment", "NetworkPolicy", "PodDisruptionBudget")
    }
    for _path, one in found:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_broken_manifest_does_not_fit() -> None:
    """The schemas do refuse: a wrong type, a missing field, and one that nobody knows."""
    deployment = _one("k8s/deployment.yaml")
    broken = [deepcopy(deployment) for _ in range(3)]
    broken[0]["spec"]["replicas"] = "one"
    del broken[1]["spec"]["selector"]
    broken[2]["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    for one in broken:
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(one, VERSIONS[-1], strict=True)


def test_s31_the_pod_is_of_the_restricted_standard() -> None:
    """A numeric user that is not root, a read-only root, no capabilities, no token, seccomp."""
    spec = _one("k8s/deployment.yaml")["spec"]["template"]["spec"]
    user, group = map(int, image.USER.split(":"))
    pod = spec["securityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"], pod["runAsGroup"]) == (True, user, group)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    [container] = spec["containers"]
    own = container["securityContext"]
    assert own["readOnlyRootFilesystem"] is True
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert not any("hostPath" in one for one in spec["volumes"])
    assert spec["terminationGracePeriodSeconds"] > 10
    assert container["resources"]["limits"]["memory"] == "2Gi"


def test_what_the_pod_mounts_and_asks() -> None:
    """Volumes, the Secret's keys, the ConfigMap, ports and paths are those that are there."""
    deployment = _one("k8s/deployment.yaml")
    spec = deployment["spec"]["template"]["spec"]
    [container] = spec["containers"]
    secret = _one("k8s/secret.example.yaml")
    config = _one("k8s/configmap.yaml")
    volumes = {one["name"]: one for one in spec["volumes"]}
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert set(mounts) == set(volumes)
    assert mounts["shared-memory"] == "/dev/shm"  # noqa: S108 - a mount
    assert volumes["shared-memory"]["emptyDir"]["medium"] == "Memory"
    password = volumes["kafka"]["secret"]
    assert password["secretName"] == secret["metadata"]["name"]
    assert {one["key"] for one in password["items"]} <= set(secret["stringData"])
    # What `kafka_config` takes from root for our group: nothing more may be allowed.
    assert password["defaultMode"] == 0o440
    assert spec["securityContext"]["fsGroup"] == int(image.USER.partition(":")[0])
    given = {one["name"]: one for one in container["env"]}
    assert given["ZTFNB_KAFKA_PASSWORD_FILE"]["value"] == f"{mounts['kafka']}/password"
    reference = given["ZTFNB_KAFKA_USERNAME"]["valueFrom"]["secretKeyRef"]
    assert reference["name"] == secret["metadata"]["name"]
    assert reference["key"] in secret["stringData"]
    assert container["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]
    [port] = container["ports"]
    assert str(port["containerPort"]) == config["data"]["ZTFNB_PORT"]
    paths = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness")}
    assert {one["path"] for one in paths.values()} == {"/healthz"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}
    startup = container["startupProbe"]
    allowed = startup["periodSeconds"] * startup["failureThreshold"]
    assert allowed > float(config["data"]["ZTFNB_SETUP_SECONDS"])


def test_manifests_are_about_the_same_pods() -> None:
    """Every selector is one of the pod's labels, and kustomize takes every file that is applied."""
    labels = _one("k8s/deployment.yaml")["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        _one("k8s/deployment.yaml")["spec"]["selector"],
        _one("k8s/networkpolicy.yaml")["spec"]["podSelector"],
        _one("k8s/poddisruptionbudget.yaml")["spec"]["selector"],
        _one("k8s/podmonitor.example.yaml")["spec"]["selector"],
    ]
    for selector in selectors:
        assert selector["matchLabels"].items() <= labels
    kustomization = _one("k8s/kustomization.yaml")
    there = {path.removeprefix("k8s/") for path in FILES if path.startswith("k8s/")}
    applied = {name for name in there if "example" not in name} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == applied
    [named] = kustomization["images"]
    [container] = _one("k8s/deployment.yaml")["spec"]["template"]["spec"]["containers"]
    assert named["name"] == container["image"]
    assert named["newTag"] == "0123456789ab"


def test_the_network_is_closed_but_for_kafka_names_and_metrics() -> None:
    """Out goes what is for Kafka's ports and for DNS; in comes what asks for metrics."""
    spec = _one("k8s/networkpolicy.yaml")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    [ingress] = spec["ingress"]
    assert ingress["from"]
    assert [one["port"] for one in ingress["ports"]] == [image.PORT]
    kafka, names = spec["egress"]
    [ports] = kafka["ports"]
    data = _one("k8s/configmap.yaml")["data"]
    used = {
        int(port)
        for name in ("ZTFNB_SOURCE", "ZTFNB_OUTPUT")
        for port in re.findall(r"//[^/]*:(\d+)/", data[name])
    }
    assert used <= set(range(ports["port"], ports["endPort"] + 1))
    assert {one["port"] for one in names["ports"]} == {53}


def test_autoscaling_ends_where_the_partitions_do() -> None:
    """By lag of the worker's own group, to at most one pod a partition, with its credentials."""
    scaled, trigger = yaml.safe_load_all(FILES["k8s/scaledobject.example.yaml"])
    deployment = _one("k8s/deployment.yaml")["metadata"]["name"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == deployment
    assert scaled["spec"]["maxReplicaCount"] == 16
    [lag] = scaled["spec"]["triggers"]
    assert lag["metadata"]["consumerGroup"] == _one("k8s/configmap.yaml")["data"]["ZTFNB_GROUP"]
    assert lag["authenticationRef"]["name"] == trigger["metadata"]["name"]
    assert all(isinstance(value, str) for value in lag["metadata"].values())
    secret = _one("k8s/secret.example.yaml")
    for one in trigger["spec"]["secretTargetRef"]:
        assert one["name"] == secret["metadata"]["name"]
        assert one["key"] in secret["stringData"]


# -- Image ----------------------------------------------------------------------------------


def test_the_workflow() -> None:
    """It may only read, takes actions of one version each, and pushes no pull request."""
    found = _one(".github/workflows/image.yaml")
    assert found["permissions"] == {"contents": "read"}
    assert set(found[True]) >= {"push", "pull_request"}  # YAML 1.1 takes `on` for a truth
    [job] = found["jobs"].values()
    assert "permissions" not in job
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", one) for one in used)
    assert job["steps"][0]["with"]["persist-credentials"] is False
    assert job["steps"][1]["with"]["python-version"] == "3.12"
    push = next(step for step in job["steps"] if step.get("name") == "Push")
    assert "github.event_name != 'pull_request'" in push["if"]
    assert "vars.REGISTRY != ''" in push["if"]
    # What a repository's owner writes there is never part of a script's text.
    for step in job["steps"]:
        assert "${{" not in step.get("run", "")
    outside = [step for step in job["steps"] if step is not push]
    assert "secrets." not in json.dumps(outside)


def test_the_workflow_tests_before_it_builds() -> None:
    """The bundle's tests run on what it has locked; the image itself decides once more."""
    [job] = _one(".github/workflows/image.yaml")["jobs"].values()
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    tests, build, proof, push = scripts
    assert "--require-hashes" in tests
    assert "--find-links wheels" in tests
    assert "python -m pytest" in tests
    assert "docker build" in build
    words = shlex.split(proof.replace("\\\n", " "))
    assert {"--read-only", "--rm"} <= set(words)
    assert words[words.index("--entrypoint") + 1] == image.PYTHON
    module = words.index("-m")
    assert words[module + 1] == "ztfnb"
    options = cli.parser().parse_args(words[module + 2 :])
    assert options.verb == "filter"
    assert "docker push" in push
    assert "--password-stdin" in push


# -- Monitoring -----------------------------------------------------------------------------


def _metrics() -> set[str]:
    """Return the names of all series that a worker has."""
    numbers = WorkerNumbers(
        filters=(FilterNumbers("f", "v", 1, 1, 1, (("time", 1),)),),
        lag=1,
        seconds_behind=1.0,
        partitions=(PartitionStatus("t", 0, 0, lag=1),),
    )
    return {sample.name for family in families(numbers) for sample in family.samples}


def _named(expression: str) -> set[str]:
    return set(re.findall(r"\bztfnb_\w+", expression))


def _balanced(expression: str) -> bool:
    return all(
        expression.count(one) == expression.count(other) for one, other in ("()", "{}", "[]")
    )


def test_the_dashboard_asks_for_what_there_is() -> None:
    """Every query of every panel names series of the worker, and what matters has a panel."""
    found = json.loads(FILES["monitoring/grafana-dashboard.json"])
    metrics = _metrics()
    expressions = [target["expr"] for panel in found["panels"] for target in panel["targets"]] + [
        one["definition"] for one in found["templating"]["list"] if "definition" in one
    ]
    named: set[str] = set()
    for expression in expressions:
        assert _named(expression), expression
        assert _named(expression) <= metrics, expression
        assert _balanced(expression), expression
        named |= _named(expression)
    shown = "received passed rejected failed produced dead_letters gap_alerts undecodable"
    shown += " filter_restarts rebalances"
    assert {f"ztfnb_{name}_total" for name in shown.split()} <= named
    gauges = "lag seconds_behind up in_flight partition_lag filter_seconds_bucket build_info"
    assert {f"ztfnb_{name}" for name in gauges.split()} <= named


def test_the_dashboard_can_be_imported() -> None:
    """Panels have numbers of their own and do not overlap; the data source is chosen there."""
    found = json.loads(FILES["monitoring/grafana-dashboard.json"])
    assert found["schemaVersion"] >= 39
    assert len(found["uid"]) <= 40
    numbers = [panel["id"] for panel in found["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert {one["name"] for one in found["templating"]["list"]} == {"datasource", "job", "filter"}


def test_prometheus_reads_and_warns() -> None:
    """It asks the port that the worker listens on; each rule names series that there are."""
    config = _one("monitoring/prometheus.yaml")
    [scrape] = config["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"127.0.0.1:{image.PORT}"]}]
    assert {f"monitoring/{name}" for name in config["rule_files"]} <= set(FILES)
    [group] = _one("monitoring/alerts.yaml")["groups"]
    metrics = _metrics() | {"up"}
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) >= 6
    for rule in group["rules"]:
        named = set(re.findall(r"\b(\w+)\{", rule["expr"]))
        assert named
        assert named <= metrics, rule["alert"]
        assert _balanced(rule["expr"])
        # Of this filter's job alone: there may be others.
        assert rule["expr"].count(f'job="{scrape["job_name"]}"') == rule["expr"].count("{")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
