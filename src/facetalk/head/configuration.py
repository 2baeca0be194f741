"""Config dataclasses back from the plain dictionaries they were saved as."""

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from facetalk.errors import CheckpointError

Config = TypeVar("Config")


def restored(config: type[Config], values: dict[str, Any]) -> Config:
    """Inverse of `dataclasses.asdict` for nested frozen dataclasses.

    Raises:
        CheckpointError: a field is missing or unknown, so that the file was written by another version.
    """
    hints = get_type_hints(config)
    known = {item.name for item in fields(config)}  # pyright: ignore[reportArgumentType]
    if known != set(values):
        odd = ", ".join(sorted(known ^ set(values)))
        raise CheckpointError(
            f"config of {config.__name__} differs in {odd}; the weights need another facetalk version"
        )
    return config(**{name: _value(hints[name], value) for name, value in values.items()})


def _value(hint: Any, value: Any) -> Any:
    configs = [config for config in get_args(hint) or (hint,) if is_dataclass(config)]
    if configs and isinstance(value, dict):
        fitting = (config for config in configs if {item.name for item in fields(config)} == set(value))
        return restored(next(fitting, configs[0]), value)  # pyright: ignore[reportArgumentType]
    return tuple(value) if isinstance(value, list) else value
