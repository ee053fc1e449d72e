"""The base of the widgets, in a kernel of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

PATIENCE = 60.0
MADE = """
import threading
from ztfnb.widgets._part import Part
heard = threading.Event()
class Listener(Part):
    def receive(self, message):
        heard.set()
part = Listener()
print(part.comm.comm_id)
"""
TALKS = f"""
part.send({{"kind": "news"}})
print("said")
print(heard.wait({PATIENCE}))
"""


@pytest.fixture
def kernel(without_ports: dict[str, str]) -> Iterator[BlockingKernelClient]:
    """A kernel that has nothing to do."""
    manager = KernelManager(**without_ports)
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=2 * PATIENCE)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(kernel: BlockingKernelClient) -> Iterator[str]:
    """What cells print, line by line."""
    while True:
        message = kernel.get_iopub_msg(timeout=2 * PATIENCE)
        if message["msg_type"] in ("stream", "error"):
            yield from str(message["content"].get("text", message["content"])).splitlines()


def subshell_of(kernel: BlockingKernelClient) -> str:
    """Make a subshell, as a page does that widgets are shown on."""
    kernel.control_channel.send(kernel.session.msg("create_subshell_request", {}))
    reply = kernel.get_control_msg(timeout=PATIENCE)["content"]
    if "subshell_id" not in reply:
        pytest.skip("this ipykernel has no subshells")
    return str(reply["subshell_id"])


def test_a_page_is_heard_where_it_speaks(kernel: BlockingKernelClient) -> None:
    """A cell that writes to a widget does not draw its page's messages to itself.

    There, they would wait for the cell's end, and what the page says later would overtake them.
    """
    subshell, lines = subshell_of(kernel), printed(kernel)
    kernel.execute(MADE)
    comm = next(lines)
    kernel.execute(TALKS)
    assert next(lines) == "said"
    content = {"comm_id": comm, "data": {"method": "custom", "content": {"kind": "press"}}}
    message = kernel.session.msg("comm_msg", content)
    message["header"]["subshell_id"] = subshell
    kernel.shell_channel.send(message)
    assert next(lines) == "True"
