"""Looks for a function that a sweep names, in the source of its module: nothing of the user's is imported or run."""

import ast
from collections.abc import Collection, Iterator
from importlib.machinery import PathFinder
from pathlib import Path


def check_factory(name: str, arguments: Collection[str]) -> None:
    """Refuses a module or function that is not there, and arguments that the function does not take.

    Modules that are not plain Python files, and functions that are not defined by `def` at their top, are not judged.

    Args:
        name: `package.module:function`.
        arguments: Names of the arguments.

    Raises:
        ValueError: The function cannot be called so.
    """
    module_name, function_name = name.split(":")
    source = _source_of(name, module_name)
    if source is None:
        return
    try:
        body = ast.parse(source.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return
    function = next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == function_name), None)
    if function is not None:
        _check_arguments(name, function, arguments)
    elif all(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Expr | ast.Import) for node in body) and not (
        {function_name, "__getattr__"} & set(_names(body))
    ):
        raise ValueError(f"factory '{name}': module '{module_name}' has no function '{function_name}'")


def _source_of(name: str, module_name: str) -> Path | None:
    """Finds the file of a module without importing the packages that it is in; None where there is no such file."""
    folders: list[str] | None = None
    parts = module_name.split(".")
    for number, part in enumerate(parts, 1):
        spec = PathFinder.find_spec(part, folders)
        if spec is None:
            missing = ".".join(parts[:number])
            raise ValueError(
                f"factory '{name}': there is no module '{missing}': install it, or put its folder on PYTHONPATH"
            )
        folders = list(spec.submodule_search_locations or [])
        if number == len(parts):
            return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
        if not folders:
            return None
    return None


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import):
            yield from (alias.asname or alias.name for alias in node.names)


def _check_arguments(name: str, function: ast.FunctionDef, given: Collection[str]) -> None:
    """Compares names alone; a decorator may change what the function takes."""
    taken = function.args
    if function.decorator_list or taken.kwarg is not None:
        return
    positional = [argument.arg for argument in taken.args]
    known = {*positional, *(argument.arg for argument in taken.kwonlyargs)}
    optional = set(positional[len(positional) - len(taken.defaults) :])
    optional |= {a.arg for a, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True) if default is not None}
    if unknown := sorted(set(given) - known):
        takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
        raise ValueError(f"factory '{name}' has no argument '{unknown[0]}': {takes}")
    if missing := sorted(known - optional - set(given) - {"seed"}):
        raise ValueError(f"factory '{name}' needs the argument '{missing[0]}': write it under `arguments`")
