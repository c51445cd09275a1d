"""The segmenter without weights: selects nodes of a hierarchy of patches that is built once per picture.

Opening a picture builds its merge tree. A click selects nodes above the patch it hits, a box the nodes that fit into
it. It uses colours and edges only and recognizes no objects: on drawings its masks match what a person means, on
photographs they are plausible.
"""

import math
import threading

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from osprey_core.regions.masks import Mask, area, box_xyxy, intersection_over_union
from osprey_core.regions.morphology import fill_holes, largest_component
from osprey_core.segment.merge_tree import BACKGROUND, OBJECT, MergeTree, analyse
from osprey_core.segment.protocol import (
    BoxXYXY,
    CheckedPrompt,
    OpenedPicture,
    PointXY,
    PromptedPicture,
    ScoredMask,
    check_picture,
    first_distinct,
)

_WORK_PIXELS = 512 * 384  # pictures are analysed at this size at most
_SAME = 0.85  # two masks overlapping more than this are the same answer
_CANDIDATES = 3
_CUT_PIXELS = 20_000  # GrabCut is slow: it works on a window of at most this size
_RANDOM = threading.Lock()
# A pile of things is split if both sides are at least this share of it and gain this much in solidity. Lower values
# split more piles, but also more single things such as mushrooms and cherries.
_PILE_SHARE, _PILE_GAIN = 0.3, 0.05


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
        return _ClassicPicture(analyse(small), (height, width))

    def open_part(self, part: NDArray[np.uint8], whole: OpenedPicture) -> OpenedPicture:
        """See `Segmenter.open_part`: as a picture of its own."""
        return self.open(part)


