"""The ground-truth suite: targets whose LLC is known, estimated like any sweep and compared. No Ray."""

from llcray.validation.suite import SIZES as SIZES
from llcray.validation.suite import Size as Size
