"""A pretend GPU: tensors that say cuda:0 in Python and compute on the CPU.

Tests that take the fixture `gpu` run the lab's GPU paths on a machine without one: `answer(..., device="cuda")`, runs
side by side, the recorded step, generators and copies.

It shows: that tensors of the CPU and of the device are never mixed, that generators fit the device, that nothing takes
a device tensor for an array, what waits for the device (each wait is counted with its line), that nothing waits while
a step is recorded (it raises, as on a GPU), and that a recorded step gives the right numbers: a replay does the
recorded operations again, on the same memory, and runs no Python.

It cannot show: anything about kernels (their numbers, their order of adding up, which are missing), autocast (which
is off), streams (all work is done at once and in order), the memory of graphs and of the device, time, cuDNN, a
random state of the device's own (it draws from the CPU's default generator), or the C++ side, where the tensors are
the CPU's: what asks there for the device, as the thread of the data loader that pins memory, is not seen.
"""
