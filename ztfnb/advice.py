"""What a state or a trouble of a stream means, and what to try, in plain words.

Kinds of trouble are those that `ztfnb.source.SourceStatus.trouble` names; a source of your own may
use them, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """Help with one kind of trouble."""

    title: str
    """What happened, in a few words."""
    meaning: str
    """What that says, and what it does not."""
    steps: tuple[str, ...]
    """What to try, the most likely first."""


STATES: Mapping[str, str] = {
    "connecting": "Waiting for the source to answer.",
    "live": "Alerts are being read.",
    "paused": "Reading stands still; nothing is lost.",
    "caught up": "Everything that has arrived is read; new alerts follow as they come.",
    "disconnected": "The source does not answer; it is tried again by itself. What is held stays.",
    "failed": "The source refuses; waiting will not help. Connect again when that is mended.",
    "closed": "The stream was stopped; what is held stays. Connect again to read on.",
}
"""What each state of a stream means."""

DOCTOR = "In a terminal, ztfnb doctor HOST:PORT tries the same address and says what it sees."
"""A step that helps with every trouble of a network, except for the doctor itself."""
_DEMO = 'Meanwhile, ztfnb.connect("demo") shows a simulated night without any network.'

_ADVICE: Mapping[str, Advice] = {
    "host": Advice(
        "There is no host of that name",
        "The name could not be looked up: it is misspelt, or this machine is offline or in a "
        "network whose name server does not know it.",
        (
            "Compare the host's name, letter by letter, with what the broker's operator gave you.",
            "Look whether this machine is online at all, and whether the broker needs a VPN.",
            DOCTOR,
        ),
    ),
    "refused": Advice(
        "Nothing listens on that port",
        "The host is there and answers, but says that no server has this port: the port is wrong, "
        "or the broker is not running.",
        (
            "Check the port; 9092 is usual for plaintext, 9093 or 9094 for encrypted connections.",
            "If the broker is your own, see whether it runs: ztfnb broker status.",
            DOCTOR,
        ),
    ),
    "firewall": Advice(
        "No answer comes back",
        "Packets to this host and port vanish. Mostly a firewall on the way lets them neither "
        "through nor back; the host may also be down.",
        (
            "Try from another network, such as your institute's or its VPN.",
            "Ask who runs this network whether it lets out the port.",
            "Ask the broker's operator whether your address is allowed in.",
            DOCTOR,
            _DEMO,
        ),
    ),
    "binder": Advice(
        "A Binder lets no Kafka port out",
        "This notebook runs on a Binder, whose network blocks every port that Kafka uses. No live "
        "stream can be read from here, whatever the settings.",
        (
            'Use ztfnb.connect("demo"): a simulated night that works without network.',
            'Or read an archived night: ztfnb.connect("night.tar.gz").',
            "For the live stream, run the notebook on your own machine or hub.",
        ),
    ),
    "unreachable": Advice(
        "The broker cannot be reached",
        "No connection comes about, or the one that was there broke off. Reading goes on by "
        "itself, where it stopped, as soon as the broker answers.",
        (
            "Wait a minute if it worked before: brokers are restarted now and then.",
            "Check host and port, and whether this machine is online.",
            DOCTOR,
        ),
    ),
    "protocol": Advice(
        "Something listens there, but does not answer as Kafka",
        "The port is open, but whoever listens does not understand this client: it is no Kafka "
        "broker, or it expects encryption or a login where we use none, or the other way round.",
        (
            "Check the port: brokers have one for each security protocol.",
            "Check security.protocol in the profile: SASL_SSL, SSL, SASL_PLAINTEXT or PLAINTEXT.",
            DOCTOR,
        ),
    ),
    "secure": Advice(
        "No secure connection",
        "The broker was reached, but the encrypted connection (TLS) was not agreed on: its "
        "certificate is not trusted here or is for another name, or the port is not encrypted.",
        (
            "Write the host exactly as its certificate has it: a name, not a number.",
            'If the broker has its own certificate authority, the profile needs "ssl.ca.location".',
            "Check that this port expects TLS, and the clock of this machine.",
        ),
    ),
    "login": Advice(
        "User name or password refused",
        "The broker was reached and knows how you want to log in, but does not accept it.",
        (
            "Check the user name, and that the password is the one for this broker.",
            "They come from the profile, or from ZTFNB_KAFKA_USERNAME and ZTFNB_KAFKA_PASSWORD.",
            "Check sasl.mechanism: SCRAM-SHA-512 unless the profile says otherwise.",
            "Ask the broker's operator whether the account is still valid.",
            "Then run the cell with connect again: it is not tried again by itself.",
        ),
    ),
    "forbidden": Advice(
        "This user may not read that topic",
        "The login is fine, but the broker does not let this user read the topic.",
        (
            "Check the topic's name: other programs' topics need other rights.",
            "Ask the broker's operator for the right to read it (no consumer group is needed).",
            "Then run the cell with connect again.",
        ),
    ),
    "unknown": Advice(
        "There is no topic of that name",
        "The broker answers, but has no such topic: the name is misspelt, or that night is not "
        "there, or no longer.",
        (
            "Check the name; ZTF's are ztf_YYYYMMDD_programid1, with the date in UTC.",
            "Topics are kept for some days only; older nights are in archives.",
            "Write ztf_{date}_programid1 to read tonight's topic, whichever it is.",
        ),
    ),
    "waiting": Advice(
        "Tonight's topic is not there yet",
        "The broker answers, but has no topic of these nights yet. It appears with the first alert "
        "of the night, and is read from its beginning then.",
        ("Wait: it is looked for every few seconds.", _DEMO),
    ),
}


def advise(trouble: str) -> Advice | None:
    """Return help with a kind of trouble; None where its own words must do.

    Parameters
    ----------
    trouble
        A kind, as `ztfnb.source.SourceStatus.trouble` has it.
    """
    return _ADVICE.get(trouble)
