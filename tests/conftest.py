from tests.engines.postgres import postgres, postgres_database

__all__ = ["postgres", "postgres_database"]
