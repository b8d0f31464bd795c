"""Every test of the ledger runs against both engines: the specification and the native core."""

import pytest
from tests.ledger.worlds import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request) -> str:
    return request.param


@pytest.fixture(params=ENGINES, scope="module")
def module_engine(request) -> str:
    return request.param
