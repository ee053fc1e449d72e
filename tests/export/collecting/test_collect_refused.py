"""What cannot leave a notebook is refused: by its name, with the line, and a way out."""

# Cells, and what is told of them, stand side by side.
# ruff: noqa: E501, ISC004

from __future__ import annotations

import random
import re
import string

import pytest
from export.collected import filter_of

from ztfnb.errors import ExportError
from ztfnb.export.collecting.collect import collect
from ztfnb.export.collecting.credentials import secret_in

pytestmark = pytest.mark.filterwarnings("ignore::ztfnb.errors.FilterWarning")

_USES = """
@ztfnb.filter
def f(alert, *, rb_min=0.5):
    c = alert["candidate"]
    return {}
"""
# pandas itself need not be installed.
FRAME = "thing = type('DataFrame', (), {'__module__': 'pandas.core.frame'})()"
THINGS = {
    "a data frame": (
        FRAME,
        r'is a pandas DataFrame; write it to a file and declare it: '
        r'@ztfnb.filter(files={"thing": "thing.parquet"})',
    ),
    "a table": (
        "from astropy.table import Table\nthing = Table({'a': [1]})",
        r'is an astropy Table; write it to a file and declare it: '
        r'@ztfnb.filter(files={"thing": "thing.ecsv"})',
    ),
    "a widget": ("import ipywidgets\nthing = ipywidgets.FloatSlider()", "a thing to see"),
    "a figure": ("from matplotlib.figure import Figure\nthing = Figure()", "a thing to see"),
    "an open file": ("thing = open('/dev/null')", "is open here and nowhere else"),
    "a socket": ("import socket\nthing = socket.socket(); thing.close()", "open here"),
    "a connection": ("import sqlite3\nthing = sqlite3.connect(':memory:')", "open here"),
    "a lock": ("import threading\nthing = threading.Lock()", "is open here"),
    "a thread": ("import threading\nthing = threading.Thread()", "is open here"),
    "a queue": ("import queue\nthing = queue.Queue()", "is open here"),
    "a source": ("from ztfnb.simulate import Survey\nthing = Survey()", "live stream, a source"),
    "labels": ("from ztfnb.labels import Labels\nthing = Labels()", "a filter has the alert alone"),
    "a generator": ("thing = (x for x in range(3))", "make a list of it"),
    "a method": ("class A:\n    def good(self): return 1\nthing = A().good", "thing is the method good"),
    "a builtin method": ("thing = {'a': 1}.get", "thing is the method get of a dict"),
    "a large array": (
        "thing = np.zeros(100_000); thing[5] = 1", r'is an array of 100,000 values .*declare it: .*"thing.npy"'
    ),
    "many numbers": ("thing = [x * x for x in range(100_000)]", "characters long as source; write it to a file"),
    "an iterator": ("thing = iter([1, 2])", "make a list of it"),
    "a lambda without source": (
        "thing = eval('lambda c: True')", "line 1: eval runs text"
    ),
    "a function without source": (
        "exec('def thing(c): return 1')", "the source of thing is not to be had; define it in a cell"
    ),
    "a class without source": (
        "exec('class thing:\\n    x = 1')", "the source of the class thing is not to be had"
    ),
    "a function with attributes": (
        "def thing(c): return 1\nthing.limit = 3", r"thing has attributes \(limit\)"
    ),
    "a class of a function": (
        "def make():\n    class A:\n        pass\n    return A\nthing = make()",
        "A is a class made inside of a function",
    ),
    "a path": ("from pathlib import Path\nthing = Path('/etc/hostname')", "is the path of a file"),
    "a password": ("password = 'hunter2hunter2'\nthing = password", "thing|password"),
    "an address with a password": (
        "thing = 'postgresql://me:hunter2@db.example.org/ztf'", "an address with a password"
    ),
    "a token": ("thing = 'ghp_' + 'a1B2' * 9", "an access token"),
    "a token by its letters": (
        "thing = 'aZ3kq9Xv7Lm2Bn8Rt5Wc1Yd6Pf4Gh0Js'", "a secret, by its letters"
    ),
    "a token in a table": ("thing = {'url': 'x', 'api_key': 'abcdefgh'}", "api_key looks like a secret"),
    "a model": (
        "thing = type('Forest', (), {'__module__': 'sklearn.ensemble._forest'})()",
        r"is a sklearn Forest, a trained model; save it to a file, .* setup=load",
    ),
    "a live stream": (
        "thing = type('Stream', (), {'__module__': 'ztfnb.stream'})()", "such as a live stream"
    ),
    "a coroutine": ("async def go():\n    pass\nthing = go(); thing.close()", "which runs"),
    "what is not defined": ("", "thing is not defined; run the cell that does"),
    "what a file holds": (
        "import io\nclass Model:\n    def __init__(self): self.x = object()\n"
        "def load_model(path): return Model()\nthing = load_model('a')",
        "make it in a function",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", THINGS)
def test_values(kind: str) -> None:
    """What holds more than source can say is refused, where it is used, with a way out."""
    cell, expected = THINGS[kind]
    made = filter_of(cell, _USES.format("thing and c"))
    with pytest.raises(ExportError, match=r"(?s).*") as caught:
        collect(made)
    told = str(caught.value)
    assert re.search(expected.replace("(files", r"\(files").replace('"})', r'"}\)'), told), told
    assert re.search(r"^\w+, line \d+: ", told), told


SOURCES = {
    "global": ("global count\n    count = 1", "line 5: global count keeps something"),
    "a magic": ("get_ipython().run_line_magic('time', '')", "get_ipython belongs to the notebook"),
    "eval": ("eval('1')", "eval runs text"),
    "exec": ("exec('x = 1')", "exec runs text"),
    "its own file": ("__file__", "__file__ is another file"),
    "a relative import": ("from . import helpers", "counts from a package"),
    "a module that is not there": ("import no_such_module", "no_such_module cannot be found"),
    "the environment by name": ("from os import environ; environ['HOME']", "environ is another"),
    "the environment": ("import os; os.environ['HOME']", "os.environ is another"),
    "a file by its name": ("open('/etc/hostname')", r"open('/etc/hostname') reads a file"),
    "a secret": ("token = 'abcdefgh1234'", "token looks like a secret, by its name"),
    "a secret that is passed": ("dict(password='abcdefgh1234')", "password looks like a secret"),
    "FILTER": ("FILTER", "FILTER is another in filter.py"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_sources(kind: str) -> None:
    """What source cannot do elsewhere is refused with its line."""
    line, expected = SOURCES[kind]
    cell = f"FILTER = 1\n@ztfnb.filter\ndef f(alert):\n    x = 1\n    {line}\n    return True\n"
    with pytest.raises(ExportError, match=re.escape(expected)) as caught:
        collect(filter_of(cell))
    assert re.search(r"^f, line \d: ", str(caught.value))


def test_a_magic_is_told_once() -> None:
    """In a notebook there is such an object, which is no second thing to be told of."""
    cell = "@ztfnb.filter\ndef f(alert):\n    get_ipython().system('ls')\n    return True\n"
    with pytest.raises(ExportError) as caught:
        collect(filter_of("get_ipython = open('/dev/null').read", cell))
    assert len(str(caught.value).splitlines()) == 1


def test_all_at_once() -> None:
    """Everything that is refused is told at once, each on a line of its own."""
    made = filter_of(
        FRAME.replace("thing", "frame") + "\nlog = open('/dev/null')",
        "def helper(c):\n    return frame is None\n",
        _USES.format("helper(c) and log and missing"),
    )
    with pytest.raises(ExportError) as caught:
        collect(made)
    told = str(caught.value).splitlines()
    assert [one.partition(": ")[0] for one in told] == ["helper, line 2", "f, line 4", "f, line 4"]
    assert [one.split()[3] for one in told] == ["frame", "log", "missing"]


@pytest.mark.parametrize(
    "constant",
    [
        "PASSWORD_FIELD = 'password'",
        "token_count = 3",
        "SHA = '" + "0123456789abcdef" * 4 + "'",
        "URL = 'https://zwickytransientfacility.github.io/ztf-avro-alert/schema.html'",
        "FILE = 'tr_data_models_randomforest_version_12_final'",
        "COLUMNS = 'objectId,candid,candidate.jd,candidate.ra,candidate.dec,candidate.magpsf'",
        "secret = ''",
        "PATH = '/data/ZTF/Alerts2026/Models/rbModelVersion12FinalBest/Weights3.onnx'",
        "LONG = 'RandomForestClassifierVersion12TrainedOnNightsOf2026WithDrb5'",
        "LINK = 'https://irsa.ipac.caltech.edu/data/ZTF/docs/releases/dr24/ztf_release_notes_dr24.pdf'",
        "KEY = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'",
    ],
)
def test_no_secrets(constant: str) -> None:
    """Texts that only look a little like secrets are taken."""
    name = constant.partition(" ")[0]
    assert name in collect(filter_of(constant, _USES.format(name))).text


def test_tokens_at_random() -> None:
    """Of a thousand random tokens, nearly all are seen to be such."""
    letters = random.Random(1)  # the same ones always
    tokens = [
        "".join(letters.choices(string.ascii_letters + string.digits, k=40)) for _ in range(1000)
    ]
    assert sum(secret_in("x", one, {}) is not None for one in tokens) > 980


def test_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the environment under a secret's name is a secret under any name."""
    monkeypatch.setenv("BROKER_PASSWORD", "correct horse")
    monkeypatch.setenv("PWD", "/srv/me/ztf")
    collect(filter_of("folder = '/srv/me/ztf'", _USES.format("folder")))
    made = filter_of("greeting = 'correct horse'", _USES.format("greeting"))
    with pytest.raises(ExportError, match="what the environment holds in BROKER_PASSWORD"):
        collect(made)


def test_secrets_in_comments_and_thresholds() -> None:
    """A secret is found in a comment and in a threshold too, and is not shown in the message."""
    address = "https://me:hunter2@example.org"
    made = filter_of(_USES.format(f"True  # {address}"))
    with pytest.raises(ExportError, match="a comment looks like an address") as caught:
        collect(made)
    assert "hunter2" not in str(caught.value)
    made = filter_of('@ztfnb.filter\ndef f(alert, *, where="x"):\n    return where\n')
    with pytest.raises(ExportError, match="f: where looks like an address") as caught:
        collect(made.with_params(where=address))
    assert "hunter2" not in str(caught.value)


def test_widgets_imported() -> None:
    """What draws in a notebook is not imported where there is none."""
    made = filter_of("import ztfnb.widgets.facts as facts\n", _USES.format("facts.Facts"))
    with pytest.raises(ExportError, match=r"f, line 4: ztfnb\.widgets\.facts draws in a notebook"):
        collect(made)


def test_names_that_collide() -> None:
    """Two values under one name, from closures, are refused."""
    made = filter_of(
        "limit = 3\ndef make(limit):\n    def inner(c):\n        return c['rb'] > limit\n"
        "    return inner\nTESTS = [make(0.5)]\n",
        _USES.format("TESTS[0](c) and limit"),
    )
    with pytest.raises(ExportError, match="limit stands for two different values"):
        collect(made)


def test_default_that_has_changed() -> None:
    """A default that was made of a name which means something else now is refused."""
    made = filter_of(
        "RB = 0.5\n",
        "@ztfnb.filter\ndef f(alert, *, rb_min=RB):\n"
        "    return alert['candidate']['rb'] > rb_min > RB\n",
        "RB = 0.7\n",
    )
    with pytest.raises(ExportError, match="RB stands for two different values"):
        collect(made)
    made = filter_of(
        "RB = 0.5\n@ztfnb.filter\ndef f(alert, *, rb_min=RB + 0.1):\n    return rb_min\n",
        "RB = 0.7\n",
    )
    with pytest.raises(ExportError, match=r"line 3: the default RB \+ 0.1 was 0.6 when"):
        collect(made)
