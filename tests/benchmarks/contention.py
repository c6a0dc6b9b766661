"""A LeNet step on a quiet and on a busy machine, by how long OpenMP's threads spin before they sleep.

As many processes as there are cores keep the machine busy. The step is timed in fresh processes: with OpenMP's default
(spin for milliseconds), with OMP_WAIT_POLICY=PASSIVE (sleep at once), and as lth_engine sets it (GOMP_SPINCOUNT).
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
    """Print mean milliseconds a step, alone and beside busy processes."""
    policies = {"default": {}, "sleep at once": {"OMP_WAIT_POLICY": "PASSIVE"},
                "ours": {"GOMP_SPINCOUNT": os.environ["GOMP_SPINCOUNT"]}}
    print(f"{'mean ms a step':28}" + "".join(f"{name:>15}" for name in policies))
    for title, busy in (("alone", 0), (f"beside {os.cpu_count()} busy processes", os.cpu_count() or 1)):
        others = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(busy)]
        times = [step(policy) for policy in policies.values()]
        for other in others:
            other.kill()
            other.wait()
        print(f"{title:28}" + "".join(f"{ms:15.2f}" for ms in times))


def step(policy: dict[str, str]) -> float:
    """Mean milliseconds of a step in a fresh process."""
    environment = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")} | policy
    done = subprocess.run([sys.executable, "-c", _STEP], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
