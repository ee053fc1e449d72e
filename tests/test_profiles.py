"""Profiles: places that alerts come from, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ztfnb.errors import ConfigError
from ztfnb.profiles import Profile, profile, profile_names, profiles_path


def write(path: Path, text: str) -> dict[str, str]:
    path.write_text(text)
    return {"ZTFNB_CONFIG": str(path)}


def test_a_profile_says_all(tmp_path: Path) -> None:
    """Every key of a table is read as it is written."""
    environ = write(
        tmp_path / "p.toml",
        """
        [uw]
        bootstrap = "alerts.example.org:9092"
        topics = "ztf_{date}_programid{programid}"
        programids = [1, 2]
        nights = 3
        start = "beginning"
        insecure = true
        [uw.settings]
        "sasl.username" = "me"
        "sasl.password" = "env:UW"
        """,
    )
    assert profile("uw", environ) == Profile(
        "uw",
        bootstrap="alerts.example.org:9092",
        topics="ztf_{date}_programid{programid}",
        programids=(1, 2),
        nights=3,
        start="beginning",
        insecure=True,
        settings={"sasl.username": "me", "sasl.password": "env:UW"},
    )
    assert profile_names(environ) == ("uw",)


def test_little_is_enough(tmp_path: Path) -> None:
    """An address and topics make a profile."""
    environ = write(tmp_path / "p.toml", '[a]\nbootstrap = "h:1"\ntopics = ["x", "y"]\n')
    assert profile("a", environ) == Profile("a", bootstrap="h:1", topics=("x", "y"))


def test_s28_a_secret_written_there_shows_nowhere(tmp_path: Path) -> None:
    """Even a password that someone wrote into the file does not show in a repr."""
    text = '[a]\nbootstrap = "h:1"\ntopics = "t"\nsettings = {"sasl.password" = "canary"}\n'
    assert "canary" not in repr(profile("a", write(tmp_path / "p.toml", text)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[b]\nbootstrap = "h:1"\ntopics = "t"', r"there: b"),
        ('[a]\ntopics = "t"', "bootstrap must be given"),
        ('[a]\nbootstrap = "h:1"', "topics must be given"),
        ('[a]\nbootstrap = "h:x"\ntopics = "t"', "expected host:port"),
        ('[a]\nbootstrap = "h:1"\ntopics = "t"\npassword = "x"', "got password"),
        ('[a]\nbootstrap = "h:1"\ntopics = "t"\nnights = "2"', "nights is of the wrong kind"),
        ("a = 1", "expected tables"),
        ("[a", "cannot read profiles"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, told: str) -> None:
    """A table that lacks something, or says too much, is an error that names it."""
    with pytest.raises(ConfigError, match=told):
        profile("a", write(tmp_path / "p.toml", text))


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    """No file means no profiles; asking for one says where it would be."""
    environ = {"ZTFNB_CONFIG": str(tmp_path / "none.toml")}
    assert profile_names(environ) == ()
    with pytest.raises(ConfigError, match=r"none\.toml \(there: none\)"):
        profile("uw", environ)


def test_where_it_lies() -> None:
    """The file is where configuration belongs, unless the environment names another."""
    assert profiles_path({"XDG_CONFIG_HOME": "/c"}) == Path("/c/ztfnb/profiles.toml")
    assert profiles_path({}) == Path("~/.config/ztfnb/profiles.toml").expanduser()
    assert profiles_path({"ZTFNB_CONFIG": "/x.toml"}) == Path("/x.toml")
