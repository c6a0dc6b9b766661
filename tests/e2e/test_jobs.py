"""A job is seen in every tab, after a refresh, and after the server died; cancelling stops it."""

import re

import pytest

from lth_engine.jobs.queue import Queue
from lth_engine.specs.presets import question_for_preset
from pages.ui import share
from tests.e2e.conftest import SETTLED


@pytest.fixture
def long_search():
    """A search that is not over before the test is."""
    search = question_for_preset("first-ticket")
    return search.replace(levels=40, replicates=5, seed=900, training=search.training.replace(length="200ep"))


def test_progress_in_every_tab_after_a_refresh_and_a_restart(server, tab, long_search):
    page = tab(f"{server.url}/find?spec={share.to_text(long_search)}")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/jobs")
    running = re.compile(r"of \d+: .*images/s")
    page.get_by_text(running).wait_for(timeout=90_000)

    second = tab(server.url + "/jobs")
    second.get_by_text(running).wait_for(timeout=20_000)
    second.reload()
    second.wait_for_selector(SETTLED)
    second.get_by_text(running).wait_for(timeout=20_000)

    (job,) = [j for j in Queue(server.store).list() if j.key == long_search.key]
    server.kill()
    server.start()
    third = tab(server.url + "/jobs")
    third.get_by_text(running).wait_for(timeout=30_000)
    now = Queue(server.store).get(job.id)
    assert (now.state, now.attempt, now.pid) == ("running", 1, job.pid)

    third.locator(f".st-key-cancel-{job.id}").get_by_role("button").click()
    third.get_by_role("button", name="Stop this job").click()
    third.locator(f".st-key-job-{job.id}").get_by_text(re.compile("cancelled")).wait_for(timeout=30_000)
    assert third.get_by_role("button", name="Resume").count() == 1
    page.locator(f".st-key-job-{job.id}").get_by_text(re.compile("cancelled")).wait_for(timeout=30_000)
