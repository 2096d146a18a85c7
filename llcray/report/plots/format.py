"""The format of a figure: its size on the page, and whether it explains itself."""

from dataclasses import dataclass

from llcray.report.errors import ReportError

SMALLEST, LARGEST = 1.0, 40.0
LEGEND_HEIGHT, CAPTION_HEIGHT = 0.4, 0.35
"""Inches above and below the panels."""


@dataclass(frozen=True)
class Format:
    """The format of a figure.

    Attributes:
        width: Inches; None for a width that suits the number of panels.
        height: Inches; None for a height that suits the number of panels, without that of the caption where there is
            none.
        caption: Whether a caption below says what bars and marks mean.
        titles: Whether each of several panels has its value as title.
    """

    width: float | None = None
    height: float | None = None
    caption: bool = True
    titles: bool = True

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if value is not None and not SMALLEST <= value <= LARGEST:
                raise ReportError(f"{name} {value:g} is no size of a figure: give {SMALLEST:g} to {LARGEST:g} inches.")

    def size(self, panel_width: float, panel_height: float, num_columns: int, num_rows: int) -> tuple[float, float]:
        """Width and height of a figure of panels of a size, with room for legend and caption."""
        around = LEGEND_HEIGHT + (CAPTION_HEIGHT if self.caption else 0.0)
        return self.width or panel_width * num_columns, self.height or panel_height * num_rows + around


AS_SUITS = Format()
"""A size that suits the panels, with a caption."""
