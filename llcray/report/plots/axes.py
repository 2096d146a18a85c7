"""matplotlib's axes for the scales that `scale.py` decides on."""

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from llcray.report.plots.scale import LINEAR_SCALE, Scale, log_tick_digits, log_tick_text


def set_up_x_axis(axes: Axes, scale: Scale) -> None:
    """Give the x axis its scale, ticks and limits."""
    if scale.starts_at_zero:
        axes.set_xscale("symlog", linthresh=scale.first_positive, linscale=LINEAR_SCALE)
    elif scale.logarithmic:
        axes.set_xscale("log")
    if scale.has_log_ticks():
        set_log_ticks(axes.xaxis, scale.values[0], scale.values[-1])
    elif (ticks := scale.ticks()) is not None:
        axes.xaxis.set_ticks([scale.position(value) for value in ticks], [scale.tick_text(value) for value in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    first, last = scale.limits()
    if last > first:
        axes.set_xlim(first, last)


def give_room_aside(axes: Axes, scale: Scale, share: float) -> None:
    """Widen the x axis until its first and last value are at least a share of its length away from its ends."""
    transform = axes.xaxis.get_transform()
    low, high = transform.transform(axes.get_xlim())
    places = transform.transform([scale.position(value) for value in (scale.values[0], scale.values[-1])])
    margin = share * (places[1] - places[0] or 1.0) / (1 - 2 * share)
    ends = (min(low, places[0] - margin), max(high, places[1] + margin))
    axes.set_xlim(*transform.inverted().transform(ends))


def set_log_ticks(axis: Axis, low: float, high: float) -> None:
    """Give a logarithmic axis its ticks as plain numbers; matplotlib leaves some out where the axis is short."""
    axis.set_major_locator(LogLocator(subs=log_tick_digits(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: log_tick_text(value)))
    axis.set_minor_locator(NullLocator())
