"""Whether the work of a run or of a chain was done. Whether its numbers can be trusted is said by the verdict alone."""

from typing import Literal

Status = Literal["done", "failed"]
DONE: Status = "done"
FAILED: Status = "failed"
STATUSES: tuple[Status, ...] = (DONE, FAILED)
EARLIER = {"ok": DONE}
"""Older files say `ok` for work that was done."""
