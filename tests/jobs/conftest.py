"""The store under test; whatever a test started on it is ended after it."""

import pytest
from jobs_lab import Lab


@pytest.fixture
def lab(tmp_path):
    made = Lab(tmp_path / "store")
    yield made
    made.end()
