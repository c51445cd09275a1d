"""A picture as a hierarchy of patches: cut along its edges, then merged step by step, parts before wholes.

`analyse` builds the tree from colours and edges, and estimates the background from the picture's border. `classic`
selects nodes of the tree for clicks and boxes.
"""

import heapq
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from osprey_core.regions.masks import Mask

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

OBJECT, BACKGROUND, MIXED = 0, 1, 2
_FOREIGN = 1e4  # cost of merging background with object: only when nothing else is left


@dataclass(frozen=True, eq=False)
class MergeTree:
    """The hierarchy of patches. Nodes 0..leaves-1 are patches, each later node is the union of two earlier ones.

    rank: (h, w), the place of each pixel's patch in an order in which every node covers an unbroken interval
    [first, last) of places. parent: -1 at the root. boundary: mean edge strength along a node's outline (picture
    border not counted). kind: OBJECT, BACKGROUND or MIXED (all OBJECT if no background was
    detected).
    """

    rank: Ints
    first: Ints
    last: Ints
    parent: Ints
    children: Ints
    size: Ints
    boundary: Floats
    kind: Ints
    leaf_at: Ints  # place in the order -> leaf
    edges: Floats  # (h, w) edge strength, roughly colour difference (CIE76) across each pixel
    has_background: bool
    is_photo: bool  # little of it is of an even colour
    image: NDArray[np.uint8]  # (h, w, 3)
    backdrop: Mask  # (h, w), the pixels of all background patches

    def mask(self, node: int | np.integer) -> Mask:
        return np.asarray((self.rank >= self.first[node]) & (self.rank < self.last[node]))

    def leaf(self, x: int, y: int) -> int:
        return int(self.leaf_at[self.rank[y, x]])

    def chain(self, node: int) -> list[int]:
        """The node and all nodes above it."""
        nodes = [node]
        while self.parent[nodes[-1]] >= 0:
            nodes.append(int(self.parent[nodes[-1]]))
        return nodes

    def contains(self, node: int, leaf: int) -> bool:
        return bool(self.first[node] <= self.first[leaf] < self.last[node])


def analyse(image: NDArray[np.uint8]) -> MergeTree:
    """The tree of a picture uint8 (h, w, 3); the work grows with its number of pixels."""
    lab = _smooth_lab(image)
    edges = _edge_strength(lab)
    patches = _patches(edges)
    background, known = _background(lab, edges, patches)
    return _merge(image, edges, lab, patches, background, known)


