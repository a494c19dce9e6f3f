"""Lets every call of every act to each engine fail in every way, and prints what came of it."""

import argparse
import asyncio
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.crash.caretaker import clean
from tests.crash.inspection import inspect
from tests.crash.pairs import Remote
from tests.crash.processes import Nursery
from tests.engines.postgres import Postgres
from tests.engines.seaweed import Seaweed
from tests.faults.errands import ACT_NAMES, BY_NAME
from tests.faults.fates import Fate
from tests.faults.stand import ENGINES, stand_on
from tests.faults.trials import Trials


async def _run(engines: list[str], acts: list[str]) -> int:
    wrong = 0
    with (
        tempfile.TemporaryDirectory(prefix="scelle-faults-") as folder,
        closing(Seaweed(volume_mib=1024)) as seaweed,
        closing(Postgres()) as postgres,
        closing(Nursery()) as nursery,
    ):
        seaweed.start()
        pair = Remote(Path(folder), postgres, seaweed)
        for engine in engines:
            for name in acts:
                async with stand_on(nursery, pair, postgres, seaweed) as stand:
                    trials = Trials(stand, engine, BY_NAME[name])
                    await trials.rehearse()
                    faults = []
                    for fate in Fate if trials.calls else ():
                        figures = await trials.run(fate)
                        faults += figures.faults
                        sys.stdout.write(
                            f"{engine:10} {name:31} {fate:8} {figures.trials:4} calls, "
                            f"{figures.acknowledged} acknowledged, {figures.refused} refused, "
                            f"{figures.kept} of these done, {len(figures.faults)} faults\n"
                        )
                        sys.stdout.flush()
                    faults += (await inspect(stand.site, receipts=stand.receipts))[0]
                    await clean(nursery, stand.site)
                    found, left = await inspect(stand.site, receipts=stand.receipts)
                    for fault in [*faults, *found, *left.faults]:
                        sys.stdout.write(f"{engine}, {name}: {fault.kind.value}: {fault.what}\n")
                        wrong += 1
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--act", choices=ACT_NAMES, action="append")
    asked = parser.parse_args()
    return int(asyncio.run(_run(asked.engine or list(ENGINES), asked.act or ACT_NAMES)) > 0)


if __name__ == "__main__":
    sys.exit(main())
