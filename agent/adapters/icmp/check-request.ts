import type { EchoRequest } from '../../ports/echo.ts';

const MAX_COUNT = 1_000;
const MAX_MS = 3_600_000;

/** One impossible number would stop the thread for everybody, so it is refused here. */
export function nonsenseIn(request: EchoRequest): string | undefined {
  const { count, spacing, timeout, suspectAfter = 0, port = 1, dscp = 0 } = request;
  const isIn = (value: number, from: number, to: number): boolean => value >= from && value <= to;
  if (!Number.isInteger(count) || !isIn(count, 1, MAX_COUNT)) return `count: ${count}`;
  const times = { spacing, timeout, suspectAfter };
  for (const [name, ms] of Object.entries(times)) {
    if (!isIn(ms, 0, MAX_MS)) return `${name}: ${ms} ms`;
  }
  if (!Number.isInteger(port) || !isIn(port, 1, 65_535)) return `port: ${port}`;
  return Number.isInteger(dscp) && isIn(dscp, 0, 63) ? undefined : `dscp: ${dscp}`;
}
