"""Every optimizer, flatness and term, with settings that move weights far within a few steps."""

from lth_engine.core.spec import catalogue
from lth_engine.specs.flatness import NoFlatness, Nvrm, Sam
from lth_engine.specs.optimizers import Adam, Sgd
from lth_engine.specs.terms import L2Init, L2Norm, LearningDistance, NoTerm

OPTIMIZERS = {"torch": Sgd(lr=0.1, weight_decay=1e-2), "paper": Sgd(lr=0.1, form="paper", weight_decay=1e-2),
              "nesterov": Sgd(lr=0.05, nesterov=True), "plain": Sgd(lr=0.1, momentum=0.0, weight_decay=0.0),
              "adam": Adam(lr=0.01, weight_decay=1e-2)}
FLATNESS = {"none": NoFlatness(), "sam": Sam(rho=0.1), "nvrm": Nvrm(scale=0.02)}
TERMS = {"none": NoTerm(), "l2_init": L2Init(strength=0.05), "l2_norm": L2Norm(strength=0.05),
         "learning_distance": LearningDistance(tau=0.3)}

for _family, _members in {"optimizer": OPTIMIZERS, "flatness": FLATNESS, "term": TERMS}.items():
    assert {m.name for m in _members.values()} == set(catalogue(_family)), f"a new {_family} must be tested here too"
