"""A second web server on the same store is noticed, and told from a second session of the first."""

import os
import re
import subprocess
import sys
import threading

from lth_engine.jobs.server import claim_server
from lth_engine.jobs.supervisor import environment

SERVE = ("import sys; from pathlib import Path; from lth_engine.jobs.server import claim_server; "
         "print(claim_server(Path(sys.argv[1])), flush=True); sys.stdin.readline(); "
         "print(claim_server(Path(sys.argv[1])), flush=True)")


def test_a_second_server_is_told_and_may_take_over_later(tmp_path):
    told = []
    threads = [threading.Thread(target=lambda: told.append(claim_server(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [None] * 4
    with subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path)], stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.PIPE, env=environment()) as other:
        assert re.fullmatch(
            rf"Another server \(process {os.getpid()}, started \d{{4}}-\d\d-\d\d \d\d:\d\d\) already serves this "
            r"store; both show the same jobs and nothing is lost\. Close one, or give this one another folder with "
            r"LTH_STORE\.", other.stdout.readline().strip())
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline().startswith("Another server")


def test_the_store_is_free_once_the_server_was_killed(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path)], stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, env=environment())
    assert other.stdout.readline() == "None\n"
    assert f"process {other.pid}" in claim_server(tmp_path)
    other.kill()
    other.communicate()
    assert claim_server(tmp_path) is None


def test_the_time_of_the_start_is_not_essential(tmp_path):
    (tmp_path / "locks" / "server-started").mkdir(parents=True)
    other = subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path)], stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, env=environment())
    assert other.stdout.readline() == "None\n"
    assert claim_server(tmp_path).startswith(f"Another server (process {other.pid}) already serves")
    other.kill()
    other.communicate()
