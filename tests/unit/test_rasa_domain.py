"""The Rasa server knows the same intents and the names of the catalogue."""

from pathlib import Path

import yaml

from nlu.rasa_domain import _LOADER, CATALOGUE, DOMAIN, SOURCE, TABLES, catalogue, domain, names


def test_the_domain_is_the_one_that_the_intents_give() -> None:
    assert DOMAIN.read_text("utf-8") == domain(), "run python -m nlu.rasa_domain"


def test_the_names_are_those_of_the_catalogue() -> None:
    assert CATALOGUE.read_text("utf-8") == catalogue(), "run python -m nlu.rasa_domain"


def test_every_key_has_a_synonym_and_every_name_is_in_its_table() -> None:
    blocks = yaml.load(catalogue(), Loader=_LOADER)["nlu"]
    tables = {block["lookup"]: _lines(block) for block in blocks if "lookup" in block}
    synonyms = [(block["synonym"], _lines(block)) for block in blocks if "synonym" in block]
    assert set(tables) == set(TABLES)
    for entity, listed in TABLES.items():
        rows = yaml.load((SOURCE / f"{listed}.yml").read_text("utf-8"), Loader=_LOADER)[listed]
        for row in rows:
            own = [examples for key, examples in synonyms if key == row["key"]]
            assert any(row["name"]["zh"] in examples for examples in own), row["key"]
            assert row["name"]["zh"] in tables[entity]


def test_a_name_means_one_thing_only(tmp_path: Path) -> None:
    for file, key in (("services", "bath"), ("faults", "drain"), ("places", "bath_house")):
        row = {"key": key, "name": {"zh": f"名{key}", "en": key}, "names": ["浴室", "Bath", "BATH"]}
        (tmp_path / f"{file}.yml").write_text(yaml.safe_dump({file: [row]}, sort_keys=False), "utf-8")
    assert names(tmp_path) == {
        "service": {"bath": ("名bath", "bath", "浴室")},
        "fault": {"drain": ("名drain", "drain")},
        "place": {"bath_house": ("名bath_house", "bath_house")},
    }


def test_no_name_of_the_catalogue_can_be_read_as_a_mark() -> None:
    every = [name for keys in names().values() for own in keys.values() for name in own]
    assert len(every) > 1000
    assert not [name for name in every if set(name) & set("[](){}\n")]


def _lines(block: dict[str, str]) -> list[str]:
    return [line.removeprefix("- ") for line in block["examples"].splitlines()]
