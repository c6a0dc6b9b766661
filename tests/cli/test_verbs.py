"""The verbs on a real store: what they print, and their exit codes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import pytest

from lth_engine.cli import queue
from lth_engine.cli.main import VERBS, in_words, main, parsers
from lth_engine.jobs.queue import Queue
from lth_engine.specs.presets import presets
from lth_engine.specs.questions import TicketSearch
from lth_engine.store.store import Store
from tests.cli.conftest import FLAGS, SEARCH, Command


def test_answer_prints_table_and_verdict(command: Command, shelf: Path) -> None:
    code, out, err = command("answer", *FLAGS, "--store", shelf)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["level", "density", "%", "ticket", "random", "mask", "verdict"]
    assert lines[1].split()[:2] == ["0", "100.00"]
    assert lines[2].split()[:2] == ["1", "80.00"]
    assert "(n = 2, margin 1 points" in out
    assert out.rstrip().endswith(SEARCH.key)


def test_answer_as_json_is_the_stored_table(command: Command, shelf: Path) -> None:
    code, out, _ = command("answer", *FLAGS, "--store", shelf, "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["key"], answer["kind"]) == (SEARCH.key, "ticket_search")
    assert TicketSearch.from_dict(answer["spec"]) == SEARCH
    stored = Store(shelf, create=False).read(SEARCH.key, "table")
    rows: list[dict[str, Any]] = answer["table"]
    assert {(r["level"], r["replicate"], r["variant"]) for r in rows} == set(SEARCH.runs())
    assert {r["key"] for r in rows} == {run.key for run in SEARCH.runs().values()}
    assert set(rows[0]) == set(stored)
    assert [r["test_accuracy"] for r in rows] == stored["test_accuracy"].tolist()


def test_price_is_in_words(command: Command, shelf: Path, tmp_path: Path) -> None:
    code, out, _ = command("price", *FLAGS, "--store", tmp_path / "lab")
    assert code == 0
    facts = dict(line.strip().split("  ", 1) for line in out.splitlines())
    assert facts["runs"].strip() == str(len(SEARCH.runs()))
    assert facts["prunable weights"].strip() == "50,200 of 50,610 parameters"


def test_ls_lists_newest_first(command: Command, shelf: Path) -> None:
    code, out, _ = command("ls", "--store", shelf, "--all", "--json")
    rows = json.loads(out)
    assert code == 0
    assert rows[0]["key"] == SEARCH.key
    assert {row["key"] for row in rows} == Store(shelf, create=False).has([row["key"] for row in rows])
    assert [row["created"] for row in rows] == sorted((row["created"] for row in rows), reverse=True)
    _, out, _ = command("ls", "--store", shelf, "--limit", "2")
    assert len(out.splitlines()) == 3
    _, out, _ = command("ls", "--store", shelf, "--kind", "run")
    assert len(out.splitlines()) == 1 + len(SEARCH.runs())


def test_show_tells_question_result_and_origin(command: Command, shelf: Path) -> None:
    run = SEARCH.run(1, 0)
    code, out, _ = command("show", run.key[:12], "--store", shelf)
    assert code == 0
    for text in (run.key, "test accuracy", '"at_level": 1', "Origin", "torch", "Made of"):
        assert text in out
    assert all(question.key in out for question in run.inputs())
    _, out, _ = command("show", run.key, "--store", shelf, "--json")
    assert set(json.loads(out)["parents"]) == {q.key for q in run.inputs()}


def test_show_wants_one_answer(command: Command, shelf: Path) -> None:
    assert command("show", "zzz", "--store", shelf)[0] == 2
    assert command("show", "", "--store", shelf)[0] == 2
    code, _, err = command("show", "../../etc", "--store", shelf)
    assert (code, "No answer has a key that begins" in err) == (2, True)


def test_export_takes_the_inputs_along(command: Command, shelf: Path, tmp_path: Path) -> None:
    run = SEARCH.run(1, 0)
    code, _, _ = command("export", run.key, "--to", tmp_path / "all.h5", "--store", shelf)
    assert code == 0
    with h5py.File(tmp_path / "all.h5") as bundle:
        assert set(bundle) == {run.key, run.ticket.key, run.ticket.dense.key, SEARCH.run(0, 0).key}
    code, _, _ = command("export", run.key, "--to", tmp_path / "one.h5", "--only", "--store", shelf)
    with h5py.File(tmp_path / "one.h5") as bundle:
        assert set(bundle) == {run.key}
    code, _, err = command("export", run.key, "--to", tmp_path / "one.h5", "--store", shelf)
    assert (code, "exists already" in err) == (2, True)


def test_verify_finds_damage(command: Command, shelf: Path, tmp_path: Path) -> None:
    assert command("verify", "--all", "--store", shelf)[0] == 0
    copy = tmp_path / "lab"
    shutil.copytree(shelf, copy)
    run = SEARCH.run(0, 1)
    path = copy / "artifacts" / f"{run.key}.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    code, out, err = command("verify", "--all", "--store", copy)
    assert code == 1
    assert path.name in err
    assert "Traceback" not in err
    total = len(list((shelf / "artifacts").glob("*.h5")))
    assert out == f"{total - 1} of {total} answers are what was written.\n"
    assert command("answer", *FLAGS, "--store", copy)[0] == 0
    assert command("verify", SEARCH.key, "--store", copy)[0] == 0


def test_verify_tells_what_is_missing_and_how_to_compute_it(command: Command, shelf: Path, tmp_path: Path) -> None:
    copy = tmp_path / "my lab"
    shutil.copytree(shelf, copy)
    run, search = SEARCH.run(1, 1), SEARCH.key
    (copy / "artifacts" / f"{run.key}.h5").rename(copy / "artifacts" / f"{run.key}.h5.corrupt-1700000000")
    (copy / "artifacts" / f"{search}.h5").rename(copy / "artifacts" / f"{search}.h5.corrupt-1700000001")
    code, out, err = command("verify", "--all", "--store", copy)
    assert code == 1
    total = len(list(copy.glob("artifacts/*.h5")))
    assert out == f"{total} of {total} answers are what was written.\n"
    told = {line.split()[0]: line for line in err.splitlines()}
    assert set(told) == {run.key, search}
    assert f"{search}.h5.corrupt-1700000001). Ask its question again." in told[search]
    assert f"{run.key}.h5.corrupt-1700000000). Ask its question again." in told[run.key]
    assert command("answer", *FLAGS, "--store", copy)[0] == 0
    assert command("verify", "--all", "--store", copy)[::2] == (0, "")
    run = SEARCH.run(0, 0)
    (copy / "artifacts" / f"{run.key}.h5").unlink()
    code, _, err = command("verify", "--all", "--store", copy)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith(f"{run.key} is missing; 3 stored answer(s) were made of it. Compute it again with: printf ")
    line = err.partition("Compute it again with: ")[2].strip().replace("python -m", f"{sys.executable} -m")
    subprocess.run(["sh", "-c", line], check=True, capture_output=True, cwd=Path(__file__).parents[2])
    assert command("verify", "--all", "--store", copy)[::2] == (0, "")


def test_verify_wants_keys_or_all(command: Command, shelf: Path) -> None:
    assert command("verify", "--store", shelf)[0] == 2
    assert command("verify", SEARCH.key, "--all", "--store", shelf)[0] == 2


def test_presets_lists_all_with_reasons(command: Command) -> None:
    _, out, _ = command("presets")
    for preset in presets().values():
        assert preset.name in out
        assert preset.reason in out
        assert preset.fails in out
    _, out, _ = command("presets", "--json")
    assert [p["name"] for p in json.loads(out)] == list(presets())


def test_a_file_asks_too(command: Command, shelf: Path, tmp_path: Path) -> None:
    path = tmp_path / "question.json"
    path.write_text(json.dumps(SEARCH.to_dict()))
    code, out, _ = command("answer", "--spec", path, "--store", shelf, "--json")
    assert (code, json.loads(out)["key"]) == (0, SEARCH.key)
    path.write_text(json.dumps(SEARCH.to_dict()), encoding="utf-8-sig")
    assert command("answer", "--spec", path, "--store", shelf)[0] == 0
    half = '{"name": "ticket_search", "data": {"name": "own_images", "path": "\\ud800"}}'
    for text in ("{", "[" * 100_000, '{"name": []}', half, "[]", '{"name": "ticket_serch"}',
                 '{"name": "ticket_search", "levls": 3}'):
        path.write_text(text)
        code, _, err = command("answer", "--spec", path, "--store", shelf)
        assert (code, err.startswith("error: "), err.count("\n")) == (2, True, 1)
    assert command("answer", "--spec", tmp_path / "none.json")[0] == 2
    assert command("answer", "--spec", path, "--preset", "first-ticket")[0] == 2


@pytest.mark.parametrize(("line", "text"), [
    ("anwser", "Did you mean answer"),
    ("", "VERB"),
    ("ls --lmit 3", "Did you mean --limit"),
    ("ls --limit 0", "--limit: must be a whole number from 1. Got '0'"),
    ("jobs --limit many", "--limit: must be a whole number from 1. Got 'many'"),
    ("ls --limit 99999999999", "--limit: must be a whole number from 1"),
    ("worker --idle-minutes nan", "--idle-minutes must be a number from 0. Got nan."),
    ("answer --device tpu", "cpu"),
    ("answer --preset first-tikcet", "Did you mean first-ticket"),
    ("answer --levls 3", "Did you mean --levels"),
    ("answer --jsn", "Did you mean --json"),
    ("answer --data own_images", "own_images.path"),
    ("answer --data own_images --path nowhere", "nowhere"),
    ("answer --data own_images --path ~nobody_has_this_name", "nobody_has_this_name"),
    (f"answer --data own_images --path {'x' * 5000}", "own_images.path"),
    ("price --spec x --preset y", "exclude"),
    ("export abc", "--to"),
    ("cancel", "job"),
    ("jobs", "no store"),
    ("ls", "no store"),
])
def test_bad_input_is_one_sentence_and_status_2(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                line: str, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LTH_STORE", raising=False)
    code, out, err = command(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert text in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir()), "nothing is made for a wrong question"


def test_queue_verbs(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Path, Path]] = []
    monkeypatch.setattr(queue, "ensure_supervisor", lambda store, data: started.append((store, data)))
    store = tmp_path / "lab"
    where = ("--store", store, "--data-root", tmp_path)
    code, out, _ = command("submit", *FLAGS, *where)
    job = out.strip()
    assert (code, started) == (0, [(store, tmp_path)])
    assert command("submit", *FLAGS, *where)[1].strip() == job, "the same question joins the job"
    _, out, _ = command("jobs", *where, "--json")
    assert [(j["id"], j["state"], j["key"]) for j in json.loads(out)] == [(job, "queued", SEARCH.key)]
    assert command("cancel", job, *where)[1] == f"{job} cancelled\n"
    assert command("resume", job, *where)[1] == f"{job} queued\n"
    assert len(started) == 4, "twice by submit, by jobs and by resume; a job that is cancelled needs nobody"
    assert command("jobs", *where)[1].splitlines()[1].split()[:3] == [job, "queued", "ticket_search"]
    assert command("cancel", "nope", *where)[0] == 2


def test_whoever_looks_or_cancels_replaces_a_dead_supervisor(command: Command, tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []

    def start(store: Path, data: Path) -> int | None:
        started.append(store)
        return 1 if Store(store).writable else None
    monkeypatch.setattr(queue, "ensure_supervisor", start)
    store = tmp_path / "lab"
    Store(store)
    asked = Queue(store)
    job = asked.claim(asked.submit(SEARCH).id)
    assert job is not None
    code, out, err = command("jobs", "--store", store)
    assert (code, err) == (0, "Nobody worked on this queue; a process that does was started just now.\n")
    assert job.id in out
    assert command("cancel", job.id, "--store", store)[1] == f"{job.id} cancelling\n"
    assert started == [store, store]
    code, _, err = command("resume", job.id, "--store", store)
    assert (code, err) == (2, f"error: The job {job.id} is still stopping; resume it in a moment.\n")
    monkeypatch.setattr("lth_engine.store.folder.can_write", lambda layout: False)
    assert "nobody can be started" in command("jobs", "--store", store)[2]
    asked.stopped(job.id, job.attempt)
    assert command("jobs", "--store", store)[2] == "", "nothing is left to work on"


def test_submit_tells_the_id_even_if_nobody_can_be_woken(command: Command, tmp_path: Path) -> None:
    store = tmp_path / "lab"
    Store(store)
    (store / "logs").write_text("mine")
    code, out, err = command("submit", *FLAGS, "--store", store, "--data-root", tmp_path)
    (job,) = Queue(store).list()
    assert (code, out) == (1, f"{job.id}\n")
    assert err.startswith(f"error: The job {job.id} is queued, but nobody works on it yet: {store / 'logs'} must be")
    code, out, err = command("jobs", "--store", store)
    assert (code, job.id in out, err.startswith("Nobody works on this queue: ")) == (0, True, True)


@pytest.mark.parametrize("damage", ["later", "folder"])
def test_work_on_a_queue_that_cannot_be_used_ends_in_words(command: Command, tmp_path: Path, damage: str) -> None:
    store = tmp_path / "lab"
    Store(store)
    if damage == "folder":
        (store / "queue.sqlite").mkdir()
    else:
        Queue(store).submit(SEARCH)
        with closing(sqlite3.connect(store / "queue.sqlite")) as connection:
            connection.execute("PRAGMA user_version = 9")
    for verb in ("worker", "jobs"):
        code, out, err = command(verb, "--store", store)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "queue.sqlite" in err


@pytest.mark.parametrize("verb", [("answer", *FLAGS), ("submit", *FLAGS), ("price", *FLAGS), ("worker",)])
def test_a_data_folder_that_is_a_file_is_refused(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                 verb: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("LTH_DATA", str(tmp_path / "file"))
    code, _, err = command(*verb, "--store", tmp_path / "lab")
    assert (code, f"The data folder {tmp_path / 'file'} is a file." in err) == (2, True)
    assert not (tmp_path / "lab").exists()


def test_the_environment_names_the_store(command: Command, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTH_STORE", str(shelf))
    assert SEARCH.key[:12] in command("ls")[1]


def test_a_store_of_a_later_version_is_refused(command: Command, shelf: Path, tmp_path: Path) -> None:
    copy = tmp_path / "lab"
    shutil.copytree(shelf, copy)
    schema = json.loads((copy / "schema.json").read_text())
    (copy / "schema.json").write_text(json.dumps(dict.fromkeys(schema, 10 ** 6)))
    for verb in ("ls", "jobs"):
        code, _, err = command(verb, "--store", copy)
        assert (code, err.count("\n"), "Update the lab" in err) == (1, 1, True)


def test_what_nobody_foresaw_is_said_in_words() -> None:
    assert in_words(MemoryError()).startswith("The memory is full")
    assert in_words(OSError(28, "No space left on device", "lab")).startswith("lab: No space left on device")
    assert "ZeroDivisionError" in in_words(ZeroDivisionError("division by zero"))


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert verb in parsers()[1]
    assert main([verb, "--help"]) == 0
    assert f"python -m lth_engine {verb}" in capsys.readouterr().out
