"""What came of the scenarios."""

from collections.abc import Callable

SHOWN_CHARACTERS = 2_000


class Report:
    """Counts scenarios and prints a line for each."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def add(self, name: str, failure: str | None) -> None:
        if failure is None:
            self.passed += 1
            print(f"ok      {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {name}: {failure[:SHOWN_CHARACTERS]}", flush=True)

    def check(self, name: str, scenario: Callable[[], None]) -> None:
        try:
            scenario()
        except Exception as error:
            self.add(name, described(error))
        else:
            self.add(name, None)


def described(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
