"""Which device a study computes on."""

from __future__ import annotations

import torch


def device_of(name: str) -> torch.device:
    """``auto``: a GPU where there is one."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
