"""System calls by name: what computing needs, and what importing Python modules needs beside that.

Numbers: Linux's ``arch/x86/entry/syscalls/syscall_64.tbl`` and
``include/uapi/asm-generic/unistd.h`` (aarch64; None where that has no such call).
"""

from __future__ import annotations

from typing import NamedTuple


class Machine(NamedTuple):
    """A kind of processor."""

    audit: int
    """What the kernel calls it: ``AUDIT_ARCH_...`` of ``linux/audit.h``."""
    column: int
    """Where its numbers stand in `NUMBERS`."""


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}

COMPUTING = (
    # What is open already, and memory.
    *("read", "write", "readv", "writev", "pread64", "pwrite64", "close", "lseek", "fstat"),
    *("mmap", "mprotect", "munmap", "mremap", "madvise", "mincore", "brk"),
    # Threads, signals of its own, its end.
    *("futex", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "membarrier"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "rt_sigpending"),
    *("rt_sigtimedwait", "restart_syscall", "exit", "exit_group", "alarm", "setitimer"),
    *("getitimer", "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler"),
    *("sched_get_priority_max", "sched_get_priority_min", "getcpu", "get_mempolicy"),
    # Clocks, waiting, chance, what it is.
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time"),
    *("getrandom", "poll", "ppoll", "select", "pselect6", "getpid", "gettid", "getppid"),
    *("getuid", "geteuid", "getgid", "getegid", "getpgrp", "getpgid", "getsid", "uname"),
    *("sysinfo", "getrusage", "getrlimit", "times", "getcwd", "arch_prctl"),
)
"""Allowed always."""
LOADING = (
    *("stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink"),
    *("readlinkat", "getdents", "getdents64", "statfs", "fstatfs", "fadvise64", "dup", "dup2"),
    *("dup3", "pipe", "pipe2", "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait"),
    *("epoll_pwait", "umask", "chdir", "fchdir", "ftruncate", "setrlimit"),
    *("capget", "seccomp", "landlock_create_ruleset", "landlock_add_rule"),
    "landlock_restrict_self",
)
"""Allowed while filters are imported and set up; Landlock says which files can be opened."""

NUMBERS: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "close": (3, 57),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "mincore": (27, 232),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "rseq": (334, 293),
    "set_tid_address": (218, 96),
    "membarrier": (324, 283),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getpgrp": (111, None),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrusage": (98, 165),
    "times": (100, 153),
    "getcwd": (79, 17),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "getcpu": (309, 168),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "getrlimit": (97, 163),
    "get_mempolicy": (239, 236),
    "alarm": (37, None),
    "setitimer": (38, 103),
    "getitimer": (36, 102),
    "arch_prctl": (158, None),
    "clone": (56, 220),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "prctl": (157, 167),
    "ioctl": (16, 29),
    "clone3": (435, 435),
    "open": (2, None),
    "openat": (257, 56),
    "stat": (4, None),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "fcntl": (72, 25),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "eventfd2": (290, 19),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "fadvise64": (221, 223),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "umask": (95, 166),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "ftruncate": (77, 46),
    "sched_setaffinity": (203, 122),
    "setrlimit": (160, 164),
    "seccomp": (317, 277),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
    "capget": (125, 90),
}


def number_of(name: str, machine: Machine) -> int | None:
    """Return the number of a system call; None where that kind of processor has none."""
    return NUMBERS[name][machine.column]
