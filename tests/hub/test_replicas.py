"""Several processes of the job service: what the proxy is told. That it works is tried in test_upgrade.py."""

from __future__ import annotations

from typing import Any

import pytest

from speaksep_hub.proxy.replicas import shared_routes
from speaksep_hub.settings import Settings


def routes(*replicas: str, **hub: Any) -> dict[str, Any]:
    told = Settings.model_validate({"hub": {"services": "elsewhere", **hub}, "service": {"replicas": replicas}})
    return shared_routes(told)


def test_one_process_needs_nothing() -> None:
    assert routes() == {}


def test_all_are_asked_whether_they_are_ending_and_what_none_took_goes_to_the_next() -> None:
    told = routes("http://10.0.0.2:8010", "http://10.0.0.3:8010/", url="https://h.example.org/speech")["http"]
    (service,) = told["services"].values()
    servers = [each["url"] for each in service["loadBalancer"]["servers"]]
    assert servers == ["http://127.0.0.1:8010", "http://10.0.0.2:8010", "http://10.0.0.3:8010"]
    assert service["loadBalancer"]["healthCheck"]["path"] == "/speech/services/speaksep/ready?only=process"
    (router,) = told["routers"].values()
    assert router["rule"] == "PathPrefix(`/speech/services/speaksep/`)"
    assert told["middlewares"][router["middlewares"][0]] == {"retry": {"attempts": 3}}


def test_a_service_with_a_host_of_its_own_keeps_it() -> None:
    told = routes("http://10.0.0.2:8010", url="https://h.example.org", subdomains=True)["http"]
    (router,) = told["routers"].values()
    assert router["rule"] == "Host(`speaksep--service.h.example.org`) && PathPrefix(`/services/speaksep/`)"


@pytest.mark.parametrize("address", ["8020", "127.0.0.1:8020", "http://h:1/path", "ftp://h:1", "http://h:1?x=1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not an address such as"):
        routes(address)
