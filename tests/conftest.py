from tests.engines.postgres import postgres, postgres_database
from tests.engines.seaweed import seaweed

__all__ = ["postgres", "postgres_database", "seaweed"]
