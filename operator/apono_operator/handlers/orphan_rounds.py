"""When roles without a connector are looked for: at the start, and then daily."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from apono_operator.adapters.errors import FencedError
from apono_operator.adapters.priority import PRIORITY, Priority
from apono_operator.reconciler.orphans import DAY, OrphanSearch


@dataclass(frozen=True)
class OrphanRounds:
    """Searches in a thread beside those of passes, which it never keeps waiting. All times in seconds.

    Attributes:
        search: What it calls, one call at a time.
        settling: Between finding and telling: IAM may show a role for a moment that it has deleted.
        period: Between searches; up to a tenth more, so that operators drift apart.
        retry: After the first failure in a row; it doubles with each, up to the period.
    """

    search: OrphanSearch
    settling: float = 10.0
    period: float = DAY
    retry: float = 300.0

    async def run(self) -> None:
        """Search again and again until cancelled."""
        PRIORITY.set(Priority.ROUTINE)
        failures = 0
        while True:
            failures = 0 if await self._round() else failures + 1
            await asyncio.sleep(self._pause(failures))

    async def _round(self) -> bool:
        """Search and tell; return whether that succeeded."""
        try:
            found = await asyncio.to_thread(self.search.find)
            if found:
                await asyncio.sleep(self.settling)
                await asyncio.to_thread(self.search.tell, found)
        except FencedError:
            return True  # the process is ending
        except Exception as failure:  # noqa: BLE001 -- whatever it is, the next search must come
            self.search.complain(failure)
            return False
        return True

    def _pause(self, failures: int) -> float:
        if failures:
            return min(self.retry * 2.0 ** min(failures - 1, 32), self.period)
        return self.period * random.uniform(1.0, 1.1)  # noqa: S311 -- spreads load, guards nothing
