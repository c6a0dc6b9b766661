"""Ways to flat minima, one file each: where a step's gradient is taken, and what is added to the weights after it.

`build(spec, model, mask, seed)` returns a :class:`lth_engine.training.flatness.plain.Plain` or a subclass of it.
"""
