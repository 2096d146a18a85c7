"""A column: its name, type, unit and meaning, which are declared once and carried into every Parquet file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

TEXT = pa.string()
WHOLE = pa.int64()
REAL = pa.float64()
FLAG = pa.bool_()
TIME = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())
REALS = pa.list_(pa.float64())
WHOLES = pa.list_(pa.int64())
SERIES = pa.list_(pa.float32())


@dataclass(frozen=True)
class Column:
    """A column of a table or view.

    Attributes:
        name: Column name; axes are named by their path in a spec (`architecture_activation`).
        type: Arrow type.
        unit: Unit, or "" where there is none (ids, text, flags).
        meaning: One sentence on the value, with its formula where it has one.
        required: Whether a row with null here is refused at write.
        choices: The only texts allowed; empty when any text is.
        earlier: Texts that older files hold, each with the choice that says the same; readers see the choice.
        axis: Whether a sweep can vary it.
    """

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    earlier: Mapping[str, str] = field(default_factory=dict)
    axis: bool = False

    def field(self) -> pa.Field:
        """Return the Arrow field, with unit and meaning as its metadata."""
        return pa.field(self.name, self.type, metadata={"unit": self.unit, "meaning": self.meaning})
