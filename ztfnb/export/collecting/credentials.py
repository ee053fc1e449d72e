"""What looks like a secret: it may not be written into a file that others are given."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping

_NAMES = re.compile(
    r"(^|_)(password|passwd|passphrase|pwd|secret|secrets|token|credentials?|apikey|api_key|"
    r"access_key|private_key|secret_key|auth_key|bearer)(_|$)",
    re.IGNORECASE,
)
_NOT_NAMES = re.compile(r"_(field|name|column|key_name|file|path|url|env|variable)$", re.IGNORECASE)
_FORMS = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        ("an address with a password", r"[a-z][a-z0-9+.-]*://[^\s/:@\"']+:[^\s/@\"']+@[\w\[]"),
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
        ("an access key", r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("an access token", r"\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{18,})"),
        ("an access token", r"\bxox[abeprs]-[\w-]{10,}"),
        ("an access token", r"\bsk-[A-Za-z0-9_-]{20,}"),
        ("an access token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    )
)
_TOKEN = re.compile(r"[A-Za-z0-9+_=-]{32,}")
_CHANGES = 0.4
"""Share of neighbours that are of different kinds (digits, small, capital letters): of random ones
0.62, of names, also in CamelCase and with numbers, less than 0.3."""
_FOLDERS = ("PWD", "OLDPWD")
"""Variables that sound like a password, and are folders."""
_SHORTEST = 4


def secret_in(name: str, value: object, environ: Mapping[str, str]) -> str | None:
    """Return what kind of secret a value looks like under its name; None if like none.

    Parameters
    ----------
    environ
        The environment: what stands there under a secret's name is one everywhere.
    """
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(text, str) or len(text) < _SHORTEST:
        return None
    if _is_secret_name(name):
        return "a secret, by its name"
    for variable, held in environ.items():
        if held == text and variable not in _FOLDERS and _is_secret_name(variable):
            return f"what the environment holds in {variable}"
    for what, pattern in _FORMS:
        if pattern.search(text):
            return what
    return "a secret, by its letters" if _is_random(text) else None


def secrets_in(tree: ast.AST, environ: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the name and the kind of each text in source that looks like a secret."""
    told: set[int] = set()
    for node in ast.walk(tree):
        for name, value in _named(node):
            if not isinstance(value, ast.Constant) or id(value) in told:
                continue
            if kind := secret_in(name, value.value, environ):
                told.add(id(value))
                yield value.lineno, name or "a text", kind


def forms_in(text: str) -> Iterator[str]:
    """Yield the kind of each secret in a text that shows by its form, as in comments."""
    for what, pattern in _FORMS:
        if pattern.search(text):
            yield what


def told_of(name: str, kind: str) -> str:
    """Return what people are told of a secret."""
    return (
        f"{name} looks like {kind}, which would stand in a file that others read; take it out: "
        "a filter needs the alert alone, and the worker has its own credentials"
    )


def _named(  # noqa: C901 - one for each kind of node
    node: ast.AST,
) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the values in a node under the names that it has for them."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for one in targets:
                yield _name(one), value
        case ast.AnnAssign(target=target, value=value):
            yield _name(target), value
        case ast.keyword(arg=str() as name, value=value):
            yield name, value
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value
        case ast.arguments(kwonlyargs=names, kw_defaults=defaults):
            for given, default in zip(names, defaults, strict=True):
                yield given.arg, default
        case ast.Compare(left=left, comparators=[right]):
            yield _name(left), right
        case ast.Constant():
            yield "", node


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name
    return ""


def _is_secret_name(name: str) -> bool:
    return bool(_NAMES.search(name)) and not _NOT_NAMES.search(name)


def _is_random(text: str) -> bool:
    """Return whether a text has a long word of letters and digits in no order."""
    for found in _TOKEN.finditer(text):
        kinds = [_kind(letter) for letter in found[0]]
        changes = sum(one != other for one, other in itertools.pairwise(kinds))
        if len({*kinds} - {"other"}) == 3 and changes > _CHANGES * len(kinds):
            return True
    return False


def _kind(letter: str) -> str:
    if letter.isdigit():
        return "digit"
    return "other" if not letter.isalpha() else "capital" if letter.isupper() else "small"
