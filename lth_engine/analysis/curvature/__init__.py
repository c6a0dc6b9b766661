"""The Hessian of the loss: products, traces, eigenvalues, densities."""
