"""How many runs one compiled call advances: two widths a signature, so that no more than two programs are compiled.

A group of runs is cut into calls of the full width; what is left over goes into one more, padded, or into calls of the
small width, whichever wastes less. On a CPU the time of a call is proportional to its width, so the full width is small
and the small one is a single run. On an accelerator a call takes as long for one run as for hundreds, so the full
width is what fills the device and its memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

T = TypeVar("T")

CPU_FULL = 8
"""Measured (benchmarks/README.md): wider calls are no faster on a core, and finished runs are dropped more coarsely."""
ACCELERATOR_CHAINS = 4096
"""Chains of a small network that fill an accelerator."""
ACCELERATOR_PARAMETERS = 2**26
"""Numbers of all chains together beyond which one step of them fills an accelerator whatever their count."""
SMALL_SHARE = 8
MEMORY_SHARE = 0.5
COPIES_OF_CHAIN = 12
"""Arrays of a chain's size alive at once: state, gradients, noise, temporaries, and the state of the next block."""


class Size(NamedTuple):
    """What a run takes.

    Attributes:
        num_chains: Chains.
        num_params: d.
        chain_bytes: Bytes of one position.
        data_bytes: Bytes of the data and parameters of a run.
        activation_bytes: Bytes of intermediate values of one chain's largest evaluation.
    """

    num_chains: int
    num_params: int
    chain_bytes: int
    data_bytes: int
    activation_bytes: int

    @property
    def total_bytes(self) -> int:
        """Bytes of a run on the device."""
        return self.data_bytes + self.num_chains * (COPIES_OF_CHAIN * self.chain_bytes + self.activation_bytes)


@dataclass(frozen=True)
class Widths:
    """The two widths of a signature.

    Attributes:
        full: Runs in a call.
        small: Runs in a call of few.
        least_filled: Share of a full call that has to be real for padding to be worth it.
    """

    full: int
    small: int = 1
    least_filled: float = 0.75

    def cut(self, group: Sequence[T]) -> list[tuple[int, Sequence[T]]]:
        """The calls that serve a group: width, and members, of which there may be fewer."""
        whole = len(group) // self.full * self.full
        width = self.full if len(group) - whole > self.least_filled * self.full else self.small
        starts = [(self.full, start) for start in range(0, whole, self.full)]
        starts += [(width, start) for start in range(whole, len(group), width)]
        return [(size, group[start : start + size]) for size, start in starts]

    def at_most(self, width: int | None) -> "Widths":
        """No wider than `width`."""
        if width is None or width >= self.full:
            return self
        return Widths(max(1, width), min(self.small, max(1, width)), self.least_filled)

    def halved(self) -> "Widths":
        """Half as wide, for a device whose memory was too small; one run at a time is the least."""
        full = max(1, self.full // 2)
        return Widths(full, min(self.small, full), self.least_filled)


def choose_widths(size: Size, platform: str, memory_bytes: int | None) -> Widths:
    """Widths for runs of this size on a device.

    Args:
        size: Of a run.
        platform: `cpu`, `gpu` or `tpu`.
        memory_bytes: Of the device; None where it is not known.
    """
    fitting = int(MEMORY_SHARE * memory_bytes / size.total_bytes) if memory_bytes else CPU_FULL
    if platform == "cpu":
        return Widths(max(1, min(CPU_FULL, fitting)))
    filling = min(ACCELERATOR_CHAINS, ACCELERATOR_PARAMETERS // size.num_params) // size.num_chains
    full = _power_of_two(max(1, min(fitting, filling)))
    return Widths(full, max(1, full // SMALL_SHARE), least_filled=1 / 4)


def _power_of_two(number: int) -> int:
    """The largest one that is not larger."""
    return 1 << (number.bit_length() - 1)
