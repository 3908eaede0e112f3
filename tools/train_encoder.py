"""Train the wardrobe's encoder on the CC0 photographs: `LIKENESS_DATA=... python tools/train_encoder.py`.

Another task than any of the wardrobe's, on real photographs: the sort of garment. People are split, so that the
accuracy printed is of people that training has not seen. Batch normalisation is folded into the kept convolutions.
"""

import numpy as np
import torch
from rich.console import Console
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from likeness.data import clothing
from likeness.data.wardrobe.encoder import SIDE, WEIGHTS, WIDTH, Encoder, _crop
from likeness.data.whole_files import whole

SEED, EPOCHS, BATCH, RATE = 0, 24, 64, 2e-3
#: Labels that name no garment.
UNSURE = ("Not sure", "Other", "Skip")


def read() -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Photographs (N, 3, SIDE, SIDE), labels (N,) and contributors (N,)."""
    data = clothing.load()
    table = data.labels[data.labels.photo & ~data.labels.label.isin(UNSURE)]
    with data.images as images:
        arrays = [images.array(key) for key in table.image]
    crops = np.stack([_crop(a, np.array([0, 0, *a.shape[:2]])) for a in arrays])
    labels = table.label.cat.remove_unused_categories().cat.codes.to_numpy()
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(labels).long(), table.sender_id


def shaken(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirrored, moved by up to 4 pixels, brighter or darker by up to a quarter."""
    flip = torch.rand(len(x), generator=generator) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    dy, dx = torch.randint(0, 9, (2,), generator=generator).tolist()
    x = F.pad(x, (4, 4, 4, 4), mode="replicate")[:, :, dy : dy + SIDE, dx : dx + SIDE]
    light = 0.75 + 0.5 * torch.rand((len(x), 1, 1, 1), generator=generator)
    return (x * light).clamp(0, 1)


def main() -> None:
    """Train, print the accuracy an epoch, and keep the weights beside the encoder."""
    torch.manual_seed(SEED)
    generator, console = torch.Generator().manual_seed(SEED), Console()
    x, y, people = read()
    unseen = torch.from_numpy(np.isin(people, np.unique(people)[::6]))
    encoder = Encoder()
    norms = nn.ModuleList(nn.BatchNorm2d(c.out_channels) for c in encoder.convolutions)
    head = nn.Linear(WIDTH, int(y.max()) + 1)

    def scores(x: torch.Tensor) -> torch.Tensor:
        x = 2.0 * x - 1.0
        for convolution, norm in zip(encoder.convolutions, norms, strict=True):
            x = F.relu(norm(convolution(x)))
        return head(F.dropout(F.adaptive_avg_pool2d(x, 2).flatten(1), 0.3, head.training))

    weights = [*encoder.parameters(), *norms.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=1e-2)
    rows = torch.nonzero(~unseen).flatten()
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, EPOCHS * -(-len(rows) // BATCH))
    for epoch in range(EPOCHS):
        norms.train(), head.train()
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(BATCH):
            loss = F.cross_entropy(scores(shaken(x[batch], generator)), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        norms.eval(), head.eval()
        with torch.no_grad():
            right = (scores(x[unseen]).argmax(1) == y[unseen]).float().mean().item()
        console.print(f"epoch {epoch + 1} of {EPOCHS}: loss {loss.item():.2f}, accuracy on unseen people {right:.3f}")
    encoder.convolutions = nn.ModuleList(
        fuse_conv_bn_eval(c.eval(), n) for c, n in zip(encoder.convolutions, norms, strict=True)
    )
    kept = {name: w.detach().numpy().astype(np.float16) for name, w in encoder.state_dict().items()}
    with whole(WEIGHTS) as half, half.open("wb") as stream:
        np.savez_compressed(stream, **kept)
    most = np.bincount(y[unseen].numpy()).max() / int(unseen.sum())
    console.print(f"{WEIGHTS}: {int(unseen.sum())} photographs of unseen people, {most:.3f} of the commonest sort")


if __name__ == "__main__":
    main()
