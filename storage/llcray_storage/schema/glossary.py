"""The words that tables, plots, pages and docs use without explaining them: declared once, shown wherever they are."""

from typing import NamedTuple

from llcray_storage.schema.verdicts import MIN_ESS, RHAT_LIMIT


class Term(NamedTuple):
    """A word and its meaning.

    Attributes:
        name: The word as it is shown.
        meaning: One or two sentences for somebody who has not met the word.
    """

    name: str
    meaning: str


TERMS: tuple[Term, ...] = (
    Term(
        "LLC",
        "Local learning coefficient of w*: how fast the volume of parameters around w* shrinks as their loss has to "
        "come closer to that of w*. A regular minimum of d parameters has d/2, a degenerate one less.",
    ),
    Term("w*", "The parameters whose LLC is estimated: where training ended, or a checkpoint."),
    Term("nat", "Unit of losses and LLCs that are made with the natural logarithm."),
    Term(
        "n beta",
        "Number of examples n times the inverse temperature beta: how much a mean loss counts in the density that is "
        "sampled. A larger one samples closer to w*.",
    ),
    Term(
        "gamma",
        "Localization: strength of the pull towards w*, gamma/2 |w - w*|^2. An estimate is a number at its gamma; "
        "compare at one gamma.",
    ),
    Term(
        "± sampling",
        "Sampling error, one standard error: how well the LLC is known at its gamma. It holds the MCSE and what is "
        "uncertain of a subtracted step-size bias.",
    ),
    Term("± localization", "How far a smaller gamma could move the LLC, to first order."),
    Term("MCSE", "Monte Carlo standard error: the error of a mean over draws, from their standard deviation and ESS."),
    Term(
        "ESS",
        f"Effective sample size: how many independent draws the correlated ones are worth. At least {MIN_ESS} are "
        "asked for.",
    ),
    Term(
        "R-hat",
        "Spread of the loss over all chains, over that within them: 1 when chains agree. Above "
        f"{RHAT_LIMIT:g} an estimate is not converged.",
    ),
    Term(
        "full-data gradient",
        "Unit of work: one gradient of all examples, or as many minibatch gradients as make it up. Also FDE.",
    ),
    Term("WNV", "Work-normalised variance: MCSE squared times work. The sampler with the smaller one needs less work."),
    Term("verdict", "What the diagnostics say of an estimate. Only `ok` is averaged; the others are shown apart."),
)
