"""The segmenter that needs no weights: a hierarchy of patches, built once per picture, from which clicks pick.

Opening a picture cuts it into patches along its edges (watershed), guesses from its border what is background, and
merges patches step by step into a tree, parts before wholes. A click picks nodes above the patch it hits, a box
those that fit into it. Knows colours and edges only, no objects: on drawings it finds what a person would mean,
on photographs something sane.
"""

import heapq
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from osprey_core.masks import Mask, area, box_xyxy, fill_holes, intersection_over_union, largest_component
from osprey_core.segment.protocol import (
    BoxXYXY,
    OpenedPicture,
    PointXY,
    Prompt,
    ScoredMask,
    check_picture,
    check_prompt,
    hold_to_points,
)

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_WORK_PIXELS = 512 * 384  # pictures are analysed at this size at most
_SAME = 0.85  # two masks overlapping more than this are the same answer
_CANDIDATES = 3
_CUT_PIXELS = 20_000  # GrabCut is slow: it works on a window of at most this size
_RANDOM = threading.Lock()
# A pile is taken apart where both sides are at least this share of it and gain this much in solidity. Lower values take
# apart more piles, and more mushrooms and cherries.
_PILE_SHARE, _PILE_GAIN = 0.3, 0.05
_OBJECT, _BACKGROUND, _MIXED = 0, 1, 2
_FOREIGN = 1e4  # cost of merging background with object: only when nothing else is left


