import { lookup } from 'node:dns/promises';
import { type EchoFigures, echoFigures, NO_JITTER } from '../agent/poll/echo-figures.ts';
import type { EchoEngine } from '../agent/ports/echo.ts';
import type {
  Environment,
  InterfaceRow,
  SnmpAnswer,
  SnmpEngine,
  SnmpFailure,
  SnmpSystem,
} from '../agent/ports/snmp.ts';
import { durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { SnmpCredential } from '../protocol/wire/agent-config.ts';

export type IcmpResult =
  | {
      readonly kind: 'measured';
      readonly engine: string;
      readonly note?: string;
      readonly figures: EchoFigures;
      readonly unreachableFrom?: string;
    }
  | { readonly kind: 'not-available'; readonly text: string };

export type SnmpResult =
  | {
      readonly kind: 'answered';
      readonly system: SnmpSystem;
      readonly interfaces: readonly InterfaceRow[];
      readonly interfacesFailure?: SnmpFailure;
      readonly environment: Environment;
      /** What was odd in the answers, counted. */
      readonly oddities: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'failed'; readonly failure: SnmpFailure }
  | { readonly kind: 'not-asked'; readonly text: string };

export interface ProbeResult {
  readonly host: string;
  readonly address?: string;
  readonly port: number;
  readonly at: string;
  readonly icmp: IcmpResult;
  readonly snmp: SnmpResult;
}

export interface ProbeDeps {
  readonly openEcho: () => Promise<EchoEngine>;
  readonly openSnmp: (hooks: {
    readonly onProgress: (cells: number) => void;
    readonly onOddities: (oddities: object) => void;
  }) => SnmpEngine;
  readonly onProgress: (text: string) => void;
}

export interface ProbeOptions {
  readonly host: string;
  readonly port: number;
  readonly credential?: SnmpCredential;
}

const ECHOES = 10;
/** Of one SNMP request; each is tried three times. */
const TIMEOUT = 1_000;

/** What the agent would see of a device, ICMP and SNMP at the same time. Never throws. */
export async function measure(options: ProbeOptions, deps: ProbeDeps): Promise<ProbeResult> {
  const { host, port } = options;
  const at = new Date().toISOString();
  let address: string;
  try {
    address = (await lookup(host)).address;
  } catch {
    const text = `the name ${host} does not exist or cannot be resolved now`;
    return {
      host,
      port,
      at,
      icmp: { kind: 'not-available', text },
      snmp: { kind: 'failed', failure: { kind: 'unreachable', text } },
    };
  }
  const [icmp, snmp] = await Promise.all([
    measureIcmp(address, deps),
    measureSnmp(address, options, deps),
  ]);
  return { host, address, port, at, icmp, snmp };
}

async function measureIcmp(address: string, { openEcho }: ProbeDeps): Promise<IcmpResult> {
  let engine: EchoEngine | undefined;
  try {
    engine = await openEcho();
    const round = await engine.measure({
      kind: 'icmp',
      address,
      count: ECHOES,
      spacing: durationMs(100),
      timeout: durationMs(1_000),
    });
    if (round.sent === 0) {
      return {
        kind: 'not-available',
        text: round.unsent?.text ?? engine.note ?? 'nothing was sent',
      };
    }
    return {
      kind: 'measured',
      engine: engine.name,
      ...(engine.note === undefined ? {} : { note: engine.note }),
      figures: echoFigures(round, NO_JITTER).figures,
      ...(round.unreachableFrom === undefined ? {} : { unreachableFrom: round.unreachableFrom }),
    };
  } catch (cause) {
    return { kind: 'not-available', text: cause instanceof Error ? cause.message : String(cause) };
  } finally {
    await engine?.close();
  }
}

async function measureSnmp(
  address: string,
  { port, credential }: ProbeOptions,
  { openSnmp, onProgress }: ProbeDeps,
): Promise<SnmpResult> {
  if (credential === undefined) {
    return { kind: 'not-asked', text: 'no credential: give --snmp env:NAME, file:PATH or -' };
  }
  const oddities: Record<string, number> = {};
  const engine = openSnmp({
    onProgress: (cells) => onProgress(`reading SNMP: ${cells} values`),
    onOddities: (seen) => {
      for (const [name, count] of Object.entries(seen)) {
        oddities[name] = (oddities[name] ?? 0) + Number(count);
      }
    },
  });
  try {
    const reader = engine.open({ address, port, timeout: TIMEOUT }, credential);
    const system = await reader.system(within(10_000));
    if (system.kind === 'failed') return system;
    const interfaces = await reader.interfaces(true, within(120_000));
    const environment = await reader.environment(within(20_000));
    return {
      kind: 'answered',
      system: system.value,
      interfaces: valueIn(interfaces) ?? [],
      ...(interfaces.kind === 'failed' ? { interfacesFailure: interfaces.failure } : {}),
      environment: valueIn(environment) ?? {},
      oddities,
    };
  } finally {
    engine.close();
  }
}

const within = (ms: number): EpochMs => epochMs(Date.now() + ms);

const valueIn = <T>(answer: SnmpAnswer<T>): T | undefined =>
  answer.kind === 'answered' ? answer.value : undefined;

/** Whether the device was heard at all. */
export const hasAnswered = ({ icmp, snmp }: ProbeResult): boolean =>
  snmp.kind === 'answered' || (icmp.kind === 'measured' && icmp.figures.answered > 0);
