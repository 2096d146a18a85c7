"""What a user can say about the running of a sweep; none of it is part of an identity."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SweepOptions:
    """Options of `llcray sweep`.

    Attributes:
        storage: Root of the dataset: a path, a URI or a profile file.
        address: Ray cluster to run on, see `llcray.driver.address`; None starts one on this machine for the time of the
            sweep.
        overrides: `path=value` texts applied to the sweep file.
        max_concurrent: Most trials at a time; None for as many as fit.
        max_pack: Most targets in a trial; None for as many as suits.
        time_budget: Seconds after which the sweep stops; finished runs are kept.
        force: Redo runs that are in the dataset.
        retry_failed: Redo runs whose row says failed.
        max_retries: Times a trial starts again after its worker died.
        detach: Leave a sweep that runs elsewhere once it is submitted.
        py_modules: Folders of import packages that the sweep needs on the cluster, beside llcray.
        quiet: Print failures and the last line only.
        json_lines: Print one JSON object a line instead of text.
        tensorboard: Folder to write TensorBoard event files to.
    """

    storage: str = "results"
    address: str | None = None
    overrides: tuple[str, ...] = ()
    max_concurrent: int | None = None
    max_pack: int | None = None
    time_budget: float | None = None
    force: bool = False
    retry_failed: bool = False
    max_retries: int = 2
    detach: bool = False
    py_modules: tuple[str, ...] = ()
    quiet: bool = False
    json_lines: bool = False
    tensorboard: str | None = None
