"""Bring a file: nothing yet, being read, read, refused, unreadable, hostile names; what is asked and what is kept."""

import re
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from lth_engine.core.artifact import Answer
from lth_engine.gate.private import Folder
from lth_engine.specs.bringing import without_gaps
from lth_engine.specs.data import Cifar10
from lth_engine.specs.health import DataHealth
from lth_engine.specs.imported import File
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.questions import question_from_dict
from pages.ui import upload_end, upload_examples, upload_gate, upload_states, upload_work
from pages.ui.upload_images import fitting
from pages.ui.upload_keep import hashes, members, search_of
from pages.ui.words import with_code
from tests.pages import fake_cards as fake
from tests.pages.conftest import words
from tests.pages.diagnosed import alts, button, drawn
from tests.pages.fake_search import PROVENANCE, SEARCH


@pytest.fixture
def gate(monkeypatch):
    """A gate that answers from cards, and a line of its own, which nothing of another test waits in."""
    found = fake.FakeGate(monkeypatch)
    with ThreadPoolExecutor(upload_work.AT_ONCE) as pool:
        monkeypatch.setattr(upload_work, "_pool", pool)
        monkeypatch.setattr(upload_work, "_line", {})
        yield found
        if found.held is not None and not found.held.done():
            found.held.set_result(None)


@pytest.fixture
def bring(open_page, gate):
    """Upload a file for which the gate says these cards, one a file."""
    def brought(*cards, name="resnet20.pt", content=b"weights", **params):
        gate.cards = list(cards) or [fake.card()]
        app = open_page("upload", **params)
        return until_read(app.file_uploader[0].upload(name, content).run())
    return brought


def until_read(app, seconds=10):
    """Draw the page anew until nothing is being read on it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert not app.exception, app.exception
        if "Stop" not in [b.label for b in app.button]:
            return app
        time.sleep(0.01)
        app.run()
    raise AssertionError(words(app))


def tables(app):
    """Every table that is drawn, by its key's place."""
    return [frame.value for frame in app.dataframe]


def test_nothing_yet_says_what_can_be_brought_and_what_happens_to_it(open_page, gate):
    app = open_page("upload")
    said = words(app)
    assert "What is in this checkpoint?" in said
    assert "Nothing in a file is ever run" in said
    assert "It stays here" in said
    assert not gate.read_paths


def test_a_ticket_is_one_sentence_its_numbers_findings_and_layers(bring, gate):
    app = bring()
    said = words(app)
    assert "ResNet-20, option A shortcuts, 10 classes: a ticket of 10.7 % density, trained, epoch 160." in said
    assert "28,712 of 268,336 prunable weights" in said
    assert "nothing in the file was run" in said
    assert fake.SHA in [c.value for c in app.code]
    ((path, name, content),) = gate.read_paths
    assert (name, content) == ("resnet20.pt", b"weights")
    assert not path.exists()                                     # the upload is deleted once it is read
    assert "resnet20" not in str(path)


    places = [said.index(word) for word in ("1 value NaN", "14 of 64 filters", "Under the masks", "far from balanced")]
    assert places == sorted(places)                              # findings come worst first
    assert "1 problem, 1 warning, 1 note, 1 good." in said
    figure = drawn(app, "Density of each layer of the file")
    bars = figure["data"][0]
    assert bars["x"] == pytest.approx([52, 21, 8, 30])           # what does not count as prunable is not drawn
    table = next(t for t in tables(app) if "Tensor" in t)
    assert table["Tensor"].tolist()[-1] == "embed.weight"
    assert table["Shape"].tolist()[0] == "16 × 3 × 3 × 3"


NOT_READ = [
    (fake.REFUSED, "the file was refused", "asks Python to run"),
    (fake.UNREADABLE, "not whole", "The file stops early"),
    (fake.DIED, "the file was refused", "Reading stopped at the time limit"),
    ({}, "not whole", "Try the file once more"), ({"status": "no such"}, "not whole", "Try the file once more"),
]