@dataclass(frozen=True, eq=False)
class _Tree:
    """The hierarchy of patches. Nodes 0..leaves-1 are patches, each later node is the union of two earlier ones.

    rank: (h, w), the place of each pixel's patch in an order in which every node covers an unbroken interval
    [first, last) of places. parent: -1 at the root. boundary: mean edge strength along a node's outline (picture
    border not counted). kind: _OBJECT, _BACKGROUND or _MIXED (all _OBJECT if the picture has
    no background to speak of).
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


class ClassicSegmenter:
    """The segmenter without weights; has no state, so any number of threads may use it."""

    name = "classic"

    def open(self, image: NDArray[np.uint8]) -> OpenedPicture:
        """Build the hierarchy of a picture uint8 (H, W, 3): about half a second, whatever its size."""
        check_picture(image)
        height, width = image.shape[:2]
        scale = min(1.0, math.sqrt(_WORK_PIXELS / (height * width)))
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        else:
            small = image
        return _ClassicPicture(_analyse(small), (height, width))


class _ClassicPicture:
    """An opened picture: the tree is never changed, so threads may share it."""

    def __init__(self, tree: _Tree, size_hw: tuple[int, int]) -> None:
        self._tree = tree
        self._size_hw = size_hw

    def segment(
        self,
        points_xy: Sequence[PointXY] = (),
        labels: Sequence[int] = (),
        box_xyxy: BoxXYXY | None = None,
    ) -> list[ScoredMask]:
        """See OpenedPicture.segment. Every result holds all positive and no negative points."""
        prompt = check_prompt(points_xy, labels, box_xyxy, self._size_hw)
        positive = [self._to_work(point) for point in prompt.positive_xy]
        negative = [point for point in map(self._to_work, prompt.negative_xy) if point not in positive]
        box = self._box_to_work(prompt.box_xyxy) if prompt.box_xyxy else None
        drafts = _for_box(self._tree, box, positive) if box else _for_points(self._tree, positive)
        results: list[ScoredMask] = []
        for draft in drafts:
            mask = _tidy(self._tree, _cut(self._tree, draft.mask, positive, negative), positive, negative)
            if box is not None:
                mask = _clip(mask, box)
            if not mask.any() or any(intersection_over_union(mask, seen.mask) > _SAME for seen in results):
                continue
            results.append(ScoredMask(mask, draft.score))
            if len(results) == _CANDIDATES:
                break
        if not results:  # everything was cut away: what is left are the marks themselves
            mask = np.zeros(self._tree.rank.shape, np.bool_)
            for x, y in positive:
                mask[y, x] = True
            if box is not None and not positive:
                mask[box[1] : box[3], box[0] : box[2]] = True
            results = [ScoredMask(mask, 0.0)]
        return [ScoredMask(self._finish(result.mask, prompt), result.score) for result in results]

    def everything(self) -> list[ScoredMask]:
        """See OpenedPicture.everything."""
        found = _everything(self._tree)
        nothing = Prompt((), (), None)
        return [ScoredMask(self._finish(item.mask, nothing), item.score) for item in found]

    def _to_work(self, point_xy: PointXY) -> tuple[int, int]:
        height, width = self._tree.rank.shape
        return (
            min(width - 1, int(point_xy[0] * width / self._size_hw[1])),
            min(height - 1, int(point_xy[1] * height / self._size_hw[0])),
        )

    def _box_to_work(self, box_xyxy: BoxXYXY) -> tuple[int, int, int, int]:
        height, width = self._tree.rank.shape
        sx, sy = width / self._size_hw[1], height / self._size_hw[0]
        x0, y0 = min(width - 1, math.floor(box_xyxy[0] * sx)), min(height - 1, math.floor(box_xyxy[1] * sy))
        return x0, y0, max(x0 + 1, math.ceil(box_xyxy[2] * sx)), max(y0 + 1, math.ceil(box_xyxy[3] * sy))

    def _finish(self, mask: Mask, prompt: Prompt) -> Mask:
        """The mask at the picture's full size, with smooth edges and the points on their sides."""
        full = mask.copy() if mask.shape == self._size_hw else _enlarge(mask, self._size_hw)
        if prompt.box_xyxy:
            x0, y0, x1, y1 = (round(side) for side in prompt.box_xyxy)
            inside = np.zeros_like(full)
            inside[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = True
            if (full & inside).any():
                full &= inside
        return hold_to_points(full, prompt)


# --- from prompts to masks (at working size) -----------------------------------------------------------------------


def _for_points(tree: _Tree, positive_xy: list[tuple[int, int]]) -> list[ScoredMask]:
    """Masks for points that all belong to one thing, best first."""
    ranked = [_above(tree, _leaf_meant(tree, x, y)) for x, y in positive_xy]
    if len(ranked) == 1:
        return [ScoredMask(tree.mask(node), score) for node, score in ranked[0]]
    drafts: list[ScoredMask] = []
    for place in range(max(len(nodes) for nodes in ranked)):
        chosen = [nodes[min(place, len(nodes) - 1)] for nodes in ranked]
        mask = np.logical_or.reduce([tree.mask(node) for node, _ in chosen])
        drafts.append(ScoredMask(mask, float(np.mean([score for _, score in chosen]))))
    return drafts


def _leaf_meant(tree: _Tree, x: int, y: int) -> int:
    """The patch at a point; on the very edge of an object, the object's patch rather than the background's."""
    leaf = tree.leaf(x, y)
    if tree.kind[leaf] == _OBJECT or tree.edges[y, x] < 8:
        return leaf
    ranks = np.unique(tree.rank[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2])
    beside = [int(other) for other in tree.leaf_at[ranks] if tree.kind[other] == _OBJECT]
    return max(beside, key=lambda other: int(tree.size[other]), default=leaf)


def _above(tree: _Tree, leaf: int) -> list[tuple[int, float]]:
    """Nodes above a patch with their scores, best first."""
    chain = tree.chain(leaf)
    same = [node for node in chain if tree.kind[node] == tree.kind[leaf]]
    scored = [(node, _likelihood(tree, node)) for node in same]
    if tree.has_background and tree.kind[leaf] == _OBJECT:
        # All that stands before the background in one piece is what a person means first.
        whole = _one_of_pile(tree, same)
        scored = [(node, max(score, 0.9) if node == whole else 0.8 * score) for node, score in scored]
    return sorted(scored, key=lambda item: -item[1])


def _one_of_pile(tree: _Tree, chain: list[int]) -> int:
    """The largest node of a chain (smallest first) that is one thing rather than several that overlap or touch.

    Two things side by side leave a dent between them, so that each is much more solid than both together.
    """
    place = len(chain) - 1
    while place > 0:
        whole, part = chain[place], chain[place - 1]
        other = int(tree.children[whole].sum()) - part
        sizes = np.array([tree.size[part], tree.size[other]], dtype=np.float64)
        if sizes.min() < 0.02 * sizes.sum():  # a speck says nothing: look below
            place -= 1
            continue
        solid = np.array([_solidity(tree.mask(part)), _solidity(tree.mask(other))])
        gain = float(solid @ sizes / sizes.sum()) - _solidity(tree.mask(whole))
        if sizes.min() < _PILE_SHARE * sizes.sum() or gain < _PILE_GAIN:
            break
        place -= 1
        chain = chain[: place + 1]
    return chain[-1]


def _solidity(mask: Mask) -> float:
    """Area of the filled mask relative to its convex hull, 0..1; its largest piece counts."""
    x0, y0, x1, y1 = box_xyxy(mask)
    inside = np.pad(largest_component(fill_holes(mask[y0:y1, x0:x1])), 1).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(contours[0])
    # The hull runs through pixel centres: half a pixel is missing all around.
    return float(min(1.0, np.count_nonzero(inside) / (cv2.contourArea(hull) + 0.5 * cv2.arcLength(hull, True) + 1)))


def _likelihood(tree: _Tree, node: int) -> float:
    """How much a node looks like a thing, 0..1: strong edges around it, compact, of middling size."""
    mask = tree.mask(node)
    share = tree.size[node] / mask.size
    if share > 0.98:
        return 0.01
    x0, y0, x1, y1 = box_xyxy(mask)
    window = slice(max(0, y0 - 2), y1 + 2), slice(max(0, x0 - 2), x1 + 2)
    inside = fill_holes(mask[window])
    framed = np.pad(inside, 1).astype(np.uint8)
    rim = inside & ~(cv2.erode(framed, np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0)
    open_rim = rim.copy()
    height, width = mask.shape
    if window[0].start == 0:
        open_rim[0] = False
    if window[1].start == 0:
        open_rim[:, 0] = False
    if window[0].stop >= height:
        open_rim[-1] = False
    if window[1].stop >= width:
        open_rim[:, -1] = False
    length = max(1, int(np.count_nonzero(rim)))
    on_frame = 1 - np.count_nonzero(open_rim) / length
    strengths = tree.edges[window][open_rim]
    if not strengths.size:
        return 0.01
    weakest = float(np.percentile(strengths, 25))
    contrast = 0.5 * weakest / (weakest + 10) + 0.5 * float(strengths.mean()) / (float(strengths.mean()) + 15)
    full = float(np.count_nonzero(inside))
    solid = _solidity(inside)
    smooth = min(1.0, 4 * math.sqrt(full) / length)
    size = math.exp(-((math.log(max(share, 1e-6)) - math.log(0.08)) ** 2) / (2 * 2.0**2))
    return float(contrast * (0.5 + 0.5 * solid) * (0.6 + 0.4 * smooth) * (1 - 0.6 * on_frame) * size)


def _cut(tree: _Tree, mask: Mask, positive_xy: list[tuple[int, int]], negative_xy: list[tuple[int, int]]) -> Mask:
    """Take out of the mask what the negative points hit: the largest node around each that holds no positive point."""
    keep = [tree.leaf(x, y) for x, y in positive_xy]
    for x, y in negative_xy:
        if not mask[y, x]:
            continue
        leaf = tree.leaf(x, y)
        if leaf in keep:
            mask = _split(tree, mask, positive_xy, negative_xy)
            continue
        cut = leaf
        for node in tree.chain(leaf):
            inside = np.count_nonzero(mask & tree.mask(node))
            if any(tree.contains(node, other) for other in keep) or inside > 0.7 * np.count_nonzero(mask):
                break
            cut = node
        mask = mask & ~fill_holes(tree.mask(cut))
    return mask


def _split(tree: _Tree, mask: Mask, positive_xy: list[tuple[int, int]], negative_xy: list[tuple[int, int]]) -> Mask:
    """The part of the mask nearer to the positive points: both sides flood it, edges last."""
    markers = np.zeros(mask.shape, np.int32)
    for number, points in ((1, positive_xy), (2, negative_xy)):
        for x, y in points:
            markers[y, x] = number
    return np.asarray(mask & (watershed(tree.edges, markers, mask=mask) == 1))


def _tidy(tree: _Tree, mask: Mask, positive_xy: list[tuple[int, int]], negative_xy: list[tuple[int, int]]) -> Mask:
    """Without specks and small holes; of several parts those that were clicked, or else the large ones."""
    if not mask.any():
        return mask
    x0, y0, x1, y1 = box_xyxy(mask)
    within = slice(max(0, y0 - 1), y1 + 1), slice(max(0, x0 - 1), x1 + 1)
    marks = [
        [(x - within[1].start, y - within[0].start) for x, y in points if x0 - 1 <= x <= x1 and y0 - 1 <= y <= y1]
        for points in (positive_xy, negative_xy)
    ]
    tidy = np.zeros_like(mask)
    tidy[within] = _tidy_window(mask[within], tree.backdrop[within], *marks)
    return tidy


def _tidy_window(
    mask: Mask, backdrop: Mask, positive_xy: list[tuple[int, int]], negative_xy: list[tuple[int, int]]
) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sizes = stats[:, cv2.CC_STAT_AREA].copy()
    sizes[0] = 0
    if count <= 1:
        return mask
    keep = sizes >= 0.25 * sizes.max()
    if positive_xy:
        keep[:] = False
        for x, y in positive_xy:  # with its neighbours: a click on the very rim counts
            keep[labels[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]] = True
    keep[0] = False
    if not keep.any():
        keep[np.argmax(sizes)] = True
    whole = keep[labels]
    # A thing is meant with its eyes and windows; a meadow is meant without the things that stand on it.
    is_backdrop = area(whole & backdrop) > 0.5 * area(whole)
    filled = fill_holes(whole, max_area=(0.001 if is_backdrop else 0.2) * area(whole))
    if negative_xy:  # a hole that was asked for stays
        holes, parts = cv2.connectedComponents((filled & ~whole).astype(np.uint8), connectivity=4)
        wanted = np.zeros(holes, np.bool_)
        for x, y in negative_xy:
            wanted[parts[y, x]] = True
        wanted[0] = False
        filled &= ~wanted[parts]
    return filled


def _clip(mask: Mask, box: tuple[int, int, int, int]) -> Mask:
    clipped = np.zeros_like(mask)
    window = slice(box[1], box[3]), slice(box[0], box[2])
    clipped[window] = mask[window]
    return clipped


def _for_box(tree: _Tree, box: tuple[int, int, int, int], positive_xy: list[tuple[int, int]]) -> list[ScoredMask]:
    """Masks for what a box was drawn around, best first. What reaches out of the box is taken for surroundings."""
    x0, y0, x1, y1 = box
    leaves = len(tree.leaf_at)
    inside = np.bincount(tree.rank[y0:y1, x0:x1].ravel(), minlength=leaves)
    upto = np.concatenate([[0], np.cumsum(inside)])
    within = upto[tree.last] - upto[tree.first]
    share = within / tree.size
    fits = share >= 0.93
    if tree.has_background and not tree.is_photo:
        fits &= tree.kind == _OBJECT
    tops = [n for n in np.flatnonzero(fits) if tree.parent[n] < 0 or not fits[tree.parent[n]]]
    drafts: list[ScoredMask] = []
    box_area = (x1 - x0) * (y1 - y0)

    def draft(mask: Mask) -> None:
        mask = _clip(mask, box)
        if mask.any():
            bx0, by0, bx1, by1 = box_xyxy(mask)
            spans = (bx1 - bx0) * (by1 - by0) / box_area
            drafts.append(ScoredMask(mask, float(0.15 + 0.8 * spans)))

    if tops:
        union = np.logical_or.reduce([tree.mask(n) for n in tops])
        if tree.is_photo:
            draft(_largest(_separate(tree, box, union)))
        draft(_largest(union))
        draft(union)
        for n in sorted(tops, key=lambda n: -tree.size[n])[:2]:
            draft(tree.mask(n))
    if not drafts or max(item.score for item in drafts) < 0.4:
        # The box cuts through everything: take what fills it best.
        overlap = within / (tree.size + box_area - within)
        best = int(np.argmax(np.where(tree.kind == _BACKGROUND, 0.7, 1.0) * overlap))
        draft(tree.mask(best))
    for x, y in positive_xy:
        for item in drafts:
            item.mask[_clip(tree.mask(tree.leaf(x, y)), box)] = True
    return sorted(drafts, key=lambda item: -item.score)


def _separate(tree: _Tree, box: tuple[int, int, int, int], guess: Mask) -> Mask:
    """GrabCut (Rother et al., 2004) inside a box, starting from a guess: for photographs, whose patches are ragged."""
    x0, y0, x1, y1 = box
    height, width = guess.shape
    mx, my = (x1 - x0) // 6 + 4, (y1 - y0) // 6 + 4
    window = slice(max(0, y0 - my), min(height, y1 + my)), slice(max(0, x0 - mx), min(width, x1 + mx))
    scale = min(1.0, math.sqrt(_CUT_PIXELS / guess[window].size))
    size = max(1, round(guess[window].shape[1] * scale)), max(1, round(guess[window].shape[0] * scale))
    inside = np.zeros_like(guess)
    inside[y0:y1, x0:x1] = True
    colours = np.ascontiguousarray(cv2.resize(tree.image[window], size, interpolation=cv2.INTER_AREA))
    models = np.zeros((1, 65)), np.zeros((1, 65))
    small_guess, small_inside = (
        cv2.resize(part[window].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for part in (guess, inside)
    )
    sides = np.where(small_guess, cv2.GC_PR_FGD, np.where(small_inside, cv2.GC_PR_BGD, cv2.GC_BGD)).astype(np.uint8)
    if not small_guess.any() or small_guess.all() or small_inside.all():
        return guess
    with _RANDOM:  # OpenCV's random numbers are shared by all threads; the same seed gives the same mask
        cv2.setRNGSeed(1)
        cv2.grabCut(colours, sides, (0, 0, 1, 1), *models, 3, cv2.GC_INIT_WITH_MASK)
    found = cv2.medianBlur(np.isin(sides, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8), 3)
    result = np.zeros_like(guess)
    result[window] = cv2.resize(found, guess[window].shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
    return result


def _largest(mask: Mask) -> Mask:
    return largest_component(fill_holes(mask, max_area=0.2 * area(mask)))


def _everything(tree: _Tree) -> list[ScoredMask]:
    """What stands out anywhere in the tree, without repetitions, largest first."""
    smallest = max(16, 0.0015 * tree.rank.size)
    nodes = [n for n in range(len(tree.size)) if smallest <= tree.size[n] < 0.95 * tree.rank.size]
    nodes = [
        n
        for n in nodes
        if tree.kind[n] == _OBJECT or (tree.kind[n] == _BACKGROUND and tree.size[n] > tree.rank.size / 12)
    ]
    scored: list[ScoredMask] = []
    # An inexpensive first guess keeps the number of nodes that are looked at closely within bounds.
    nodes.sort(key=lambda n: -float(tree.boundary[n]) * float(tree.size[n]) ** 0.25)
    for n in nodes[:150]:
        likelihood = _likelihood(tree, n)
        top = tree.parent[n] < 0 or tree.kind[tree.parent[n]] != tree.kind[n]
        if tree.has_background and top:
            likelihood = max(likelihood, 0.9 if tree.kind[n] == _OBJECT else 0.5)
        if likelihood >= 0.22:
            scored.append(ScoredMask(_tidy(tree, tree.mask(n), [], []), likelihood))
    scored.sort(key=lambda item: -item.score)
    kept: list[ScoredMask] = []
    for item in scored:
        if all(intersection_over_union(item.mask, other.mask) < 0.7 for other in kept):
            kept.append(item)
        if len(kept) == 48:
            break
    return sorted(kept, key=lambda item: -area(item.mask))


def _enlarge(mask: Mask, size_hw: tuple[int, int]) -> Mask:
    """The mask at full size; its stairs are smoothed, but what is thin stays."""
    soft = mask.astype(np.float32)
    soft = np.maximum(cv2.GaussianBlur(soft, (0, 0), 0.9), 0.45 * soft)
    return (
        np.asarray(cv2.resize(soft, size_hw[::-1], interpolation=cv2.INTER_CUBIC) > 0.5)
        if min(mask.shape) > 1
        else (np.asarray(cv2.resize(mask.astype(np.uint8), size_hw[::-1], interpolation=cv2.INTER_NEAREST) > 0))
    )


# --- the analysis of a picture -------------------------------------------------------------------------------------


def _analyse(image: NDArray[np.uint8]) -> _Tree:
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
    """(h, w): patch number of every pixel, from 0. Markers are the calm areas, looked for at rising levels."""
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
    """Which patches are background, bool (patches,), and whether the picture has a background to speak of.

    Background is what the picture's border mostly consists of: areas without inner edges that take up a good part of
    the border, and everything elsewhere in their colours (stripes, patterns, gaps).
    """
    count = int(patches.max()) + 1
    sizes = np.bincount(patches.ravel(), minlength=count)
    means = np.stack([np.bincount(patches.ravel(), lab[..., c].ravel(), count) / sizes for c in range(3)], axis=1)
    border = np.concatenate([patches[0], patches[-1], patches[:, 0], patches[:, -1]])
    share = np.bincount(border, minlength=count) / border.size
    # Colours of the border, gathered greedily: each group is all border patches near the most frequent one left.
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
) -> _Tree:
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
    kind = [(_BACKGROUND if flag else _OBJECT) if has_background else _OBJECT for flag in background]
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
        kind.append(kind[a] if kind[a] == kind[b] else _MIXED)
        perimeter.append(perimeter[a] + perimeter[b] - 2 * length)
        on_frame.append(on_frame[a] + on_frame[b])
        alive.append(True)
        boundary[new] = _mean_boundary(around)
        for other in around:
            heapq.heappush(heap, (cost(other, new), other, new))
        new += 1
    # A picture is connected, so all patches are one in the end; lay the leaves out so that nodes are intervals.
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
    return _Tree(
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
        # Grain is no texture: very grainy pictures are left to the patches, which are made from smoothed colours.
        is_photo=bool(_grain(image) < 2.5 and np.mean(edges < 2 + 1.5 * _grain(image)) < 0.58),
        image=image.copy(),  # the caller may go on drawing on the picture
        backdrop=background[patches] if has_background else np.zeros(patches.shape, np.bool_),
    )


def _mean_boundary(around: dict[int, tuple[float, float]]) -> float:
    length = sum(part for part, _ in around.values())
    return sum(s for _, s in around.values()) / length if length else 0.0
