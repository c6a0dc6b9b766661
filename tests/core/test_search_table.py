"""The table of a search: its rows are the runs that are there, its columns their numbers."""

import numpy as np

from lth_engine.core.search_table import rows_where, search_table, variants, with_above_dense

RUNS = {
    (1, 0, "ticket"): {"density": 0.8, "test_accuracy": 0.9, "steps": 3, "rewind_exact": True, "thinnest_layer": "a"},
    (0, 0, "ticket"): {"density": 1.0, "test_accuracy": 0.95, "steps": 4, "rewind_exact": True, "thinnest_layer": "b"},
    (1, 0, "random_mask"): {"density": 0.8, "test_accuracy": 0.7, "steps": 5, "rewind_exact": False},
}


def test_rows_are_sorted_and_typed():
    table = search_table(RUNS, {(1, 0, "ticket"): "abc"})
    assert table["level"].tolist() == [0, 1, 1]
    assert table["variant"].tolist() == [b"ticket", b"random_mask", b"ticket"]
    assert table["key"].tolist() == [b"", b"", b"abc"]
    assert table["test_accuracy"].tolist() == [0.95, 0.7, 0.9]
    assert table["steps"].dtype == np.int64
    assert table["rewind_exact"].dtype == np.bool_
    assert table["thinnest_layer"].tolist() == [b"b", b"", b"a"]
    assert len({len(c) for c in table.values()}) == 1


def test_a_number_that_a_run_lacks_is_nan():
    table = search_table({(0, 0, "ticket"): {"loss": 1.0}, (0, 1, "ticket"): {}})
    assert np.isnan(table["loss"][1])
    assert table["loss"][0] == 1.0


def test_an_empty_search_has_empty_columns():
    table = search_table({})
    assert all(len(c) == 0 for c in table.values())
    assert variants(table) == []


def test_rows_of_a_variant():
    table = search_table(RUNS)
    assert variants(table) == ["ticket", "random_mask"]
    assert rows_where(table, "ticket")["level"].tolist() == [0, 1]
    assert rows_where(table, "ticket", 1)["test_accuracy"].tolist() == [0.9]


def test_accuracy_above_the_dense_network_is_of_the_same_replicate():
    accuracies = {(0, 0, "ticket"): 0.5, (0, 1, "ticket"): 0.75, (2, 0, "ticket"): 0.625, (2, 1, "ticket"): 0.25,
                  (2, 0, "random_mask"): 0.125, (2, 2, "ticket"): 0.5}
    table = with_above_dense(search_table({cell: {"test_accuracy": value} for cell, value in accuracies.items()}))
    found = dict(zip(sorted(accuracies), table["above_dense"].tolist(), strict=True))
    assert np.isnan(found.pop((2, 2, "ticket"))), "the dense network of replicate 2 has not been trained"
    assert found == {(0, 0, "ticket"): 0.0, (0, 1, "ticket"): 0.0, (2, 0, "ticket"): 0.125, (2, 1, "ticket"): -0.5,
                     (2, 0, "random_mask"): -0.375}


def test_without_any_dense_network_there_is_no_such_column():
    table = search_table({(1, 0, "ticket"): {"test_accuracy": 0.5}})
    assert "above_dense" not in with_above_dense(table)


def test_without_accuracies_nothing_lies_above_the_dense_network():
    table = search_table({(0, 0, "ticket"): {"loss": 1.0}})
    assert with_above_dense(table) is table