def _smooth_lab(image: NDArray[np.uint8]) -> Floats:
    """The picture (h, w, 3) in CIELAB without its grain."""
    grain = _grain(image)
    smooth: NDArray[Any] = image
    if grain > 6:
        smooth = cv2.medianBlur(smooth, 5 if grain > 12 else 3)
    spread = 12 + 3 * min(grain, 15)
    smooth = cv2.bilateralFilter(smooth, 7 if grain > 3 else 5, spread, 3)
    if grain > 6:
        smooth = cv2.bilateralFilter(smooth, 7, spread, 3)
    return np.asarray(cv2.cvtColor(smooth.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def _grain(image: NDArray[np.uint8]) -> float:
    """Standard deviation of the noise, 0..255, from the median of the second differences."""
    if min(image.shape[:2]) < 5:
        return 0.0
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # Immerkaer's noise mask, norm 6
    return float(np.median(np.abs(cv2.filter2D(grey, -1, kernel)))) / 6 / 0.6745


def _edge_strength(lab: Floats) -> Floats:
    """(h, w): the largest colour difference across each pixel, over four directions and a distance of two pixels."""
    framed = np.pad(lab, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = lab.shape[:2]

    def at(dy: int, dx: int) -> Floats:
        return framed[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    pairs = (((0, -1), (0, 1)), ((-1, 0), (1, 0)), ((-1, -1), (1, 1)), ((-1, 1), (1, -1)))
    squares = [((at(*one) - at(*other)) ** 2).sum(axis=2) for one, other in pairs]
    return np.asarray(np.sqrt(np.maximum.reduce(squares)), dtype=np.float32)


def _patches(edges: Floats) -> Ints:
    """(h, w): patch number of every pixel, from 0. Watershed from areas of low edge strength, at rising thresholds."""
    markers = np.zeros(edges.shape, np.int32)
    count = 0
    for level, smallest in ((2.0, 12), (4.0, 12), (8.0, 12), (14.0, 9), (24.0, 6), (40.0, 4)):
        found, labels, stats, _ = cv2.connectedComponentsWithStats((edges < level).astype(np.uint8), connectivity=4)
        taken = np.zeros(found, np.bool_)
        taken[labels[markers > 0]] = True
        fresh = ~taken & (stats[:, cv2.CC_STAT_AREA] >= smallest)
        fresh[0] = False
        numbers = np.zeros(found, np.int32)
        numbers[fresh] = count + 1 + np.arange(np.count_nonzero(fresh))
        count += int(np.count_nonzero(fresh))
        markers = np.maximum(markers, numbers[labels])
    if count == 0:
        markers[0, 0] = 1
    flooded = watershed(edges, markers, connectivity=2).astype(np.int32)
    return np.asarray(np.unique(flooded, return_inverse=True)[1].reshape(edges.shape), dtype=np.int32)


def _background(lab: Floats, edges: Floats, patches: Ints) -> tuple[Mask, bool]:
    """Which patches are background, bool (patches,), and whether the picture has a distinct background.

    Background is what the picture's border mostly consists of: areas without inner edges that take up a good part of
    the border, and everything elsewhere in their colours (stripes, patterns, gaps).
    """
    count = int(patches.max()) + 1
    sizes = np.bincount(patches.ravel(), minlength=count)
    means = np.stack([np.bincount(patches.ravel(), lab[..., c].ravel(), count) / sizes for c in range(3)], axis=1)
    border = np.concatenate([patches[0], patches[-1], patches[:, 0], patches[:, -1]])
    share = np.bincount(border, minlength=count) / border.size
    # Greedy clustering of the border's colours: each group is all border patches near the most frequent remaining one.
    background = np.zeros(count, np.bool_)
    left = share.copy()
    covered = 0.0
    while left.max() > 0:
        seed = int(np.argmax(left))
        near = np.linalg.norm(means - means[seed], axis=1) < 9
        weight = float(left[near].sum())
        if weight < 0.08:
            left[seed] = 0
            continue
        covered += weight
        left[near] = 0
        background |= near & (share > 0)
    colours = means[background]
    if len(colours):
        for start in range(0, count, 4096):
            block = means[start : start + 4096]
            nearest = np.linalg.norm(block[:, None] - colours[None], axis=2).min(axis=1)
            background[start : start + 4096] |= nearest < 7
    background &= ~_enclosed(background, patches)
    spread = sizes[background].sum() / sizes.sum()
    found = covered > 0.75 and 0.15 < spread < 0.995
    return background, bool(found and _stands_apart(background[patches], edges))


def _enclosed(background: Mask, patches: Ints) -> Mask:
    """Patches in the background's colours that belong to an object: small, and objects all around (eyes, windows)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(background[patches].astype(np.uint8), connectivity=4)
    inner = stats[:, cv2.CC_STAT_AREA] < 0.03 * patches.size
    inner[np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))] = False
    inner[0] = False
    enclosed = np.zeros(len(background), np.bool_)
    enclosed[patches[inner[labels]]] = True
    return enclosed


def _stands_apart(background: Mask, edges: Floats) -> bool:
    """Whether objects end in edges: in a close-up, where the "background" is fur, they would not."""
    rim = cv2.morphologyEx(background.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return bool(rim.any() and np.median(edges[rim]) > 14)


def _pairs(patches: Ints, edges: Floats) -> tuple[Ints, Ints, NDArray[np.float64], NDArray[np.float64]]:
    """Neighbouring patches (a < b), the length of their common border, and the edge strength summed along it."""
    ones, others, strengths = [], [], []
    for one, other, se, oe in (
        (patches[:, :-1], patches[:, 1:], edges[:, :-1], edges[:, 1:]),
        (patches[:-1], patches[1:], edges[:-1], edges[1:]),
    ):
        differ = one != other
        ones.append(np.minimum(one, other)[differ])
        others.append(np.maximum(one, other)[differ])
        strengths.append(np.maximum(se, oe)[differ])
    count = int(patches.max()) + 1
    keys, inverse = np.unique(
        np.concatenate(ones).astype(np.int64) * count + np.concatenate(others), return_inverse=True
    )
    length = np.bincount(inverse, minlength=len(keys)).astype(np.float64)
    strength = np.bincount(inverse, np.concatenate(strengths), len(keys)).astype(np.float64)
    return (keys // count).astype(np.int32), (keys % count).astype(np.int32), length, strength


def _merge(
    image: NDArray[np.uint8], edges: Floats, lab: Floats, patches: Ints, background: Mask, has_background: bool
) -> MergeTree:
    """Merge neighbouring patches, the most alike first, until one is left."""
    leaves = int(patches.max()) + 1
    total = patches.size
    nodes = 2 * leaves - 1
    flat = patches.ravel()
    size = np.zeros(nodes)
    size[:leaves] = np.bincount(flat, minlength=leaves)
    colour = np.zeros((nodes, 3))
    for c in range(3):
        colour[:leaves, c] = np.bincount(flat, lab[..., c].ravel(), leaves) / size[:leaves]
    colours = [tuple(row) for row in colour[:leaves]]
    kind = [(BACKGROUND if flag else OBJECT) if has_background else OBJECT for flag in background]
    neighbours: list[dict[int, tuple[float, float]]] = [{} for _ in range(leaves)]
    for a, b, length, strength in zip(*(array.tolist() for array in _pairs(patches, edges)), strict=True):
        neighbours[a][b] = neighbours[b][a] = (length, strength)
    perimeter = [sum(length for length, _ in around.values()) for around in neighbours]
    frame = np.concatenate([patches[0], patches[-1], patches[:, 0], patches[:, -1]])
    on_frame = np.bincount(frame, minlength=leaves).tolist()
    sizes = size[:leaves].tolist()
    parent = np.full(nodes, -1, np.int32)
    children = np.full((nodes, 2), -1, np.int32)
    boundary = np.zeros(nodes, np.float32)
    alive = [True] * leaves

    def cost(a: int, b: int) -> float:
        length, strength = neighbours[a][b]
        edge = strength / length
        ca, cb = colours[a], colours[b]
        difference = math.sqrt((ca[0] - cb[0]) ** 2 + (ca[1] - cb[1]) ** 2 + (ca[2] - cb[2]) ** 2)
        smaller = min(sizes[a], sizes[b])
        # How much of the smaller one's outline is shared: an eye lies wholly in its face, a face in no eye.
        inner = a if sizes[a] < sizes[b] else b
        enclosed = length / (perimeter[inner] + on_frame[inner])
        value = (0.6 * edge + 0.4 * difference) * (1 - 0.6 * enclosed) * (smaller / total) ** 0.25
        return value + (_FOREIGN if kind[a] != kind[b] else 0.0)

    heap = [(cost(a, b), a, b) for a in range(leaves) for b in neighbours[a] if a < b]
    heapq.heapify(heap)
    for node in range(leaves):
        boundary[node] = _mean_boundary(neighbours[node])
    new = leaves
    while heap:
        _, a, b = heapq.heappop(heap)
        if not (alive[a] and alive[b]):
            continue
        length, _ = neighbours[a][b]
        alive[a] = alive[b] = False
        parent[a] = parent[b] = new
        children[new] = a, b
        around: dict[int, tuple[float, float]] = {}
        for old in (a, b):
            for other, (l0, s0) in neighbours[old].items():
                if other in (a, b):
                    continue
                l1, s1 = around.get(other, (0.0, 0.0))
                around[other] = (l0 + l1, s0 + s1)
        for other, shared in around.items():
            beside = neighbours[other]
            beside.pop(a, None)
            beside.pop(b, None)
            beside[new] = shared
        neighbours.append(around)
        neighbours[a] = neighbours[b] = {}
        whole = sizes[a] + sizes[b]
        sizes.append(whole)
        wa, wb = sizes[a] / whole, sizes[b] / whole
        colours.append(tuple(wa * va + wb * vb for va, vb in zip(colours[a], colours[b], strict=True)))
        kind.append(kind[a] if kind[a] == kind[b] else MIXED)
        perimeter.append(perimeter[a] + perimeter[b] - 2 * length)
        on_frame.append(on_frame[a] + on_frame[b])
        alive.append(True)
        boundary[new] = _mean_boundary(around)
        for other in around:
            heapq.heappush(heap, (cost(other, new), other, new))
        new += 1
    # A picture is connected, so one node remains; order the leaves so that every node is an interval.
    first = np.zeros(nodes, np.int32)
    last = np.zeros(nodes, np.int32)
    first[-1], last[-1] = 0, leaves
    count = np.ones(nodes, np.int32)
    for node in range(leaves, nodes):
        count[node] = count[children[node, 0]] + count[children[node, 1]]
    for node in range(nodes - 1, leaves - 1, -1):
        one, other = children[node]
        first[one], last[one] = first[node], first[node] + count[one]
        first[other], last[other] = last[one], last[node]
    return MergeTree(
        rank=first[:leaves][patches],
        first=first,
        last=last,
        parent=parent,
        children=children,
        size=np.array(sizes, dtype=np.int32),
        boundary=boundary,
        kind=np.array(kind, dtype=np.int32),
        leaf_at=np.argsort(first[:leaves]).astype(np.int32),
        edges=edges,
        has_background=has_background,
        # Grain is not texture: very grainy pictures do not count as photographs, and use the smoothed patches.
        is_photo=bool(_grain(image) < 2.5 and np.mean(edges < 2 + 1.5 * _grain(image)) < 0.58),
        image=image.copy(),  # the caller may change its array later
        backdrop=background[patches] if has_background else np.zeros(patches.shape, np.bool_),
    )


def _mean_boundary(around: dict[int, tuple[float, float]]) -> float:
    length = sum(part for part, _ in around.values())
    return sum(s for _, s in around.values()) / length if length else 0.0
