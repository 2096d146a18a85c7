"""The ways to say which Ray to use, and which of them a driver can join.

`auto` and `host:port` are joined: the driver is this process. `http://host:8265` and `ray://host:10001` are reached
from outside: the driver becomes a job on the cluster, and this process watches it.
"""

from collections.abc import Callable

from llcray.driver.errors import DriverError

REMOTE_SCHEMES = ("http://", "https://", "ray://")


def is_remote(address: str | None) -> bool:
    """Whether the driver has to run elsewhere.

    Raises:
        DriverError: The address is of no known kind.
    """
    if address is None or "://" not in address:
        return False
    if not address.startswith(REMOTE_SCHEMES):
        raise DriverError(
            f"Address '{address}' is of no known kind: give auto or host:6379 on a machine of the cluster, or "
            "http://host:8265 or ray://host:10001 from outside."
        )
    return True


Choice = Callable[[str], str]
"""Takes a job's id, asks the user, returns what becomes of the job: `leave`, `stop`, `kill` or `watch`."""


def leave_running(job_id: str) -> str:
    """The choice where nobody can be asked."""
    return "leave"
