"""The two networks of Gigli, Marcotegui and Velasco-Forero (GSI 2021), and their shared embedding head.

References
----------
[1] Gigli, Marcotegui, Velasco-Forero, "End-to-End Similarity Learning and Hierarchical Clustering for unfixed size
    datasets", GSI 2021, section 3 and "Architectures" of section 4.
[2] Wang et al., "Dynamic Graph CNN for Learning on Point Clouds", ACM TOG 38(5), 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import geoopt
import torch
from torch import Tensor, nn

OutputBlock = Literal["activated", "linear"]

#: The learned radius starts here and never leaves this interval (published code; the paper gives no number).
SCALE_INIT, SCALE_MIN, SCALE_MAX = 1e-3, 1e-4, 1.0 - 1e-3
NEGATIVE_SLOPE = 0.2  # the paper's eta


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.LeakyReLU(NEGATIVE_SLOPE))


def mlp(inputs: int = 2, hidden: int = 64, output: OutputBlock = "activated") -> nn.Sequential:
    """Multi-layer perceptron with four hidden layers, ``inputs-64-64-64-64-2``.

    Parameters
    ----------
    inputs : dimension of a point
    hidden : width of the four hidden layers (64 in Table 1 of [1])
    output : ``"activated"`` (*literal*: the two outputs also pass BatchNorm and LeakyReLU, as the published code
        does and the paper does not say) or ``"linear"`` (a plain last layer)

    Returns
    -------
    module mapping x (n, inputs) float32 to features (n, 2) float32
    """
    widths = [inputs, hidden, hidden, hidden, hidden]
    layers: list[nn.Module] = [_block(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)]
    layers.append(_block(hidden, 2) if output == "activated" else nn.Linear(hidden, 2))
    return nn.Sequential(*layers)


def nearest_neighbours(x: Tensor, k: int, *, chunk: int = 2048) -> Tensor:
    """Indices of the k nearest points of every point, **the point itself included**.

    Computed in row chunks, so that memory is O(chunk * n).

    Parameters
    ----------
    x : (n, d) float
    k : neighbours; fewer when the set has fewer points

    Returns
    -------
    (n, min(k, n)) int64
    """
    k = min(k, len(x))
    rows = [torch.cdist(part, x).topk(k, largest=False).indices for part in x.split(chunk)]
    return torch.cat(rows)


class DynamicEdgeConv(nn.Module):
    """One dynamic edge convolution [2]: x_i' = max_j f([x_i, x_j - x_i]) over the k nearest x_j in feature space.

    The convolution is torch-geometric's ``EdgeConv``; only the neighbour search is ours, because its
    ``DynamicEdgeConv`` needs the compiled package torch-cluster, which is not on PyPI.
    """

    def __init__(self, inputs: int, outputs: int, k: int, output: OutputBlock = "activated") -> None:
        super().__init__()
        # torch-geometric takes seconds to import: only those who use the DGCNN wait for it
        from torch_geometric.nn import EdgeConv

        self.k = k
        message = _block(2 * inputs, outputs) if output == "activated" else nn.Linear(2 * inputs, outputs)
        self.conv = EdgeConv(message, aggr="max")

    def forward(self, x: Tensor) -> Tensor:
        """x (n, inputs) -> (n, outputs)."""
        with torch.no_grad():
            neighbours = nearest_neighbours(x, self.k)  # (n, k)
        target = torch.arange(len(x), device=x.device).repeat_interleave(neighbours.shape[1])
        return self.conv(x, torch.stack([neighbours.reshape(-1), target]))


def dgcnn(inputs: int = 2, hidden: int = 64, k: int = 10, output: OutputBlock = "activated") -> nn.Sequential:
    """Three dynamic edge convolutions ``inputs -> 64 -> 64 -> 2``, k neighbours recomputed at every layer [2].

    ``k=10`` and the point counted among its own neighbours are read in the published code; the paper is silent.
    """
    return nn.Sequential(
        DynamicEdgeConv(inputs, hidden, k),
        DynamicEdgeConv(hidden, hidden, k),
        DynamicEdgeConv(hidden, 2, k, output),
    )


class SimilarityModel(nn.Module):
    """A network, and the learned radius at which its directions are laid into the Poincare disk.

    The similarity of two points is eq. 4 of [1], ``cos(angle(NN(x), NN(y)))``; the embedding is
    ``z = r * NN(x) / |NN(x)|`` with one trainable radius r. A radius is itself a point of the one-dimensional ball,
    and is therefore the one parameter that lives on a manifold.

    Parameters
    ----------
    network : module mapping (n, d) to (n, 2)
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.scale = geoopt.ManifoldParameter(torch.tensor([SCALE_INIT]), manifold=geoopt.PoincareBall())

    def features(self, x: Tensor) -> Tensor:
        """Features NN(x) before normalisation: x (n, d) -> (n, 2)."""
        if x.ndim != 2 or len(x) == 0:
            raise ValueError(f"a point set must have shape (n, d) with n >= 1, got {tuple(x.shape)}")
        return self.network(x)

    def directions(self, x: Tensor) -> Tensor:
        """Unit directions NN(x) / |NN(x)|: x (n, d) -> (n, 2)."""
        return nn.functional.normalize(self.features(x), dim=1)

    def radius(self) -> Tensor:
        """The learned radius r, (1,), in (0, 1)."""
        return self.scale.clamp(SCALE_MIN, SCALE_MAX)

    def forward(self, x: Tensor) -> Tensor:
        """Points of the Poincare disk: x (n, d) -> z (n, 2), all of length r."""
        return self.directions(x) * self.radius()


def build(name: str, *, inputs: int = 2, hidden: int = 64, output: OutputBlock = "activated") -> SimilarityModel:
    """``build("mlp")`` or ``build("dgcnn")``: a fresh model of Table 1, weights from torch's current generator."""
    makers: dict[str, Callable[..., nn.Sequential]] = {"mlp": mlp, "dgcnn": dgcnn}
    if name not in makers:
        raise ValueError(f"unknown network {name!r}: expected one of {sorted(makers)}")
    return SimilarityModel(makers[name](inputs=inputs, hidden=hidden, output=output))


def put_everything_on_the_ball(model: SimilarityModel) -> SimilarityModel:
    """*Literal*: make every weight a point of a Poincare ball, as the published optimiser does.

    Each row of a weight matrix and each bias or BatchNorm vector is projected to norm < 1 and then updated by
    Riemannian Adam on the ball. A BatchNorm gain of 64 ones (norm 8) thereby starts at 1/8 of its usual value.
    The model is changed in place and returned.
    """
    ball = geoopt.PoincareBall()
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if not isinstance(parameter, geoopt.ManifoldParameter):
                point = ball.projx(parameter.detach().clone())
                setattr(module, name, geoopt.ManifoldParameter(point, manifold=ball))
    return model


def parameters_by_geometry(model: nn.Module) -> tuple[Sequence[nn.Parameter], Sequence[nn.Parameter]]:
    """Split parameters into (Euclidean, on the ball)."""
    flat = [p for p in model.parameters() if not isinstance(p, geoopt.ManifoldParameter)]
    ball = [p for p in model.parameters() if isinstance(p, geoopt.ManifoldParameter)]
    return flat, ball
