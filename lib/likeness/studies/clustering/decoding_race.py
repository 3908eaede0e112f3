"""How fast peers build the single-linkage tree of points on a circle, beside the circle decoding.

All peers run in one process, interleaved, so that a busy machine slows all of them alike; only their
ratios within one run are worth reading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import fastcluster
import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from likeness.models.clustering.decoding import decode_circle

#: scipy and fastcluster.linkage hold all n (n - 1) / 2 distances as doubles: at most 4 GiB, n <= 32,768.
CONDENSED_LIMIT: Final = 4 * 2**30
#: Below this many points the fixed cost of a call hides its growth: nothing is predicted from there.
GROWS_FROM: Final = 200
#: Numbers of clusters at which a peer's partition is compared with ours.
CUTS: Final = (2, 3, 9, 50)


def _circle(points: np.ndarray) -> np.ndarray:
    return decode_circle(points)


def _scipy(points: np.ndarray) -> np.ndarray:
    return np.asarray(linkage(points, "single"))


def _fastcluster(points: np.ndarray) -> np.ndarray:
    return np.asarray(fastcluster.linkage(pdist(points), "single"))


def _fastcluster_vector(points: np.ndarray) -> np.ndarray:
    return np.asarray(fastcluster.linkage_vector(points, "single"))


#: Peer -> (decoder of points (n, 2) on the unit circle, whether it holds all distances). Chords order as
#: angles do, so that all build the same tree.
PEERS: Final[dict[str, tuple[Callable[[np.ndarray], np.ndarray], bool]]] = {
    "circle": (_circle, False),
    "scipy": (_scipy, True),
    "fastcluster": (_fastcluster, True),
    "fastcluster-vector": (_fastcluster_vector, False),
}


def race(
    sizes: Sequence[int], repeats: int, limit_s: float, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Time every peer at every size that it can reach; sizes in ascending order.

    A peer sits a size out when its distances would exceed 4 GiB, or when its median at the last size of at
    least 200 points, grown as n^2 (all peers but ours), predicts more than `limit_s` seconds for one call.
    Each repeat draws fresh points, uniform directions, the same for all peers, and starts with another peer.

    Parameters
    ----------
    sizes : numbers of points, each >= 2.
    repeats : calls a size and peer, >= 1, after one call on 64 points that is not timed.
    limit_s : seconds that one call may be expected to take.

    Returns
    -------
    One row per size and peer: n, peer, best_s, median_s (seconds; NaN where it sat out), repeats, ratio
    (its median over ours, NaN likewise), same (the partitions into 2, 3, 9 and 50 clusters equal ours in
    every repeat; None where it sat out), why ("" or the reason).

    Raises
    ------
    ValueError : no size, a size below 2, repeats < 1, limit_s not above 0.
    """
    if not sizes or min(sizes) < 2 or repeats < 1 or not limit_s > 0:
        raise ValueError(
            f"sizes {list(sizes)}, repeats {repeats}, limit {limit_s} s: expected sizes >= 2, repeats >= 1 "
            "and a limit > 0"
        )
    warm = _directions(64, rng)
    for decode, _ in PEERS.values():
        decode(warm)  # compiles ours, loads theirs
    rows: list[dict[str, object]] = []
    last: dict[str, tuple[int, float]] = {}
    for n in sorted(sizes):
        absent = {peer: _why_absent(peer, n, last.get(peer), limit_s) for peer in PEERS}
        seconds, same = _heat(n, [p for p in PEERS if not absent[p]], repeats, rng)
        ours = float(np.median(seconds["circle"]))
        for peer in PEERS:
            took = seconds.get(peer, [float("nan")])
            median = float(np.median(took))
            if not absent[peer] and n >= GROWS_FROM:
                last[peer] = (n, median)
            rows.append({
                "n": n, "peer": peer, "best_s": float(min(took)), "median_s": median,
                "repeats": len(took) if not absent[peer] else 0, "ratio": median / ours,
                "same": same.get(peer), "why": absent[peer],
            })  # fmt: skip
    return pd.DataFrame(rows)


