"""Whether workers can have user ids of their own here."""

from __future__ import annotations

from onehop.jail.spawner.layout import FIRST_ACCOUNT, MOST_ACCOUNTS


def may_drop_root() -> bool:
    """Whether root can become another user here, and still end it."""
    needed = 1 << 5 | 1 << 6 | 1 << 7  # CAP_KILL, CAP_SETGID, CAP_SETUID: <linux/capability.h>
    return int(own_status().get("CapEff", "0"), 16) & needed == needed


def own_status() -> dict[str, str]:
    """What the kernel says of this process."""
    try:
        with open("/proc/self/status") as status:
            return {name: value.strip() for name, _, value in (s.partition(":") for s in status)}
    except OSError:
        return {}


def has_accounts() -> bool:
    """Whether the ids for workers exist here: a container may have few ids only."""
    maps = ("/proc/self/uid_map", "/proc/self/gid_map")
    return may_drop_root() and all(_maps_accounts(path) for path in maps)


def _maps_accounts(path: str) -> bool:
    """The columns are ids here, ids outside, and how many (user_namespaces(7))."""
    try:
        with open(path) as file:
            ranges = [[int(word) for word in line.split()] for line in file]
    except (OSError, ValueError):
        return False
    end = FIRST_ACCOUNT + MOST_ACCOUNTS
    return any(first <= FIRST_ACCOUNT and end <= first + size for first, _, size in ranges)
