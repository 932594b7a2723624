import { echoCapabilities } from '../../agent/adapters/icmp/capabilities.ts';
import { openEchoEngine } from '../../agent/adapters/icmp/echo-engine.ts';
import type { EchoRequest } from '../../agent/ports/echo.ts';

/**
 * Runs rounds in a process of its own, which the tests put into a namespace or under fewer rights:
 * `node agent-icmp-program.ts '[{"kind":"icmp",…}]'` prints names, rounds and suspicions as JSON.
 */
const orders = JSON.parse(process.argv[2] ?? '[]') as EchoRequest[];
const { icmp, stamp } = await openEchoEngine();
const startedAt = performance.now();
const rounds = await Promise.all(
  orders.map(async (order) => {
    let suspectedAfter: number | undefined;
    const onSuspect = (): void => {
      suspectedAfter = performance.now() - startedAt;
    };
    const engine = order.kind === 'icmp' ? icmp : stamp;
    const round = await engine.measure({ ...order, onSuspect });
    const rttMs = Array.from(round.rttMs, (ms) => (Number.isNaN(ms) ? 'lost' : ms));
    return { ...round, rttMs, suspectedAfter };
  }),
);
const capabilities = await echoCapabilities();
const { name, note } = icmp;
await icmp.close();
await stamp.close();
process.stdout.write(JSON.stringify({ name, note, stamp: stamp.name, capabilities, rounds }));
