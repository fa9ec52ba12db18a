"""The tables; `load_all()` imports every module so that the metadata is complete."""

from importlib import import_module
from pkgutil import iter_modules


def load_all() -> None:
    """Import all modules of this package."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
