"""Kafka brokers of one's own on this machine: one inside a process, and the real one.

`ztfnb.broker.embedded` lives inside a process, for demonstrations and quick tests;
`ztfnb.broker.real` is Apache Kafka itself. Both listen on loopback only.
"""

from ztfnb.broker.embedded import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
