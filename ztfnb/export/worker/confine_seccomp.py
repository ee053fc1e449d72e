"""Which system calls a process may make: a seccomp filter, assembled and put in force.

Reference: Linux's ``Documentation/userspace-api/seccomp_filter.rst``; classic BPF.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ztfnb.export.worker.confine_syscalls import Machine, number_of

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
"""BPF: a word of the call's data; jump if equal; jump if any bit is set; the end."""
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _MACHINE_AT = 0, 4
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_ERROR = _ERRNO | errno.EPERM
_NO_SUCH_CALL = _ERRNO | errno.ENOSYS


@dataclass(frozen=True, slots=True)
class Rule:
    """A system call that is allowed for some arguments."""

    name: str
    argument: int
    """Its number; the lower 32 bits are looked at."""
    equal: tuple[int, ...] = ()
    """Allowed if it is one of these."""
    bits: int | None = None
    """Allowed if one of these bits is set."""
    no_bits: int | None = None
    """Allowed if none of these bits is set."""


def program(
    machine: Machine, allowed: Iterable[str], rules: Sequence[Rule], absent: Iterable[str]
) -> bytes:
    """Return a filter: what is not allowed fails with EPERM, without harm to the process.

    Parameters
    ----------
    machine
        What it runs on; calls of any other kind end the process.
    allowed
        Calls that are allowed whatever their arguments.
    rules
        Calls that are allowed for some.
    absent
        Calls that seem not to exist, so that the C library takes others.
    """
    code = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for names, answer in ((allowed, _ALLOW), (absent, _NO_SUCH_CALL)):
        for name in names:
            number = number_of(name, machine)
            if number is not None:
                code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]
    for rule in rules:
        number = number_of(rule.name, machine)
        if number is not None:
            body = [(_LOAD, 0, 0, 16 + 8 * rule.argument), *_test(rule)]
            code += [(_EQUAL, 0, len(body), number), *body]
    code.append((_RETURN, 0, 0, _ERROR))
    return b"".join(struct.pack("=HBBI", *one) for one in code)


def _test(rule: Rule) -> list[tuple[int, int, int, int]]:
    if rule.bits is not None:
        return [(_ANY_BIT, 0, 1, rule.bits), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR)]
    if rule.no_bits is not None:
        return [(_ANY_BIT, 1, 0, rule.no_bits), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR)]
    tests = [
        step for value in rule.equal for step in ((_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW))
    ]
    return [*tests, (_RETURN, 0, 0, _ERROR)]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def put_in_force(code: bytes, machine: Machine) -> None:
    """Confine every thread of this process to a filter, for ever.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    told = _Program(len(code) // 8, code)
    number = number_of("seccomp", machine)
    refused = libc.syscall(number, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(told))
    if refused:
        code_ = ctypes.get_errno() if refused < 0 else errno.EBUSY
        raise OSError(code_, f"seccomp: {os.strerror(code_)}")
