"""Components: subsets of a network's parameters, named by a grammar, as boolean masks.

Importing this package loads no JAX.
"""

from llcray.components.choice import Choice as Choice
from llcray.components.grammar import ALL as ALL
from llcray.components.grammar import Component as Component
from llcray.components.grammar import parse as parse
from llcray.components.structure import Structure as Structure
