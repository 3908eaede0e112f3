"""Training that stops where a number is not finite, with the last good epoch in its hands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def last_good(model: nn.Module) -> Iterator[None]:
    """An epoch: on FloatingPointError the model gets back the weights that it had; it leaves in evaluation mode."""
    good = {name: w.clone() for name, w in model.state_dict().items()}
    try:
        yield
    except FloatingPointError:
        model.load_state_dict(good)
        raise
    finally:
        model.eval()


def check_finite(value: Tensor, what: str, epoch: int, step: str, rate: float) -> None:
    """Raise FloatingPointError, to be used within `last_good`, on NaN and infinity; step : as the message names it."""
    if not torch.isfinite(value):
        said = f"the {what} became {value.item()} in epoch {epoch}, step {step}"
        back = f"the model has been set back to what it was after epoch {epoch - 1}"
        raise FloatingPointError(f"{said}; {back}. Try a rate below {rate}")
