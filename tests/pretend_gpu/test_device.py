"""The pretend GPU refuses what a GPU refuses, counts who waits, and replays what was recorded."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tests.pretend_gpu.state import STATE


def test_mixing_devices_raises(gpu):
    there, here = torch.ones(3, device="cuda"), torch.ones(3)
    for mixed in (lambda: there + here, lambda: here + there, lambda: here.add_(there), lambda: there.add_(here),
                  lambda: torch.cat([there, here]), lambda: there.index_select(0, torch.tensor([0])),
                  lambda: here[torch.tensor([0], device="cuda")], lambda: nn.Linear(3, 1)(there),
                  lambda: torch._foreach_add([there], [here]), lambda: torch.where(there > 0, there, here)):
        with pytest.raises(RuntimeError, match="same device"):
            mixed()
    with pytest.raises(RuntimeError, match="same device"):
        here.add_(torch.tensor(1.0, device="cuda"))


def test_what_a_gpu_takes_from_the_cpu_is_taken(gpu):
    there = torch.ones(3, device="cuda")
    assert (there + torch.tensor(2.0)).tolist() == [3, 3, 3]  # a single number
    assert there[torch.tensor([0, 2])].tolist() == [1, 1]  # indices
    there.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert there.tolist() == [1, 2, 3]


def test_it_gives_no_array(gpu):
    there = torch.ones(3, device="cuda")
    for asked in (there.numpy, lambda: np.asarray(there), there.detach().numpy):
        with pytest.raises(TypeError, match="numpy"):
            asked()
    assert there.cpu().numpy().tolist() == [1, 1, 1]


def test_a_generator_fits_the_device(gpu):
    cpu, cuda = torch.Generator().manual_seed(0), torch.Generator("cuda").manual_seed(0)
    for wrong in (lambda: torch.rand(3, device="cuda", generator=cpu), lambda: torch.rand(3, generator=cuda),
                  lambda: torch.empty(3, device="cuda").normal_(generator=cpu),
                  lambda: torch.empty(3).normal_(generator=cuda), lambda: torch.randperm(3, generator=cuda)):
        with pytest.raises(RuntimeError, match="for generator"):
            wrong()
    assert cuda.device.type == "cuda"
    assert torch.rand(3, device="cuda", generator=cuda).tolist() == torch.rand(3, generator=cpu).tolist()


def test_a_network_and_all_that_comes_of_it_is_on_the_device(gpu):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 3)).to("cuda")
    twin = copy.deepcopy(model)
    x = torch.randn(4, 1, 8, 8, device="cuda")
    loss = nn.functional.cross_entropy(model(x), torch.zeros(4, dtype=torch.int64, device="cuda"))
    loss.backward()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    optimizer.step()
    held = [*model.state_dict().values(), *twin.parameters(), loss, torch.zeros_like(x), x.new_zeros(3)]
    held += [p.grad for p in model.parameters()] + [s["momentum_buffer"] for s in optimizer.state.values()]
    assert {str(value.device) for value in held} == {"cuda:0"}
    assert not torch.equal(model[0].weight, twin[0].weight)


def test_parameters_that_become_views_of_one_vector_follow_it(gpu):
    layer = nn.Linear(2, 1, bias=False).to("cuda")
    vector = torch.zeros(2, device="cuda")
    layer.weight.data = vector.view(1, 2)
    vector.fill_(3)
    assert layer(torch.ones(1, 2, device="cuda")).tolist() == [[6]]
    with pytest.raises(RuntimeError, match="incompatible"):
        layer.weight.data = torch.ones(1, 2)


def test_a_shape_that_is_changed_in_place_is_changed(gpu):
    there = torch.arange(6, device="cuda").view(1, 6)
    there.squeeze_(0)
    assert (there.shape, there.tolist()) == ((6,), [0, 1, 2, 3, 4, 5])
    product = torch.ones(2, device="cuda") @ torch.ones(2, 3, device="cuda")  # squeezed in place within torch
    assert (product.shape, product.tolist()) == ((3,), [2, 2, 2])


def test_each_wait_is_counted_with_its_line(gpu):
    there = torch.tensor([1.0, 0.0], device="cuda")
    for _ in range(3):
        float(there.sum())
    there.cpu()
    there[there > 0]
    torch.cuda.synchronize()
    kinds = [(name.rsplit(" tests/pretend_gpu/test_device.py:", 1)[0], count) for name, count in gpu.waits.items()]
    assert kinds == [("to the device", 1), ("_local_scalar_dense", 3), ("from the device", 1),
                     ("index by a mask", 1), ("device", 1)]
    assert all(name.endswith("test_each_wait_is_counted_with_its_line") for name in gpu.waits)


def test_what_only_queues_work_waits_for_nothing(gpu):
    there = torch.zeros(3, device="cuda")
    there.add_(1).mul_(there).sum()
    torch.ones(3).pin_memory().to("cuda", non_blocking=True)
    assert not gpu.waits


def test_a_replay_does_the_recorded_work_again_and_runs_no_python(gpu):
    x, total, calls = torch.zeros((), device="cuda"), torch.zeros((), device="cuda"), []

    def work():
        calls.append(1)
        total.add_((torch.stack([x, 2 * x]) @ torch.ones(2, 3, device="cuda")).unsqueeze_(0)[0, 0])

    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    total.zero_()
    for number in (1.0, 10.0):
        x.fill_(number)
        graph.replay()
    assert (float(total), len(calls)) == (33, 1)


def test_waiting_while_a_graph_is_recorded_raises(gpu):
    there = torch.ones(3, device="cuda")
    with pytest.raises(RuntimeError, match="capturing"), torch.cuda.graph(torch.cuda.CUDAGraph()):
        float(there.sum())
    assert float(there.sum()) == 3  # recording is over


def test_afterwards_torch_is_as_before():
    before = (torch.Generator, torch.cuda.is_available, torch.cuda.Stream, torch.autograd.graph._engine_run_backward,
              torch.optim.Optimizer.__dict__["_group_tensors_by_device_and_dtype"])
    patch = pytest.MonkeyPatch()
    from tests.pretend_gpu.runtime import pretended
    with pretended(patch):
        assert torch.cuda.is_available()
        assert torch.Generator is not before[0]
    patch.undo()
    assert before == (torch.Generator, torch.cuda.is_available, torch.cuda.Stream,
                      torch.autograd.graph._engine_run_backward,
                      torch.optim.Optimizer.__dict__["_group_tensors_by_device_and_dtype"])
    assert not torch.__future__.get_overwrite_module_params_on_conversion()
    assert type(torch.ones(1) + 1) is torch.Tensor
    assert STATE.recording is None
