"""One module for each type of source: `make` for those that are polled, `make_stream` for those that send."""

from __future__ import annotations

import importlib
from types import ModuleType

from sources.registry import SOURCE_TYPES


def benches(maker: str) -> list[ModuleType]:
    """The modules that have it."""
    modules = [importlib.import_module(f"tests.sources.benches.{name}") for name in SOURCE_TYPES]
    return [module for module in modules if hasattr(module, maker)]


def name_of(module: ModuleType) -> str:
    """The type whose server it is."""
    return module.__name__.rpartition(".")[2]
