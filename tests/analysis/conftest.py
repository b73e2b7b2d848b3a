"""What the tests of this folder share: budgets that no clock ends."""

from tests.patience import operations_decide

__all__ = ["operations_decide"]
