"""The steps of the models are those of docs/channels.md."""

from __future__ import annotations

from interop.models.steps import defined_steps, modeled_steps


def test_every_step_of_the_page_is_in_a_model() -> None:
    assert defined_steps() - set().union(*modeled_steps().values()) == set()


def test_the_models_have_no_step_that_the_page_does_not_define() -> None:
    wrong = {name: steps - defined_steps() for name, steps in modeled_steps().items()}
    assert {name: steps for name, steps in wrong.items() if steps} == {}


def test_the_page_has_the_steps_of_each_actor() -> None:
    first = {"W1", "G1", "R1", "P1", "C1", "S1", "T1"}
    last = {"W10", "G7", "R5", "P6", "C5", "S6", "T5"}
    assert first | last <= defined_steps()
    assert len(defined_steps()) == sum(int(step[1:]) for step in last)
