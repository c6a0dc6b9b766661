"""A 95% interval of the error barrier for the test images being a sample, by resampling them.

The barrier is a maximum. On a line that is truly flat the highest of many noisy points is above the truth, and the
highest of a resample is above that again: intervals made of the barriers of resamples miss. On simulated lines of 101
points (flat, peaked, with a plateau, monotone, a valley; 450 and 10,000 images; networks alike and less alike) the
percentile interval held the true barrier in 0% to 100% of the draws, the bias-corrected one in 0% to 98%, and the
basic one in 60% to 100%; all three miss where the line is flat, the case of interest.

So the interval here is one of the maximum itself, from bounds of the points (Chernozhukov, Lee and Rosen 2013,
intersection bounds). Let f(alpha) be the error less the mean of the two ends; the barrier is its highest value. At
the place where the truth is highest, f is below its own 97.5% bound with that probability, so the highest of the upper
bounds, each of one point alone, is an upper bound of the barrier. Below, all points must hold together: the bound is
the highest f(alpha) - c s(alpha), with s the deviation of f over the resamples, and c such that in 97.5% of the
resamples no point is more than c deviations above its own estimate. It held the truth in 90% to 100% of the draws of
each case, 98% over all cases; where a peak is far above the rest it is a third wider than the percentile interval. It
always holds the barrier that was measured.

It speaks of the images alone: the networks are the ones given. What no image of the sample shows it cannot see: if no
image changes sides anywhere on the line it is [0, 0], and the truth may be up to about 4 / N.
"""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive

TAIL = 0.025
"""Probability that is left out on each side."""

AT_ONCE = 1 << 24
"""Counts that are drawn before they are used (128 MiB)."""


def barrier_interval(wrong: Array, images: int, resamples: int, seed: int) -> tuple[float, float]:
    """Lower and upper bound of the barrier, as fractions.

    Args:
        wrong: points x ceil(images / 8) uint8: which images are wrong at each point, the two ends first and last,
            packed by `np.packbits`.
        images: number of images N.
        resamples: how often N images are drawn from them with replacement.
        seed: of the draws. The same images are drawn for all points, and for the line in the other direction.
    """
    patterns, counts = _patterns(wrong, images)
    error = counts @ patterns.astype(np.float64) / images
    drawn = _resampled(patterns, counts, resamples, seed) / images
    height, heights = _above_ends(error), _above_ends(drawn)
    upper = np.quantile(heights, 1 - TAIL, axis=0).max()
    off = heights - height
    deviation = off.std(axis=0)
    moving = deviation > 0
    furthest = np.divide(off, deviation, out=np.zeros_like(off), where=moving).max(axis=1)
    lower = (height - np.quantile(furthest, 1 - TAIL) * deviation).max()
    found = float(height.max())
    return max(0.0, min(float(lower), found)), max(float(upper), found)


def _patterns(wrong: Array, images: int) -> tuple[Array, Array]:
    """The different columns of `wrong` (patterns x points, float32) and how many images have each.

    Images that are right and wrong at the same points are one to the bootstrap; most are right everywhere. The
    patterns come in the order of the images, so that they do not depend on the direction of the line.
    """
    by_image = np.unpackbits(wrong, axis=1, count=images).T
    _, first, counts = np.unique(np.packbits(by_image, axis=1), axis=0, return_index=True, return_counts=True)
    order = np.argsort(first)
    return by_image[first[order]].astype(np.float32), counts[order]


def _resampled(patterns: Array, counts: Array, resamples: int, seed: int) -> Array:
    """Wrong images at each point in each resample (resamples x points, float64); whole numbers below 2^24, exact."""
    draw = np.random.default_rng(derive(seed, "bootstrap"))
    step = max(1, AT_ONCE // len(counts))
    drawn = [draw.multinomial(counts.sum(), counts / counts.sum(), size=min(step, resamples - start))
             .astype(np.float32) @ patterns for start in range(0, resamples, step)]
    return np.concatenate(drawn).astype(np.float64)


def _above_ends(error: Array) -> Array:
    """The error less the mean of the two ends; ... x points."""
    return error - (error[..., :1] + error[..., -1:]) / 2
