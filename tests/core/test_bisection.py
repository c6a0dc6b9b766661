"""The bisection, against every answer that there can be."""

import math

import pytest

from lth_engine.core.bisection import contradictions, first_stable, least_tries
from lth_engine.core.errors import BadInput


class Monotone:
    """Stable from `point` on; remembers what it was asked. Its barrier falls in a line, and 2 points are the limit."""

    def __init__(self, point: int) -> None:
        self.point = point
        self.asked: list[int] = []

    def __call__(self, k: int) -> bool:
        self.asked.append(k)
        return 0.02 + (self.point - k - 0.5) / 1000 < 0.02


@pytest.mark.parametrize(("last", "tries"), [(200, 8), (90, 7)])
def test_T13_the_exact_first_stable_point_within_the_papers_tries(last, tries):
    most = 0
    for point in range(last + 2):  # 0 is always, last + 1 is never
        question = Monotone(point)
        found = first_stable(question, last)
        assert found.point == (point if point <= last else None)
        assert [k for k, _ in found.tried] == question.asked
        assert all(stable == (k >= point) for k, stable in found.tried)
        assert len(set(question.asked)) == len(question.asked)
        assert set(question.asked) <= set(range(last + 1))
        most = max(most, len(question.asked))
    assert most == tries


@pytest.mark.parametrize("last", [*range(70), 126, 127, 128])
def test_the_fewest_tries_that_are_left_are_reached_and_never_undercut(last):
    left = {}
    for point in range(last + 2):
        tried = first_stable(Monotone(point), last).tried
        for made in range(len(tried) + 1):
            rest = len(tried) - made
            assert least_tries(tried[:made], last) <= rest
            left[tried[:made]] = min(rest, left.get(tried[:made], rest))
    assert all(least_tries(tried, last) == fewest for tried, fewest in left.items())


@pytest.mark.parametrize("last", [*range(70), 126, 127, 128, 199, 1000])
def test_T13_never_more_than_the_logarithm_of_the_outcomes(last):
    for point in {0, 1, last // 2, last, last + 1}:
        question = Monotone(point)
        assert first_stable(question, last).point == (point if point <= last else None)
        assert len(question.asked) <= math.ceil(math.log2(last + 2))


@pytest.mark.parametrize("end", [90, 127, 128, 200])
def test_T13_with_the_end_stable_by_definition_it_takes_the_papers_count(end):
    for point in range(end + 1):
        question = Monotone(point)
        found = first_stable(question, end - 1).point
        assert (end if found is None else found) == point
        assert len(question.asked) <= math.ceil(math.log2(end + 1))


def test_the_last_point_must_not_be_negative():
    with pytest.raises(BadInput, match=r"at least 0\. Got -1\."):
        first_stable(lambda k: True, -1)


@pytest.mark.parametrize("last", [0, 1, 2, 5, 90])
def test_a_monotone_barrier_contradicts_nothing_in_two_tries(last):
    for point in range(last + 2):
        found = first_stable(Monotone(point), last)
        again = Monotone(point)
        assert contradictions(again, found) == ()
        assert len(again.asked) <= 2
        assert not {k for k, _ in found.tried} & set(again.asked)


def test_the_point_before_the_answer_has_been_tried():
    for point in range(1, 92):
        assert (point - 1, False) in first_stable(Monotone(point), 90).tried


def test_a_barrier_that_rises_again_is_noticed_beside_the_answer():
    answers = {k: k >= 37 for k in range(91)}
    found = first_stable(lambda k: answers[k], 90)
    untried = [k for k in range(91) if k not in dict(found.tried)]
    below, above = max(k for k in untried if k < 37), min(k for k in untried if k > 37)
    answers |= {below: True, above: False}
    assert contradictions(lambda k: answers[k], found) == (below, above)
    answers = dict.fromkeys(range(91), False)
    nothing = first_stable(lambda k: answers[k], 90)
    assert nothing.point is None
    answers[max(k for k in range(91) if k not in dict(nothing.tried))] = True
    assert len(contradictions(lambda k: answers[k], nothing)) == 1


def test_an_answer_that_its_own_trail_contradicts_is_noticed():
    found = first_stable(lambda k: k >= 45, 90)
    assert (45, True) in found.tried
    restless = type(found)(point=80, last=90, tried=((45, True), (79, False), (80, True)))
    assert contradictions(lambda k: k >= 80, restless) == (45,)
