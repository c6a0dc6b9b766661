"""A LeNet step on a busy machine: threads that spin while they wait against threads that sleep.

As many processes as there are cores keep the machine busy; then the same step is timed in two fresh processes, one
with the default of OpenMP and one with OMP_WAIT_POLICY=PASSIVE, which lth_engine sets.
"""

from __future__ import annotations

import os
import subprocess
import sys

_BUSY = "import time\nend = time.time() + 60\nwhile time.time() < end: sum(range(10000))"
_STEP = """
import time, torch, torch.nn.functional as F
net = torch.nn.Sequential(torch.nn.Linear(784, 300), torch.nn.ReLU(), torch.nn.Linear(300, 100), torch.nn.ReLU(),
                          torch.nn.Linear(100, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=True)
x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))
count, began = 0, time.perf_counter()
while time.perf_counter() - began < 6:
    optimizer.zero_grad(); F.cross_entropy(net(x), y).backward(); optimizer.step(); count += 1
print(1000 * (time.perf_counter() - began) / count)
"""


def main() -> None:
    """Print milliseconds a step, alone and beside busy processes."""
    print(f"{'':28} {'spinning ms':>12} {'sleeping ms':>12} {'ratio':>7}")
    for title, busy in (("alone", 0), (f"beside {os.cpu_count()} busy processes", os.cpu_count() or 1)):
        others = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(busy)]
        spinning, sleeping = step(None), step("PASSIVE")
        for other in others:
            other.kill()
            other.wait()
        print(f"{title:28} {spinning:12.2f} {sleeping:12.2f} {spinning / sleeping:7.2f}")


def step(policy: str | None) -> float:
    """Mean milliseconds of a step in a fresh process."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if policy:
        environment["OMP_WAIT_POLICY"] = policy
    done = subprocess.run([sys.executable, "-c", _STEP], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