def test_what_is_not_read_says_why_and_what_next(open_page, gate):
    gate.cards = [card for card, _, _ in NOT_READ]
    app = open_page("upload")
    for _, title, said in NOT_READ:
        app = until_read(app.file_uploader[0].upload("model.pt", b"x").run())
        assert title in words(app)
        assert said in words(app)
        assert not alts(app)
    assert len(gate.read_paths) == len(NOT_READ)


def test_a_name_of_python_in_a_refusal_is_code_and_all_else_is_as_it_is():
    assert with_code("It asks to run `posix.system`. [x](y) `a b` `<b>`") == \
        "It asks to run `posix.system`. \\[x\\](y) \\`a b\\` \\`\\<b\\>\\`"


def test_names_of_a_hostile_file_are_drawn_as_they_are(bring):
    app = bring(fake.hostile_names(), name=fake.EVIL[0] + ".pt")
    raw = [str(e.value) for kind in (app.markdown, app.caption, app.subheader, app.error, app.warning, app.info)
           for e in kind]
    bare = re.sub(r"(`+).*?\1|\\.", "", "\n".join(raw))           # without code spans and escaped marks
    for name in fake.EVIL:
        assert name not in bare
    assert "onerror" in bare
    bars = drawn(app, "Density of each layer of the file")["data"][0]
    assert not [row for row in bars["customdata"] if "<" in str(row)]
    labels = drawn(app, "Density of each layer of the file")["layout"]["yaxis"]["ticktext"]
    assert not [text for text in labels if "<" in text]
    assert next(t for t in tables(app) if "Tensor" in t)["Tensor"].tolist() == list(fake.EVIL)


def test_thousands_of_layers_are_one_line_and_one_table(bring):
    app = bring(fake.huge(3000))
    (line,) = drawn(app, "Density of each layer of the file")["data"]
    assert len(next(t for t in tables(app) if "Tensor" in t)) == 3000
    assert line["mode"] == "lines"


def test_a_card_of_nonsense_draws_a_page(bring):
    app = bring(fake.nothing_known())
    assert not app.exception
    assert "Is it healthy?" in words(app)


def test_what_does_not_fit_is_compared_key_by_key(bring):
    app = bring(fake.unknown())
    assert "No network of this lab fits; the nearest is ResNet-20, option B shortcuts" in words(app)
    table = next(t for t in tables(app) if "Difference" in t)
    assert table["Difference"].tolist() == ["renamed", "other shape", "not in the file", "not in the network"]
    assert "Apply the renaming" not in [b.label for b in app.button]


def test_one_click_applies_the_renaming(bring, gate):
    app = bring(fake.nearly())
    gate.answers["rename"] = fake.card(name="clean", sha256="ef" * 32)
    button(app, "Apply the renaming").click().run()
    assert "ResNet-20, option A shortcuts, 10 classes" in words(until_read(app))
    ((entry, files, arguments),) = gate.asked
    assert (entry, arguments) == ("rename", {"stem.weight": "conv1.weight"})
    assert files[0].endswith(".safetensors")
    assert fake.SHA in [c.value for c in app.code]               # the file stays the file that was brought


def test_a_renaming_that_fails_is_a_sentence(bring, gate):
    app = bring(fake.nearly())
    gate.answers["rename"] = {"status": "unreadable", "reason": "No network has these tensors."}
    button(app, "Apply the renaming").click().run()
    assert "No network has these tensors." in words(until_read(app))


def test_a_directory_lists_its_levels_and_draws_the_last(bring, tmp_path, open_page, gate):
    gate.cards = [fake.DIRECTORY]
    (tmp_path / "lottery_1").mkdir()
    app = open_page("upload")
    app.button_group(key="upload.first.way").set_value("On this machine").run()
    app.text_input(key="upload.first.path").set_value(str(tmp_path / "lottery_1"))
    app = until_read(button(app, "Read").click().run())
    assert "A directory of open_lth: 4 networks" in words(app)
    members = next(t for t in tables(app) if "Level" in t)
    assert members["Density"].tolist() == pytest.approx([1.25, 1, 0.8, 0.64])
    assert (tmp_path / "lottery_1").is_dir()                     # what lies on this machine is not ours to delete
    assert "ResNet-20" in words(app)


