"""Terms of the loss, one file each.

A term adds its gradient to that of the cross-entropy: exact, and without a graph of its own. `build(spec, weights,
anchors)` gets the prunable parameters (pruned ones are zero) and, if the spec names an anchor, the weights that they
are compared with under the same mask; it returns what adds the gradient.
"""
