"""An estimated trace with its error."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import stdtrit

from lth_engine.core.artifact import Array

NEAR_ZERO = 0.1
"""A trace below this part of the Frobenius norm counts as that much when an error is judged: positive and negative
curvature cancel, and no number of probes would reach a fraction of nothing."""


@dataclass(frozen=True)
class Estimate:
    """Traces and their standard errors.

    Attributes:
        trace, stderr: of the whole; stderr is 0 if everything was measured.
        freedom: degrees of freedom of the standard error.
        layers, layer_stderr: of each layer, L.
        frobenius: Frobenius norm of the operator, about.
        exact: whether every coordinate was measured, or every direction in which there is curvature at all.
    """

    trace: float
    stderr: float
    freedom: float
    layers: Array
    layer_stderr: Array
    frobenius: float
    exact: bool = False

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the trace by Student's t."""
        half = float(stdtrit(min(self.freedom, 1e6), 0.975)) * self.stderr
        return self.trace - half, self.trace + half

    @property
    def near_zero(self) -> bool:
        """Whether the trace is so small that its error is judged by the Frobenius norm instead."""
        return not self.exact and abs(self.trace) < NEAR_ZERO * self.frobenius

    def allowed(self, error: float) -> float:
        """The standard error that is `error` of the trace; where it is near zero, of a tenth of the Frobenius norm."""
        return error * max(abs(self.trace), NEAR_ZERO * self.frobenius)

    def within(self, error: float) -> bool:
        """Whether the standard error is as small as that."""
        return self.stderr <= self.allowed(error)
