"""The networks that motion can be made by, each with its configuration, by the name that files carry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from facetalk.motion.ablations import WithoutFilm, WithoutFilmConfig, WithoutMask, WithoutMaskConfig
from facetalk.motion.denoiser import Denoiser, DenoiserConfig
from facetalk.motion.listener import Listener, Sizes
from facetalk.motion.rivals import Autoregressive, AutoregressiveConfig, RecurrentConfig, RecurrentDenoiser

AnyConfig = DenoiserConfig | RecurrentConfig | AutoregressiveConfig


@dataclass(frozen=True)
class Kind:
    """One kind of network."""

    config: Callable[..., AnyConfig]
    network: Callable[[Any], Listener]


NETWORKS: dict[str, Kind] = {
    "transformer": Kind(DenoiserConfig, Denoiser),
    "recurrent": Kind(RecurrentConfig, RecurrentDenoiser),
    "autoregressive": Kind(AutoregressiveConfig, Autoregressive),
    "without-film": Kind(WithoutFilmConfig, WithoutFilm),
    "without-mask": Kind(WithoutMaskConfig, WithoutMask),
}
FIRST = "transformer"
"""What files are that name none."""


def name_of(config: Sizes) -> str:
    """The name of the network that a configuration is for."""
    return next(name for name, kind in NETWORKS.items() if type(config) is kind.config)


def build(config: Sizes) -> Listener:
    """The network of a configuration, untrained."""
    return NETWORKS[name_of(config)].network(config)
