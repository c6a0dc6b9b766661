"""Flags mean what the specs declare, and a wrong one says what to write instead."""

from __future__ import annotations

import pytest

from lth_engine.cli.addresses import Setting, settings
from lth_engine.cli.explain import explain
from lth_engine.cli.flags import Flag, apply_flags, read_flags
from lth_engine.core.errors import BadInput
from lth_engine.core.step import Step
from lth_engine.specs.finding import OneShot
from lth_engine.specs.phases import Own, Same
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.schedules import MultiStep
from lth_engine.specs.scorers import RandomScore
from lth_engine.specs.tickets import Run
from tests.specs.members import others


def asked(line: str, question: Question | None = None) -> Question:
    return apply_flags(question or TicketSearch(), read_flags(line.split()))


def search(line: str) -> TicketSearch:
    question = asked(line)
    assert isinstance(question, TicketSearch)
    return question


PLAIN = {path: setting for path, setting in settings(TicketSearch()).items() if not setting.picks}


def words(setting: Setting, value: object) -> str:
    """A value as a person types it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("path", sorted(PLAIN))
def test_every_setting_can_be_set_by_its_path(path: str) -> None:
    setting = PLAIN[path]
    assert asked(f"--{path} {words(setting, setting.value)}") == TicketSearch()
    made = 0
    for value in others(setting.knob):
        if " " in words(setting, value):
            continue
        try:
            question = asked(f"--{path} {words(setting, value)}")
        except BadInput:
            continue  # not alone: a rewind point that is not before the end
        assert settings(question)[path].value == value
        made += 1
    assert made


def test_members_are_picked_from_the_outside_in() -> None:
    question = search("--scorer random --search one_shot --fraction 0.5 --schedule multistep --milestones 5ep 7ep")
    assert question.search == OneShot(scorer=RandomScore(), fraction=0.5)
    assert question.training.schedule == MultiStep(milestones=(Step(5), Step(7)))
    assert question.model == TicketSearch().model


def test_short_names_dashes_equals_and_switches() -> None:
    question = search("--lr=0.3 --batch-size 32 --optimizer.momentum 0 --flip --model cifar_resnet --depth 8 --seed 4")
    assert question.training.optimizer.lr == 0.3
    assert (question.training.batch_size, question.training.flip, question.seed) == (32, True, 4)
    assert question.model.to_dict()["depth"] == 8
    assert search("--no-flip").training.flip is False
    assert search("--flip no").training.flip is False
    assert search("--controls none").controls == ()
    assert search("--controls random_mask redrawn") == search("--controls random_mask,redrawn")


def test_picking_the_same_member_keeps_its_settings() -> None:
    question = search("--model cifar_resnet --depth 8")
    assert apply_flags(question, read_flags(["--model", "cifar_resnet"])) == question
    assert apply_flags(question, read_flags(["--model", "conv"])).to_dict()["model"]["layers"] == 2


def test_other_questions_have_flags_too() -> None:
    question = asked("--order_seed 3 --ticket.init_seed 5", Run())
    assert isinstance(question, Run)
    assert (question.order_seed, question.ticket.dense.init_seed) == (3, 5)


@pytest.mark.parametrize(("line", "text"), [
    ("--levls 3", r"Unknown flag --levls\. Did you mean --levels\?"),
    ("--depth 20", r"--depth is a setting of cifar_resnet, but --model is lenet_300_100\. Add --model cifar_resnet"),
    ("--milestones 5ep", r"--milestones is a setting of multistep, but --schedule is cosine\. Add --schedule multi"),
    ("--nesterov --optimizer adam", r"--nesterov is a setting of sgd, but --optimizer is adam"),
    ("--rho 0.1", r"--rho is a setting of sam, but --flatness is none\. Add --flatness sam"),
    ("--mask-search.length 5ep", r"is a setting of own, but --mask_search is same\. Add --mask_search own"),
    ("--mask-search own --mask-search.training.rho 1", r"of sam, but --mask_search\.training\.flatness is none"),
    ("--levels x", r"levels must be a whole number\. Got 'x'"),
    ("--levels 1.5", r"levels must be a whole number\. Got '1\.5'"),
    ("--lr fast", r"sgd\.lr must be a number\. Got 'fast'"),
    ("--lr nan", r"sgd\.lr must be in"),
    ("--levels", r"--levels takes one value\. Got none"),
    ("--levels 1 2", r"--levels takes one value\. Got 1 2"),
    ("--levels 1 --levels 2", r"--levels is given twice"),
    ("--lr 1 --optimizer.lr 1", r"--lr and --optimizer\.lr are the same setting"),
    ("--model", r"--model takes one name"),
    ("--model lenet", r"Unknown model: 'lenet'\..*Known: .*lenet_300_100"),
    ("--training fast", r"Unknown flag --training\. It is a group of settings: set one of them, like --training\."),
    ("--flip maybe", r"--flip is true or false"),
    ("--no-levels", r"Unknown flag --no-levels"),
    ("--length soon", r"training\.length.*Got 'soon'"),
    ("--controls redrawing", r"Did you mean redrawn"),
    ("3", r"'3' belongs to no flag"),
    ("--rewind 20ep", r"is not before the end of training"),
])
def test_wrong_flags_say_what_to_write(line: str, text: str) -> None:
    with pytest.raises(BadInput, match=text):
        asked(line)


def test_ambiguous_names_list_the_paths() -> None:
    with pytest.raises(BadInput, match=r"--length could be --ticket\.training\.length or --training\.length"):
        asked("--length 3ep", Run())


def test_short_names_mean_the_training_that_is_reported() -> None:
    question = search("--mask-search own --mask-search.length 30ep --length 10ep --momentum 0.5 --rewind 1ep")
    assert (question.training.length, question.mask_training.length) == (Step(10), Step(30))
    assert question.search.rewind == Step(1)
    assert question.training.optimizer.to_dict()["momentum"] == 0.5


def test_a_phase_begins_with_the_training_that_is_reported() -> None:
    question = search("--mask-search own --mask-search.training.optimizer.momentum 0 --lr 0.3 --batch-size 32")
    training = question.training
    assert question.mask_search == Own(training=training.replace(optimizer=training.optimizer.replace(momentum=0.0)))
    assert question.pretraining == Same()
    again = apply_flags(question, read_flags(["--mask-search", "own", "--lr", "0.2"]))
    assert isinstance(again, TicketSearch)
    assert again.mask_search == question.mask_search, "picking the same member keeps its settings"


def test_a_name_that_two_phases_have_is_ambiguous() -> None:
    flags = "--pretraining own --pretraining.term l2_init --mask-search own --mask-search.term l2_init"
    with pytest.raises(BadInput, match=r"--strength could be --pretraining\.training\.term\.strength or --mask"):
        apply_flags(search(flags), read_flags(["--strength", "1"]))


def test_words_are_cut_into_flags() -> None:
    assert read_flags(["--a", "1", "-2", "--b=x=y", "--c"]) == [
        Flag("a", ("1", "-2")), Flag("b", ("x=y",)), Flag("c", ())]


@pytest.mark.parametrize("line", ["", "--search one_shot --model conv --schedule multistep --data own_images"])
def test_help_explains_every_setting(line: str) -> None:
    question = asked(line)
    text = explain(question)
    flat = " ".join(text.split())
    for path, setting in settings(question).items():
        assert f"--{path}" in text
        assert setting.knob.help in flat
        assert setting.knob.bounds in flat


def test_a_rewind_point_is_judged_with_the_phases_as_they_are_asked_for() -> None:
    line = ("--length 2ep --whole --rewind 4ep --pretraining own --pretraining.training.length 5ep "
            "--mask_search own --mask_search.training.length 6ep")
    search = apply_flags(TicketSearch(), read_flags(line.split()))
    assert (str(search.search.rewind), str(search.training.length)) == ("4ep", "2ep")
