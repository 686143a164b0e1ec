"""One module for each type of source or mode of one: `make` for what is polled, `make_stream` for what sends."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def benches(maker: str) -> list[ModuleType]:
    """The modules that have it."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return [module for module in modules if hasattr(module, maker)]


def name_of(module: ModuleType) -> str:
    """The type, or mode, whose server it is."""
    return module.__name__.rpartition(".")[2]
