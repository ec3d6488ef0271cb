"""Numbers that the spawner and the plan have to agree on."""

from __future__ import annotations

import struct

EXEC_FD = 100
"""Where the guest's binary is opened; the seccomp filter allows no other number. A worker may have
64 descriptors, so it can never make this number again."""
EXEC_PATH_ADDRESS = 0x100000
"""Where the empty path of execveat lies. The filter allows no other pointer and no mapping there,
so after the first execution nobody can make a path for a second one."""
ENTRY_SIZE = 11 * 8
"""Bytes of an entry of a table (see ``_runner.py``)."""
TEMPLATE_CONTROL, TEMPLATE_RULESET, TEMPLATE_RECEIVED = 3, 4, (5, 6, 7, 8)
"""Descriptors of a template; the last are those that it is sent for a worker, where the kernel
puts them since they are the lowest that are free: 0, 1, 2, and the worker's last words."""
LIBRARY_FD = EXEC_FD + 1
"""Where a template finds its library when there is no empty root to put it in."""
LEAST_DESCRIPTORS = 128
"""That the operating system has to allow the spawner."""
CONTROL_MESSAGE = struct.Struct("=qQii4i")
"""A pid, and a struct cmsghdr with four descriptors (cmsg(3))."""
REPORT_SIZE = CONTROL_MESSAGE.size
FIRST_ACCOUNT, MOST_ACCOUNTS = 0x77400000, 0x8000000
"""User and group ids that workers of root may have."""
COPIED = "worker"
"""The program that runs in many processes."""
WORKERS_OF_A_TEMPLATE = 32
"""They have their memory layout in common, so that what one has learned of it might help to
attack another."""
LIBRARY = "/onehop.so"
"""In the empty root."""
TEMPLATE_SECONDS = 20.0
"""For an answer of a template, its start included."""
