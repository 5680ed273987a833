"""What every northbound test starts from."""

from tests.e2e.conftest import simulators

__all__ = ["simulators"]
