"""The examples that the lab comes with show what they are for."""

import json

import h5py

from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.examples import FOLDER, examples
from pages.ui.diagnose_bound import DRIFT


def test_the_bounds_of_the_examples_are_optimised_to_the_end():
    """No page opens with the words that the optimisation was still moving, and no prior lies at the edge of its
    grid."""
    asked = [question for question in examples() if isinstance(question, PacBayes)]
    assert len(asked) == 6
    for question in asked:
        with h5py.File(FOLDER / f"{question.key}.h5") as file:
            said = json.loads(file.attrs["summary_json"])
        assert said["search_late_share"] < DRIFT
        assert said["search_fall"] > 0.05
        assert said["certified_prior_step"] > 100