class _ClassicPicture(PromptedPicture):
    """An opened picture: the tree is never changed, so threads may share it."""

    def __init__(self, tree: MergeTree, size_hw: tuple[int, int]) -> None:
        super().__init__(size_hw)
        self._tree = tree

    def everything(self) -> list[ScoredMask]:
        """See OpenedPicture.everything."""
        return [ScoredMask(self._to_full(item.mask, None), item.score) for item in _everything(self._tree)]

    def _find(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        positive = [self._to_work(point) for point in prompt.positive_xy]
        negative = [point for point in map(self._to_work, prompt.negative_xy) if point not in positive]
        box = self._box_to_work(prompt.box_xyxy) if prompt.box_xyxy else None
        drafts = _for_box(self._tree, box, positive) if box else _for_points(self._tree, positive)

        def finished(draft: ScoredMask) -> ScoredMask:
            mask = _tidy(self._tree, _cut(self._tree, draft.mask, positive, negative), positive, negative)
            return ScoredMask(mask if box is None else _clip(mask, box), draft.score)

        results = first_distinct(map(finished, drafts), _SAME, _CANDIDATES)
        if not results:  # everything was cut away: return the marks themselves
            mask = np.zeros(self._tree.rank.shape, np.bool_)
            for x, y in positive:
                mask[y, x] = True
            if box is not None and not positive:
                mask[box[1] : box[3], box[0] : box[2]] = True
            results = [ScoredMask(mask, 0.0)]
        return [ScoredMask(self._to_full(item.mask, prompt.box_xyxy), item.score) for item in results]

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

    def _to_full(self, mask: Mask, box_xyxy: BoxXYXY | None) -> Mask:
        """The mask at the picture's full size, with smooth edges, within the box if any of it lies there."""
        full = mask.copy() if mask.shape == self._size_hw else _enlarge(mask, self._size_hw)
        if box_xyxy:
            x0, y0, x1, y1 = (round(side) for side in box_xyxy)
            inside = np.zeros_like(full)
            inside[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = True
            if (full & inside).any():
                full &= inside
        return full


# --- from prompts to masks (at working size) -----------------------------------------------------------------------


def _for_points(tree: MergeTree, positive_xy: list[tuple[int, int]]) -> list[ScoredMask]:
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


def _leaf_meant(tree: MergeTree, x: int, y: int) -> int:
    """The patch at a point; on the edge of an object, the object's patch rather than the background's."""
    leaf = tree.leaf(x, y)
    if tree.kind[leaf] == OBJECT or tree.edges[y, x] < 8:
        return leaf
    ranks = np.unique(tree.rank[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2])
    beside = [int(other) for other in tree.leaf_at[ranks] if tree.kind[other] == OBJECT]
    return max(beside, key=lambda other: int(tree.size[other]), default=leaf)


def _above(tree: MergeTree, leaf: int) -> list[tuple[int, float]]:
    """Nodes above a patch with their scores, best first."""
    chain = tree.chain(leaf)
    same = [node for node in chain if tree.kind[node] == tree.kind[leaf]]
    scored = [(node, _likelihood(tree, node)) for node in same]
    if tree.has_background and tree.kind[leaf] == OBJECT:
        # A person most likely means the whole connected object in front of the background.
        whole = _one_of_pile(tree, same)
        scored = [(node, max(score, 0.9) if node == whole else 0.8 * score) for node, score in scored]
    return sorted(scored, key=lambda item: -item[1])


def _one_of_pile(tree: MergeTree, chain: list[int]) -> int:
    """The largest node of a chain (smallest first) that is one thing rather than several that overlap or touch.

    Two things side by side have a dent between them, so that each is much more solid than their union.
    """
    place = len(chain) - 1
    while place > 0:
        whole, part = chain[place], chain[place - 1]
        other = int(tree.children[whole].sum()) - part
        sizes = np.array([tree.size[part], tree.size[other]], dtype=np.float64)
        if sizes.min() < 0.02 * sizes.sum():  # ignore specks, go on with the smaller node
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


def _likelihood(tree: MergeTree, node: int) -> float:
    """Score of how much a node looks like a thing, 0..1: strong edges around it, compact, of medium size."""
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


def _cut(tree: MergeTree, mask: Mask, positive_xy: list[tuple[int, int]], negative_xy: list[tuple[int, int]]) -> Mask:
    """Remove from the mask, for each negative point, the largest node around it that holds no positive point."""
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


def _split(tree: MergeTree, mask: Mask, positive_xy: list[tuple[int, int]], negative_xy: list[tuple[int, int]]) -> Mask:
    """The part of the mask nearer to the positive points: a watershed from both kinds of points."""
    markers = np.zeros(mask.shape, np.int32)
    for number, points in ((1, positive_xy), (2, negative_xy)):
        for x, y in points:
            markers[y, x] = number
    return np.asarray(mask & (watershed(tree.edges, markers, mask=mask) == 1))


def _tidy(tree: MergeTree, mask: Mask, positive_xy: list[tuple[int, int]], negative_xy: list[tuple[int, int]]) -> Mask:
    """The mask without specks and small holes; of several parts only the clicked ones, or else the large ones."""
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
        for x, y in positive_xy:  # with its neighbours, so that a click on the rim counts
            keep[labels[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]] = True
    keep[0] = False
    if not keep.any():
        keep[np.argmax(sizes)] = True
    whole = keep[labels]
    # Fill the holes of an object (eyes, windows), but not those of a backdrop (things that stand on a meadow).
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


def _for_box(tree: MergeTree, box: tuple[int, int, int, int], positive_xy: list[tuple[int, int]]) -> list[ScoredMask]:
    """Masks for the thing in a box, best first. Nodes that reach out of the box count as surroundings."""
    x0, y0, x1, y1 = box
    leaves = len(tree.leaf_at)
    inside = np.bincount(tree.rank[y0:y1, x0:x1].ravel(), minlength=leaves)
    upto = np.concatenate([[0], np.cumsum(inside)])
    within = upto[tree.last] - upto[tree.first]
    share = within / tree.size
    fits = share >= 0.93
    if tree.has_background and not tree.is_photo:
        fits &= tree.kind == OBJECT
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
        # The box cuts through all nodes: take the one that overlaps it best.
        overlap = within / (tree.size + box_area - within)
        best = int(np.argmax(np.where(tree.kind == BACKGROUND, 0.7, 1.0) * overlap))
        draft(tree.mask(best))
    for x, y in positive_xy:
        for item in drafts:
            item.mask[_clip(tree.mask(tree.leaf(x, y)), box)] = True
    return sorted(drafts, key=lambda item: -item.score)


def _separate(tree: MergeTree, box: tuple[int, int, int, int], guess: Mask) -> Mask:
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


def _everything(tree: MergeTree) -> list[ScoredMask]:
    """The likely things anywhere in the tree, without near duplicates, largest first."""
    smallest = max(16, 0.0015 * tree.rank.size)
    nodes = [n for n in range(len(tree.size)) if smallest <= tree.size[n] < 0.95 * tree.rank.size]
    nodes = [
        n
        for n in nodes
        if tree.kind[n] == OBJECT or (tree.kind[n] == BACKGROUND and tree.size[n] > tree.rank.size / 12)
    ]
    scored: list[ScoredMask] = []
    # A cheap first ranking limits the number of nodes whose likelihood is computed.
    nodes.sort(key=lambda n: -float(tree.boundary[n]) * float(tree.size[n]) ** 0.25)
    for n in nodes[:150]:
        likelihood = _likelihood(tree, n)
        top = tree.parent[n] < 0 or tree.kind[tree.parent[n]] != tree.kind[n]
        if tree.has_background and top:
            likelihood = max(likelihood, 0.9 if tree.kind[n] == OBJECT else 0.5)
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
    """The mask at full size with smoothed edges; thin parts stay."""
    soft = mask.astype(np.float32)
    soft = np.maximum(cv2.GaussianBlur(soft, (0, 0), 0.9), 0.45 * soft)
    return (
        np.asarray(cv2.resize(soft, size_hw[::-1], interpolation=cv2.INTER_CUBIC) > 0.5)
        if min(mask.shape) > 1
        else (np.asarray(cv2.resize(mask.astype(np.uint8), size_hw[::-1], interpolation=cv2.INTER_NEAREST) > 0))
    )
