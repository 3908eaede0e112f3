"""Weights of networks as plain arrays, which a cache may hold without their code, and files of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def arrays(network: nn.Module) -> dict[str, np.ndarray]:
    """A copy of all weights and buffers, by name, on the CPU."""
    return {name: of.detach().cpu().numpy().copy() for name, of in network.state_dict().items()}


def filled(network: Network, weights: Mapping[str, np.ndarray]) -> Network:
    """The network with these weights, in evaluation mode. Raises RuntimeError where they are of another one."""
    network.load_state_dict({name: torch.from_numpy(np.array(of)) for name, of in weights.items()})
    return network.eval()


def saved(path: Path) -> Any:
    """What `torch.save` wrote, on the CPU; no code of the file is run.

    Raises BadZipFile where a check sum is wrong, which torch does not look at, and on a damaged file whatever torch's
    unpickler stumbles over.
    """
    with ZipFile(path) as file:
        if (bad := file.testzip()) is not None:
            raise BadZipFile(f"{bad} has another checksum")
    return torch.load(path, map_location="cpu", weights_only=True)