def _directions(n: int, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    return np.column_stack([np.cos(angle), np.sin(angle)])  # (n, 2)


def _why_absent(peer: str, n: int, last: tuple[int, float] | None, limit_s: float) -> str:
    if peer == "circle":
        return ""
    if PEERS[peer][1] and n * (n - 1) // 2 * 8 > CONDENSED_LIMIT:
        return f"{n * (n - 1) // 2 * 8 / 2**30:.0f} GiB of distances"
    if last is not None:
        expected = last[1] * (n / last[0]) ** 2
        if expected > limit_s:
            return f"about {expected:.0f} s expected"
    return ""


def _heat(
    n: int, peers: Sequence[str], repeats: int, rng: np.random.Generator
) -> tuple[dict[str, list[float]], dict[str, bool]]:
    """Seconds of each peer and repeat, and whether its clusters were ours every time."""
    seconds: dict[str, list[float]] = {peer: [] for peer in peers}
    same = dict.fromkeys(peers, True)
    for repeat in range(repeats):
        points = _directions(n, rng)
        reference = decode_circle(points)
        shift = repeat % len(peers)
        for peer in [*peers[shift:], *peers[:shift]]:
            start = time.perf_counter()
            tree = PEERS[peer][0](points)
            seconds[peer].append(time.perf_counter() - start)
            same[peer] = same[peer] and same_clusters(tree, reference)
    return seconds, same


def same_clusters(tree: np.ndarray, reference: np.ndarray) -> bool:
    """Whether two linkage matrices (n - 1, 4) give the same partitions at every k of `CUTS` below n."""
    n = len(tree) + 1
    return all(
        _equal_partitions(fcluster(tree, k, "maxclust"), fcluster(reference, k, "maxclust"))
        for k in CUTS
        if k < n
    )


def _equal_partitions(a: np.ndarray, b: np.ndarray) -> bool:
    pairs = np.unique(np.column_stack([a, b]), axis=0)
    return len(pairs) == len(np.unique(a)) == len(np.unique(b))


def sizes(most: int) -> list[int]:
    """Sizes of the race: the powers of ten from 1,000 and the claim's 5,000, up to ``most``."""
    return sorted({n for n in (1_000, 5_000, 10_000, 100_000, 1_000_000) if n < most} | {most})


#: Expected before anything was timed: at least 500 times faster at 5,000 points, and a million within a second.
EXPECTED_RATIO, EXPECTED_AT, EXPECTED_SECONDS = 500.0, 5_000, 1.0


def expectations(frame: pd.DataFrame) -> pd.DataFrame:
    """What was expected of the decoding beside what this race found: columns expected, found, holds.

    frame : of `race`; a size that was not run leaves its line out
    """
    lines: list[tuple[str, str, bool]] = []
    at = frame[(frame.n == EXPECTED_AT) & frame.ratio.notna() & (frame.peer != "circle")]
    for peer, ratio in zip(at.peer, at.ratio, strict=True):
        what = f"{EXPECTED_RATIO:.0f}x {peer} at {EXPECTED_AT:,} points"
        lines.append((what, f"{ratio:.0f}x", ratio >= EXPECTED_RATIO))
    same = frame.same.dropna().astype(bool)
    lines.append(("the clusters of every peer, at every size", f"{same.sum()} of {len(same)}", bool(same.all())))
    ours = frame[frame.peer == "circle"].set_index("n").median_s
    for n in ours.index[ours.index == 1_000_000]:
        lines.append((f"{n:,} points within {EXPECTED_SECONDS:.0f} s", f"{ours[n]:.2f} s", ours[n] <= EXPECTED_SECONDS))
    grown = ours[ours.index >= 10_000]
    if len(grown) > 1:
        per = grown / (grown.index * np.log2(grown.index.to_numpy(dtype=float)))
        spread = float(per.max() / per.min())
        what = "time / (n log n) the same from 10,000 points on, within a factor of 3"
        lines.append((what, f"{spread:.1f}", spread <= 3))
    return pd.DataFrame(lines, columns=["expected", "found", "holds"])