def test_a_path_that_leads_nowhere_is_said(open_page, gate):
    app = open_page("upload")
    app.button_group(key="upload.first.way").set_value("On this machine").run()
    for path, said in (("~nosuch/x", "This cannot be a path"), ("/no/such", "There is nothing at")):
        app.text_input(key="upload.first.path").set_value(path)
        app = button(app, "Read").click().run()
        assert said in words(app)
    assert not gate.read_paths


def test_every_example_is_written_and_read(open_page, gate, tmp_path):
    app = open_page("upload")
    app.button_group(key="upload.first.way").set_value("An example").run()
    app.selectbox(key="upload.first.example").set_value("damaged").run()
    until_read(app.button(key="upload.first.example.read").click().run())
    ((_, _, content),) = gate.read_paths
    for name in ("ticket", "dense", "untrained", "damaged", "hostile"):
        upload_examples.write(name, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 30
    assert content == (tmp_path / "damaged").read_bytes()


def until_said(app, said):
    """Draw the page anew until it says so."""
    deadline = time.monotonic() + 10
    while said not in words(app) and time.monotonic() < deadline:
        app.run()
    assert said in words(app)


def test_while_it_is_read_the_page_says_so_and_can_stop(open_page, gate):
    gate.hold()
    app = open_page("upload")
    app = app.file_uploader[0].upload("big.pt", b"x").run()
    until_said(app, "taken out in a separate process")
    button(app, "Stop").click().run()
    assert "Nothing in a file is ever run" in words(app)
    gate.held.set_result(None)


def test_what_ends_while_the_page_is_drawn_is_seen(open_page, gate, monkeypatch):
    """A reading that ends after the page has looked, and before it begins to wait."""
    gate.hold()
    drawn = upload_states.reading

    def ends_now(slot, brought):
        drawn(slot, brought)
        if not gate.held.done():
            gate.held.set_result(None)
            brought.reading.future.result(timeout=20)
    monkeypatch.setattr(upload_states, "reading", ends_now)
    app = open_page("upload")
    app = app.file_uploader[0].upload("quick.pt", b"x").run()
    assert "ResNet-20" in words(app)


def test_others_before_it_are_counted(open_page, gate):
    gate.hold()
    for _ in range(upload_work.AT_ONCE):
        upload_work.begin("Reading", lambda heard: gate.held.result(timeout=20))
    pages = [open_page("upload") for _ in range(2)]
    for app in pages:
        app.file_uploader[0].upload("big.pt", b"x").run()
    assert "waits its turn: it is next" in words(pages[0])
    assert "waits its turn: 1 file before it" in words(pages[1])
    gate.held.set_result(None)
    for app in pages:
        assert "ResNet-20" in words(until_read(app))


def test_too_large_a_file_is_refused_before_it_is_copied(open_page, gate, monkeypatch):
    monkeypatch.setattr("pages.ui.upload_gate.largest", lambda: 1000)
    app = open_page("upload").file_uploader[0].upload("big.pt", bytes(2000)).run()
    assert not app.exception
    assert not gate.read_paths


def test_the_card_is_saved_as_json_under_a_harmless_name(bring):
    app = bring(name="../../<b>evil name.pt")
    (saved,) = [d for d in app.get("download_button") if "Card" in d.proto.label]
    assert saved.proto.label == "Card (JSON)"
    assert "python -m lth_engine diagnose" in " ".join(c.value for c in app.code)
    assert "<" not in next(c.value for c in app.code if "diagnose" in c.value)




def test_a_directory_becomes_a_search_of_the_levels_that_every_replicate_has():
    found = members(fake.DIRECTORY)
    assert [(f.level, f.replicate, round(f.density, 3)) for f in found] == [(0, 0, 1.0), (1, 0, 0.8), (2, 0, 0.64)]
    assert (found[2].weights, found[2].begins) == ("2f" * 32, "2e" * 32)
    search = search_of(fake.DIRECTORY, "ab" * 32, "lottery_1", Cifar10())
    assert (search.levels, search.replicates, search.model) == (2, 1, CifarResnet(depth=20))
    assert hashes(search) == {f.weights for f in found} | {f.begins for f in found}


@pytest.mark.parametrize(("places", "kept"), [
    ([(1, 1), (2, 1), (1, 2)], [(1, 0), (1, 1)]), ([(0, 0), (0, 1), (1, 0), (1, 1)], [(0, 0), (0, 1), (1, 0), (1, 1)]),
    ([(0, 0), (2, 0)], [(0, 0)]), ([(2, 0)], []), ([], []),
])
def test_levels_with_gaps_are_left_out(places, kept):
    found = without_gaps({place: File(*place, 0.5, "ab" * 32) for place in places})
    assert [(f.level, f.replicate) for f in found] == kept


@pytest.mark.parametrize(("size", "classes", "known", "names"), [
    ([1, 28, 28], 10, True, ["mnist", "fashion_mnist", "kmnist", "own_images"]),
    ([3, 32, 32], 100, False, ["cifar100", "imagenet100", "own_images"]),
    ([3, 32, 32], 10, True, ["cifar10", "svhn", "own_images"]), (None, 10, True, []),
])
def test_only_images_that_fit_are_offered(size, classes, known, names):
    card = fake.card(architecture={"input": size, "size_known": known}, classes=classes)
    assert fitting(card) == names


def test_a_file_that_was_read_is_kept_and_asked_for(bring, queue, tmp_path):
    app = bring()
    app.button(key="upload.use.bring").click().run()
    assert not app.exception
    asked = question_from_dict(dict(queue.list()[0].spec))
    (file,) = asked.search.members
    assert (file.level, file.density, file.weights) == (1, 0.107, fake.CLEAN)
    assert (asked.data.name, asked.model) == ("cifar10", CifarResnet(depth=20))
    assert (tmp_path / "data" / "checkpoints" / f"{fake.CLEAN}.safetensors").read_bytes() == b"clean"
    assert "In the lab: resnet20.pt" in words(app)
    app.button(key="upload.lab.hessian_trace").click().run()
    assert queue.list()[0].kind == "hessian_trace"


def test_a_link_to_a_file_that_is_not_in_the_lab_says_so(open_page, gate):
    assert "holds no file that was brought" in words(open_page("upload", search="0123456789abcdef01234567"))


def test_what_was_brought_is_deleted_when_its_visit_has_ended(monkeypatch):
    folder = Folder()
    monkeypatch.setattr("pages.ui.upload_end._folders", {"here": weakref.ref(folder)})
    for active, now in ((True, 0), (False, 10), (True, 20), (False, 60), (False, 119)):
        upload_end.close_left(lambda session, active=active: active, now)
        assert folder.path.is_dir()
    upload_end.close_left(lambda session: False, 121)
    assert not folder.path.exists()


def test_spectra_are_asked_by_a_click_and_drawn_beside_noise(bring, gate):
    gate.answers["spectra"] = fake.SPECTRA
    app = bring()
    assert not [a for a in alts(app) if "noise" in a]
    app = until_read(app.button(key="upload.spectra.ask").click().run())
    assert gate.asked[0][0] == "spectra"
    said = words(app)
    assert "1 of 2 layers has a heavy tail, with its exponent: layer1.0.conv1.weight (2.41 ± 0.20)." in \
        said.replace("**", "")
    names = [t["name"] for t in drawn(app, "Eigenvalues of the layer beside those of noise")["data"]]
    assert "power law, exponent 2.41" in names
    app.selectbox(key="upload.spectra.layer").set_value(0).run()
    assert "No exponent is told." in words(app)
    names = [t["name"] for t in drawn(app, "Eigenvalues of the layer beside those of noise")["data"]]
    assert names == ["noise of this variance", "eigenvalues of this layer"]


def test_a_question_that_failed_is_a_sentence(bring, gate):
    gate.answers["spectra"] = {"status": "unreadable", "reason": "Reading stopped at the time limit (120 s)."}
    app = until_read(bring().button(key="upload.spectra.ask").click().run())
    assert "Reading stopped at the time limit (120 s)." in words(app)


def test_speed_is_measured_by_a_click_with_the_sentence(bring, gate):
    gate.answers["speed"] = fake.SPEED
    app = until_read(bring().button(key="upload.speed.ask").click().run())
    said = words(app)
    assert "Zeros at single places do not speed up dense kernels." in said
    assert "2.1 ms" in said
    assert "10 %" in said                                         # 8e6 of 8e7 operations
    (bars,) = drawn(app, "Size of the network, stored in several ways")["data"]
    assert bars["x"] == pytest.approx([1.0, 0.3, 0.21, 0.13])


def test_two_files_are_compared_in_words_and_layer_by_layer(bring, gate):
    gate.answers["compare"] = fake.COMPARED
    app = bring()
    app = until_read(app.file_uploader[-1].upload("other.pt", b"others").run())
    said = words(app)
    assert "One was trained further from the other." in said
    assert "98% of the 80 have the same sign." in said
    figure = drawn(app, "Signs and masks in common, layer by layer, beside chance")
    assert [t["name"] for t in figure["data"]] == ["same sign", "same sign, by chance", "kept by both",
                                                   "kept by both, by chance"]
    assert figure["data"][3]["x"] == pytest.approx([100 * 20 / 280] * 2)  # 300 kept in all, 20 of them twice
    differ = next(t for t in tables(app) if "Difference" in t)
    assert differ["Difference"].tolist() == ["only in the first", "only in the second", "other shape"]
    assert [entry for entry, _, _ in gate.asked] == ["compare"]


def test_the_whole_card_can_be_seen_in_teaching_mode(bring):
    assert "ResNet-20" in words(bring(teach="1"))


def test_what_nobody_expected_is_a_sentence_and_a_line_of_the_log(monkeypatch, tmp_path, caplog):
    def broken(*arguments, **more):
        raise ZeroDivisionError("secret")
    monkeypatch.setattr("lth_engine.gate.ask.inspect", broken)
    monkeypatch.setattr("lth_engine.gate.ask.ask", broken)
    reading = upload_gate.read(tmp_path / "x.pt", "x.pt", tmp_path / "clean", lambda: 1000, lambda said: None)
    answer = upload_gate.ask("speed", [], {}, lambda said: None)
    for said in (reading.card, answer):
        assert said["status"] == "unreadable"
        assert "The lab itself failed" in said["reason"]
        assert "secret" not in said["reason"]
    assert "secret" in caplog.text


def test_health_on_images_is_a_tab_that_a_link_opens(open_page, store, gate):
    question = DataHealth(of=SEARCH.run(2, 0))
    store.put(question, Answer(fake.health_arrays(), fake.HEALTH_SUMMARY), parents={}, provenance=PROVENANCE)
    app = open_page("upload", ask=question.key)
    said = words(app)
    for number in ("95.6 %", "86.7 %", "2.1 %", "below 2.5 % by chance alone",
                   "It does better with pixels from 0 to 1."):
        assert number in said
    classes = drawn(app, "Accuracy of each class, the worst first")
    assert classes["data"][0]["x"] == pytest.approx([86.7, 100])
    assert classes["layout"]["yaxis"]["ticktext"] == ["&lt;img src=x onerror=alert(1)&gt;", "b"]
    right = drawn(app, "How often it is right, over how sure it is")["data"][2]
    assert (right["x"], right["y"]) == (pytest.approx([55, 97]), pytest.approx([40, 99]))
    taken = drawn(app, "Which class is answered for which")["data"][0]
    assert taken["z"][0] == pytest.approx([86.667, 13.333, 0])
