"""Arithmetic of sizes, which are whole numbers of Python while a loss is compiled, and parts of results."""

import math
import operator

RULES = {
    "operator.and_": operator.and_,
    "operator.or_": operator.or_,
    "operator.pow": operator.pow,
    "torch.sym_not": operator.not_,
    "torch.sym_sum": sum,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "operator.add": operator.add,
    "operator.eq": operator.eq,
    "operator.floordiv": operator.floordiv,
    "operator.ge": operator.ge,
    "operator.getitem": operator.getitem,
    "operator.gt": operator.gt,
    "operator.le": operator.le,
    "operator.lt": operator.lt,
    "operator.mod": operator.mod,
    "operator.mul": operator.mul,
    "operator.ne": operator.ne,
    "operator.neg": operator.neg,
    "operator.sub": operator.sub,
    "operator.truediv": operator.truediv,
    "torch.sym_float": float,
    "torch.sym_int": int,
    "torch.sym_max": max,
    "torch.sym_min": min,
}
