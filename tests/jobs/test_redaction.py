"""No secret is shown."""

import pytest

from jobs.redaction import hide, without_secrets


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://hooks.example.org/services/T0/s3cret", "https://hooks.example.org/***"),
        ("https://user:s3cret@example.org:8443/?token=s3cret#s3cret", "https://example.org/***"),
        ("mailto://me:s3cret@example.org", "mailto://***"),
        ("tgram://s3cret/12345", "tgram://***"),
        ("https://[s3cret", "https://***"),
        ("s3cret", "***"),
        ("", ""),
    ],
)
def test_of_an_address_only_the_kind_and_a_web_host_are_shown(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


def test_parts_of_an_address_are_hidden_in_strangers_texts_also_where_they_are_quoted() -> None:
    addresses = ["https://me:pass%40word@example.org/s3cret-token?key=another1"]
    text = "POST https://example.org/s3cret-token?key=another1 as me with pass@word: no"
    assert hide(text, addresses) == "POST https://example.org/***?key=*** as me with ***: no"
    assert hide(f"to {addresses[0]}!", addresses) == "to ***!"
