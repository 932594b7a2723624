import { isIPv6 } from 'node:net';
import { epochMs } from '../../../protocol/model/units.ts';
import type { EchoEngine, EchoRound, Reflector } from '../../ports/echo.ts';
import { type CoarseStamp, createCoarseStamp } from '../stamp-dgram/coarse-stamp.ts';
import { icmpName, permissionFixes } from './capabilities.ts';
import type { IcmpModes } from './messages.ts';
import { canPing, createPingEngine } from './ping-engine.ts';
import { openSocketClient, type ReflectorConfig, type SocketClient } from './socket-client.ts';

export interface EchoEngineOptions {
  /** The second engine for STAMP, made only when needed; ours by node:dgram if not given. */
  readonly openCoarseStamp?: () => CoarseStamp;
  /** Told in plain words when the socket thread stopped by itself, and what follows. */
  readonly onTrouble?: (text: string) => void;
}

export interface EchoEngines {
  readonly icmp: EchoEngine;
  readonly stamp: EchoEngine;
  /** Rejects when the address or a peer is no IP address, or the port is taken. */
  openReflector(config: ReflectorConfig): Promise<Reflector>;
}

/**
 * Opens the best engines that this system and these permissions allow. ICMP: raw sockets, datagram
 * sockets, the `ping` program, absent. STAMP: kernel stamps, or coarse. Never rejects for lack of
 * permission: an absent engine answers every round with `no-permission`. When both engines are
 * closed, the socket thread ends, and reflectors with it.
 */
export async function openEchoEngine(options: EchoEngineOptions = {}): Promise<EchoEngines> {
  const { openCoarseStamp = createCoarseStamp, onTrouble } = options;
  let client: SocketClient;
  try {
    client = await openSocketClient(onTrouble === undefined ? {} : { onTrouble });
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    return { ...openCoarseStamp(), icmp: await createIcmpWithoutSockets(because) };
  }
  return {
    icmp: await createIcmpOnSockets(client),
    stamp: createStampOnSockets(client),
    openReflector: (config) => client.openReflector(config),
  };
}

async function createIcmpOnSockets(client: SocketClient): Promise<EchoEngine> {
  const { v4, v6 } = client.modes;
  const [isPing4, isPing6] = await Promise.all([needsPing(v4, false), needsPing(v6, true)]);
  const ping = isPing4 || isPing6 ? createPingEngine() : undefined;
  const note = noteOf(client.modes, isPing4);
  return {
    get name() {
      return client.failure === undefined ? icmpName(v4, isPing4) : 'absent';
    },
    ...(note === undefined ? {} : { note }),
    async measure(request) {
      const isIpv6 = isIPv6(request.address);
      if (ping !== undefined && (isIpv6 ? isPing6 : isPing4)) return ping.measure(request);
      const round = await client.measure(request);
      if (round.unsent?.because !== 'no-permission') return round;
      return { ...round, unsent: { because: 'no-permission', text: note ?? round.unsent.text } };
    },
    async close() {
      await ping?.close();
      await client.close('icmp');
    },
  };
}

/** The program is asked only where the sockets were refused. */
const needsPing = async (mode: IcmpModes['v4'], isIpv6: boolean): Promise<boolean> =>
  typeof mode === 'number' && (await canPing(isIpv6));

function noteOf({ v4 }: IcmpModes, isPing: boolean): string | undefined {
  if (v4 === 'raw') return undefined;
  const [sysctl, setcap] = permissionFixes();
  if (v4 === 'datagram')
    return `no permission for raw sockets; not needed, but possible: ${setcap}`;
  const missing = isPing ? '' : ' and no working ping program';
  return `no permission for ICMP sockets${missing}; one of these lines mends it: ${sysctl} or ${setcap}`;
}

async function createIcmpWithoutSockets(because: string): Promise<EchoEngine> {
  if (await canPing(false)) {
    const ping = createPingEngine();
    return { ...ping, note: `no socket engine: ${because}` };
  }
  const text = `no socket engine (${because}) and no working ping program: install one`;
  return {
    name: 'absent',
    note: text,
    measure: async (): Promise<EchoRound> => ({
      startedAt: epochMs(Date.now()),
      sent: 0,
      rttMs: new Float64Array(0),
      unsent: { because: 'no-permission', text },
    }),
    close: async () => {},
  };
}

const createStampOnSockets = (client: SocketClient): EchoEngine => ({
  get name() {
    return client.failure === undefined ? 'UDP sockets with kernel time stamps' : 'absent';
  },
  measure: client.measure,
  close: () => client.close('stamp'),
});
