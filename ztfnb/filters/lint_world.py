"""What a filter may not lean on: the clock, chance, files, the network, earlier alerts.

A filter that does so decides otherwise tomorrow, or on another machine, than it does today.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("sleep", r"time\.sleep"),
        (
            "clock",
            (
                r"time\.(time|time_ns|monotonic|perf_counter|localtime|gmtime|ctime)(_ns)?"
                r"|(.*\.)?datetime\.(now|utcnow|today)|(.*\.)?date\.today"
                r"|astropy\..*Time\.now|Time\.now|(.*\.)?Timestamp\.(now|utcnow|today)"
            ),
        ),
        (
            "chance",
            (
                r"random\.(?!Random$|seed$)\w+|numpy\.random\.(mtrand\.)?(?!seed$)\w+|secrets\..*"
                r"|uuid\.uuid[14]|os\.urandom"
            ),
        ),
        ("chance unseeded", r"random\.Random|numpy\.random\..*(default_rng|RandomState)"),
        (
            "network",
            (
                r"(requests|urllib\.request|urllib3|http|httpx|aiohttp|socket|ftplib|smtplib|"
                r"astroquery|confluent_kafka|boto3|pymongo|psycopg2?|websockets?|paramiko)(\..*)?"
                r"|.*SkyCoord\.from_name|.*get_icrs_coordinates"
            ),
        ),
        (
            "files",
            (
                r"(builtins|io|_io|os|gzip|bz2|lzma|zipfile\.ZipFile|tarfile|.*fits(\..*)?)\.open"
                r"|open|.*\._modified_open|os\.(listdir|scandir|stat|remove|walk|path\.(exists|getsize|getmtime))"
                r"|numpy\..*\b(load|loadtxt|genfromtxt|fromfile|save|savez|savetxt)"
                r"|pandas\..*\bread_\w+|astropy\..*\bTable\.read|Table\.read|.*\.getdata"
                r"|(pickle|_pickle|json|joblib|torch|marshal)\.load|onnxruntime\..*InferenceSession"
            ),
        ),
        ("process", r"subprocess\..*|os\.(system|popen)"),
    )
)
_FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes"}
_SEEDED = {"default_rng", "RandomState", "Random"}
_TOLD = {
    "sleep": "waits: every alert behind this one waits too",
    "clock": (
        "asks for the time: an alert that is replayed tomorrow is decided otherwise; use the "
        'alert\'s own, alert["candidate"]["jd"]'
    ),
    "chance": (
        "is left to chance: the same alert may pass once and not again; take a generator with a "
        'seed from setup=, or decide by the candid: alert["candid"] % 10 == 0'
    ),
    "network": (
        "uses the network: it is slow for each alert, may fail, and answers otherwise tomorrow; "
        "get it once, in setup= or as a file in files="
    ),
    "files": (
        "reads or writes a file for each alert, which may not be there when the filter runs "
        "elsewhere; declare it with files= and read it in setup="
    ),
    "process": "starts another program for each alert; do so once, in setup=",
}  # fmt: skip
_MUTATORS = {
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
    "remove", "setdefault", "update",
}  # fmt: skip
_STATE = (
    "keeps something from one alert for the next: what passes then depends on the order of alerts "
    "and on what was run before; decide by the alert alone, its history is in "
    'alert["prv_candidates"]'
)

Say = Callable[[ast.AST, str], None]


def lint_world(
    tree: ast.FunctionDef, names: Mapping[str, Any], needs: tuple[str, ...], say: Say
) -> None:
    """Say what in a function leans on anything but the alert.

    Parameters
    ----------
    tree
        The function.
    names
        What stands for each name outside it: its globals and what it closes over.
    needs
        Parameters that a setup fills.
    say
        Takes a place and the text of a remark.
    """
    aliases = dict(_imports(tree))
    local = _local_names(tree) - set(aliases)
    seeded = {_dotted(n.func, aliases, names) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _dotted(node.func, aliases, names)
            root = name.split(".")[0]
            kind = _kind(node, name) if root not in local else ""
            if kind == "chance" and any(each.endswith("random.seed") for each in seeded):
                kind = ""
            if kind:
                say(node, f"{ast.unparse(node.func)}() {_TOLD[kind]}")
    for node, name in _kept(tree, local, needs, names):
        say(node, f"{name} {_STATE}")


def _kind(node: ast.Call, name: str) -> str:
    if name.startswith("numpy.datetime64") and node.args:
        first = node.args[0]
        return (
            "clock" if isinstance(first, ast.Constant) and first.value in ("now", "today") else ""
        )
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if attribute in _FILE_METHODS or (name.startswith("pathlib.Path") and attribute == "open"):
        return "files"
    if name.rpartition(".")[-1] in _SEEDED and (node.args or node.keywords):
        return ""
    for kind, pattern in _RULES:
        if pattern.fullmatch(name):
            return kind.split()[0]
    return ""


def _dotted(node: ast.expr, aliases: Mapping[str, str], names: Mapping[str, Any]) -> str:
    """Return what is called by the name under which its module has it."""
    match node:
        case ast.Attribute(value=inner, attr=attr):
            front = _dotted(inner, aliases, names)
            return f"{front}.{attr}" if front else ""
        case ast.Call(func=inner):
            return _dotted(inner, aliases, names)
        case ast.Name(id=name) if name in aliases:
            return aliases[name]
        case ast.Name(id=name) if name in names:
            return _home(names[name])
        case ast.Name(id=name):
            return name
    return ""


def _home(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str):
        return f"{module}.{name}"
    owner = getattr(value, "__self__", None)  # random.random and the like are bound methods
    if owner is not None and isinstance(name, str):
        return f"{type(owner).__module__}.{name.split('.')[-1]}"
    return ""


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (
                    one.asname or one.name.split(".")[0],
                    (one.name if one.asname else one.name.split(".")[0]),
                )
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                yield one.asname or one.name, f"{node.module or ''}.{one.name}"


def _local_names(tree: ast.FunctionDef) -> set[str]:
    """Return the names that belong to one call of the function."""
    outer = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Global) or (isinstance(node, ast.Nonlocal) and node in tree.body)
        for name in node.names
    }
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    parameters = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    inner = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node is not tree
    }
    return (stored | parameters | inner) - outer


def _kept(
    tree: ast.FunctionDef, local: set[str], needs: tuple[str, ...], names: Mapping[str, Any]
) -> Iterator[tuple[ast.AST, str]]:
    """Yield where something that outlives the call is changed, and its name."""
    inside = local - set(needs)

    def outer(node: ast.expr) -> str:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        name = node.id if isinstance(node, ast.Name) else ""
        return name if name and name not in inside else ""

    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if name not in local:
                yield node, name
            case (
                ast.Subscript(ctx=ast.Store() | ast.Del())
                | ast.Attribute(ctx=ast.Store() | ast.Del())
            ) if name := outer(node):
                yield node, name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if (
                attr in _MUTATORS
                and name not in inside
                and not isinstance(names.get(name), ModuleType)
                and (name in names or name in needs)
            ):
                yield node, name
            case ast.Call(func=ast.Name(id="next"), args=[ast.Name(id=name), *_]) if (
                name in names or name in needs
            ) and name not in inside:
                yield node, name
