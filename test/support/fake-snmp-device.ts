import { createSnmpEngine } from '../../agent/adapters/snmp/snmp-engine.ts';
import type { InterfaceRow, SnmpReader } from '../../agent/ports/snmp.ts';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import {
  type FakeAgent,
  type FakeAgentOptions,
  type FakeInterface,
  startFakeAgent,
} from './fake-snmp-agent.ts';

export interface FakeDevice {
  readonly agent: FakeAgent;
  readonly reader: SnmpReader;
  /** What the reader found odd, one entry per call. */
  readonly oddities: { badCells: number; disorder: number; refusedColumns: number }[];
}

/** A deadline this many milliseconds from now. */
export const soon = (ms = 5_000): EpochMs => epochMs(Date.now() + ms);

/** Fake agents with a reader on each; `close` in afterEach ends them all. */
export function createFakeDevices() {
  const cleanups: (() => Promise<void> | void)[] = [];
  return {
    async open(options: FakeAgentOptions, timeout = 100): Promise<FakeDevice> {
      const agent = await startFakeAgent(options);
      const oddities: FakeDevice['oddities'] = [];
      const engine = createSnmpEngine({ onOddities: (seen) => oddities.push({ ...seen }) });
      cleanups.push(() => agent.close());
      cleanups.push(() => engine.close());
      const reader = engine.open(
        { address: '127.0.0.1', port: agent.port, timeout },
        { version: '2c', community: 'public' },
      );
      return { agent, reader, oddities };
    },
    async close(): Promise<void> {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    },
  };
}

/** The interfaces of a device that must answer. */
export async function rowsOf(
  { reader }: Pick<FakeDevice, 'reader'>,
  withNames = true,
): Promise<InterfaceRow[]> {
  const answer = await reader.interfaces(withNames, soon());
  if (answer.kind === 'failed') throw new Error(answer.failure.text);
  return answer.value;
}

/** An ordinary interface with HC counters of 1,000 and 2,000 times its index. */
export const plain = (ifIndex: number): FakeInterface => ({
  ifIndex,
  name: `Gi0/${ifIndex}`,
  descr: `GigabitEthernet0/${ifIndex}`,
  alias: '',
  octets64: [BigInt(ifIndex) * 1_000n, BigInt(ifIndex) * 2_000n],
  errors: [ifIndex, 0],
});
