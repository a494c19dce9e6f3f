from tests.engines.postgres import postgres
from tests.engines.seaweed import seaweed

__all__ = ["postgres", "seaweed"]
