"""Real clients against a real server, without the gateway and through it.

Whatever a client sees must be the same both ways; then the gateway gets rules, and the client
must see refusals while its session goes on. The client library of Invariant Explorer must find
what it expects of one. Exits with 1 if a scenario fails.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio

import explorer
import inspector
import pairs
import python_client
import sdk
import stateless
from python_client import Scenario
from report import Report, described
from routes import POLICY, Installation, Route, Started, direct, guarded, lines

Outcome = tuple[Any, str | None]


async def outcomes(route: Route, scenarios: list[Scenario]) -> list[Outcome]:
    """What each scenario returned, or how it failed; in one session."""
    found: list[Outcome] = []
    try:
        async with python_client.connect(route) as talk:
            for scenario in scenarios:
                try:
                    with anyio.fail_after(python_client.SCENARIO_SECONDS):
                        found.append((await scenario(talk), None))
                except Exception as error:
                    found.append((None, f"{route.name}: {described(error)}"))
    except Exception:
        # This client breaks when the server says something while it is leaving.
        if len(found) < len(scenarios):
            raise
    return found


def title(client: str, scenario: Scenario) -> str:
    return f"{client}: {scenario.__name__.replace('_', ' ')}"


async def compare_python(installation: Installation, directory: Path, report: Report) -> None:
    found: dict[str, list[Outcome]] = {}

    async def follow(route: Route) -> None:
        found[route.name] = await outcomes(route, python_client.SCENARIOS)

    routes = [direct(installation, directory), guarded(installation, directory)]
    async with anyio.create_task_group() as both:
        for route in routes:
            both.start_soon(follow, route)
    per_scenario = zip(python_client.SCENARIOS, found["direct"], found["guarded"], strict=True)
    for scenario, (alone, failed_alone), (seen, failed) in per_scenario:
        differs = None if alone == seen else f"direct {alone}, through the gateway {seen}"
        report.add(title("python", scenario), failed_alone or failed or differs)
    report.check("python: every byte passes unchanged", lambda: compare_bytes(routes[1]))


def compare_bytes(route: Started) -> None:
    assert route.outside is not None
    sent, arrived = lines(route.outside, b">"), lines(route.inside, b">")
    assert sent and sent == arrived, f"the client sent {sent}, the server got {arrived}"
    sent, arrived = lines(route.inside, b"<"), lines(route.outside, b"<")
    # The server may have said something while the client was leaving.
    passed = sent[: len(arrived)]
    assert arrived and passed == arrived, f"the server sent {sent}, the client got {arrived}"


async def refuse_python(route: Route, scenarios: list[Scenario], report: Report) -> None:
    found = await outcomes(route, scenarios)
    for scenario, (_, failed) in zip(scenarios, found, strict=True):
        report.add(title(f"python, {route.name}", scenario), failed)


def run_inspector(installation: Installation, directory: Path, report: Report) -> None:
    alone, through = direct(installation, directory), guarded(installation, directory)
    ruled = guarded(installation, directory, "ruled", ["--policy", str(POLICY)])
    config = inspector.configuration([alone, through, ruled], directory)

    def same(method: str, options: list[str]) -> None:
        def ask(route: Route) -> Any:
            return inspector.ask(installation, config, route, method, options)

        with ThreadPoolExecutor() as both:
            expected, seen = both.map(ask, [alone, through])
        assert expected[0] == 0, f"direct: {expected}"
        assert expected == seen, f"direct {expected}, through the gateway {seen}"

    def refused() -> None:
        call = inspector.REFUSED_CALL
        seen = inspector.ask(installation, config, ruled, "tools/call", call)
        assert "the word is forbidden" in str(seen), seen

    for method, options in inspector.COMMANDS.items():
        report.check(f"inspector: {method}", lambda: same(method, options))
    report.check("inspector, ruled: refused call", refused)


async def compare_pairs(installation: Installation, directory: Path, report: Report) -> None:
    async def follow_python(route: Route) -> dict[str, Outcome]:
        scenarios = python_client.SCENARIOS
        found = await outcomes(route, scenarios)
        return {s.__name__.replace("_", " "): o for s, o in zip(scenarios, found, strict=True)}

    async with pairs.bench(installation, directory) as bench:
        found = await bench.pairs()
        clients = {
            "python": follow_python,
            "typescript": pairs.typescript(installation),
            "inspector": pairs.inspect(installation, directory, found),
        }
        for client, follow in clients.items():
            await pairs.compare(found, client, follow, report)
        rust = pairs.rust(installation)
        await pairs.compare(pairs.without_sse(found), "rust", rust, report)


async def run(installation: Installation, directory: Path) -> bool:
    report = Report()
    await compare_python(installation, directory, report)
    rules = ["--policy", str(POLICY)]
    ruled = guarded(installation, directory, "rules", rules)
    await refuse_python(ruled, python_client.REFUSALS, report)
    strict = guarded(installation, directory, "errors", [*rules, "--on-violation", "error"])
    await refuse_python(strict, python_client.REFUSALS_AS_ERRORS, report)
    run_inspector(installation, directory, report)
    await anyio.to_thread.run_sync(sdk.run, installation, directory, report)
    await compare_pairs(installation, directory, report)
    await stateless.run(installation, directory, report)
    await explorer.run(installation, directory, report)
    print(f"real clients: {report.passed} scenarios passed, {report.failed} failed")
    return report.failed == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portcullis", type=Path, required=True)
    parser.add_argument("--node-modules", type=Path, required=True)
    parser.add_argument("--rmcp-client", type=Path, required=True)
    arguments = parser.parse_args()
    installation = Installation(
        arguments.portcullis, arguments.node_modules, arguments.rmcp_client
    )
    with tempfile.TemporaryDirectory(prefix="portcullis-clients-") as directory:
        return 0 if anyio.run(run, installation, Path(directory)) else 1


if __name__ == "__main__":
    sys.exit(main())
