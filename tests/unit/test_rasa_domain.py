"""The Rasa server knows the same intents."""

from nlu.rasa_domain import DOMAIN, domain


def test_the_domain_is_the_one_that_the_intents_give() -> None:
    assert DOMAIN.read_text("utf-8") == domain(), "run python -m nlu.rasa_domain"
