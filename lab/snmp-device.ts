import snmp from 'net-snmp';

/** A port of a simulated router. Counters are exact; rates are per second. */
export interface LabInterface {
  readonly index: number;
  readonly name: string;
  readonly alias: string;
  readonly bitsPerSecond: number;
  isAdminUp: boolean;
  isUp: boolean;
  inBitsPerSecond: number;
  outBitsPerSecond: number;
  inErrorsPerSecond: number;
}

export interface LabDeviceOptions {
  readonly address: string;
  readonly port: number;
  readonly community: string;
  readonly name: string;
  readonly descr: string;
  readonly interfaces: readonly LabInterface[];
}

/** A simulated router: a real SNMP agent over UDP. */
export interface LabDevice {
  readonly interfaces: readonly LabInterface[];
  /** Moves counters and uptime on to `nowMs`. */
  step(nowMs: number): void;
  /** Stops and starts answering; counters go on. */
  setSilent(isSilent: boolean): void;
  /** Counters and uptime begin again at zero. */
  reboot(nowMs: number): void;
  close(): Promise<void>;
}

interface Varbind {
  oid: string;
  type: number;
}
/** The parts of net-snmp's agent that its type package leaves untyped. */
interface SnmpAgent {
  getMib(): {
    setScalarValue(name: string, value: unknown): void;
    addTableRow(table: string, row: readonly unknown[]): void;
    setTableSingleCell(table: string, column: number, row: readonly number[], value: unknown): void;
  };
  getAuthorizer(): { addCommunity(community: string): void };
  registerProvider(provider: unknown): void;
  addGetNextVarbind(out: Varbind[], oid: string): Varbind | undefined;
  request(socket: unknown, message: unknown, rinfo: unknown): void;
  getBulkRequest(socket: unknown, message: BulkMessage, rinfo: unknown): void;
  listener: { startListening(): void };
  close(callback?: () => void): void;
}
interface BulkMessage {
  pdu: { varbinds: Varbind[]; nonRepeaters: number; maxRepetitions: number };
}

const { ObjectType, MibProviderType, MaxAccess } = snmp as unknown as {
  ObjectType: Record<string, number>;
  MibProviderType: Record<string, number>;
  MaxAccess: Record<string, number>;
};
const READ_ONLY = MaxAccess['read-only'];

const SYSTEM: readonly (readonly [string, string, string])[] = [
  ['sysDescr', '1.3.6.1.2.1.1.1', 'OctetString'],
  ['sysObjectID', '1.3.6.1.2.1.1.2', 'OID'],
  ['sysUpTime', '1.3.6.1.2.1.1.3', 'TimeTicks'],
  ['sysName', '1.3.6.1.2.1.1.5', 'OctetString'],
];

/** Column number, name, type; the index column first. */
const IF_COLUMNS: readonly (readonly [number, string, string])[] = [
  [1, 'ifIndex', 'Integer'],
  [2, 'ifDescr', 'OctetString'],
  [3, 'ifType', 'Integer'],
  [5, 'ifSpeed', 'Gauge'],
  [6, 'ifPhysAddress', 'OctetString'],
  [7, 'ifAdminStatus', 'Integer'],
  [8, 'ifOperStatus', 'Integer'],
  [10, 'ifInOctets', 'Counter'],
  [13, 'ifInDiscards', 'Counter'],
  [14, 'ifInErrors', 'Counter'],
  [16, 'ifOutOctets', 'Counter'],
  [19, 'ifOutDiscards', 'Counter'],
  [20, 'ifOutErrors', 'Counter'],
];
const IFX_COLUMNS: readonly (readonly [number, string, string])[] = [
  [1, 'ifName', 'OctetString'],
  [6, 'ifHCInOctets', 'Counter64'],
  [10, 'ifHCOutOctets', 'Counter64'],
  [15, 'ifHighSpeed', 'Gauge'],
  [18, 'ifAlias', 'OctetString'],
  [19, 'ifCounterDiscontinuityTime', 'TimeTicks'],
];

const column = ([number, name, type]: readonly [number, string, string]): unknown => ({
  number,
  name,
  type: ObjectType[type],
  maxAccess: READ_ONLY,
});

/** Counter64 must be handed over as eight bytes. */
function counter64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.floor(value)));
  return bytes;
}

/** net-snmp's agent counts max-repetitions over all columns (RFC 3416, 4.2.3 counts per column): rows outside, columns inside. */
function repairGetBulk(agent: SnmpAgent): void {
  agent.getBulkRequest = (socket, message, rinfo) => {
    const { varbinds, nonRepeaters, maxRepetitions } = message.pdu;
    const out: Varbind[] = [];
    for (const varbind of varbinds.slice(0, nonRepeaters))
      agent.addGetNextVarbind(out, varbind.oid);
    const next = varbinds.slice(nonRepeaters).map((varbind) => varbind.oid);
    // One UDP reply should fit the MTU; a real device cuts there too.
    const rows = Math.min(maxRepetitions, Math.max(1, Math.floor(70 / Math.max(1, next.length))));
    for (let row = 0; row < rows; row++) {
      let hasMore = false;
      next.forEach((oid, n) => {
        agent.addGetNextVarbind(out, oid);
        const got = out.at(-1);
        if (!got || got.type === ObjectType['EndOfMibView']) return;
        hasMore = true;
        next[n] = got.oid;
      });
      if (!hasMore) break;
    }
    message.pdu.varbinds = out;
    agent.request(socket, message, rinfo);
  };
}

function registerMib(agent: SnmpAgent, options: LabDeviceOptions): void {
  for (const [name, oid, type] of SYSTEM) {
    agent.registerProvider({
      name,
      type: MibProviderType['Scalar'],
      oid,
      scalarType: ObjectType[type],
      maxAccess: READ_ONLY,
    });
  }
  agent.registerProvider({
    name: 'ifEntry',
    type: MibProviderType['Table'],
    oid: '1.3.6.1.2.1.2.2.1',
    maxAccess: MaxAccess['not-accessible'],
    tableColumns: IF_COLUMNS.map(column),
    tableIndex: [{ columnName: 'ifIndex' }],
  });
  agent.registerProvider({
    name: 'ifXEntry',
    type: MibProviderType['Table'],
    oid: '1.3.6.1.2.1.31.1.1.1',
    maxAccess: MaxAccess['not-accessible'],
    tableColumns: IFX_COLUMNS.map(column),
    tableIndex: [{ columnName: 'ifIndex', foreign: 'ifEntry' }],
  });
  const mib = agent.getMib();
  mib.setScalarValue('sysDescr', options.descr);
  mib.setScalarValue('sysObjectID', '1.3.6.1.4.1.8072.3.2.10');
  mib.setScalarValue('sysName', options.name);
  mib.setScalarValue('sysUpTime', 0);
  const lastOctets = options.address.split('.').map(Number);
  for (const port of options.interfaces) {
    const mac = Buffer.from([0x02, ...lastOctets.slice(1), 0, port.index]);
    const speed = Math.min(port.bitsPerSecond, 4_294_967_295);
    mib.addTableRow('ifEntry', [port.index, port.name, 6, speed, mac, 1, 1, 0, 0, 0, 0, 0, 0]);
    const zero = counter64(0);
    const mbit = Math.round(port.bitsPerSecond / 1e6);
    mib.addTableRow('ifXEntry', [port.index, port.name, zero, zero, mbit, port.alias, 0]);
  }
}

export function startLabDevice(options: LabDeviceOptions, nowMs: number): LabDevice {
  const create = (snmp as unknown as { createAgent(o: unknown, cb: () => void): SnmpAgent })
    .createAgent;
  const quiet = (): void => undefined;
  const agent = create(
    { port: options.port, address: options.address, disableAuthorization: false },
    quiet,
  );
  agent.getAuthorizer().addCommunity(options.community);
  repairGetBulk(agent);
  registerMib(agent, options);
  const mib = agent.getMib();
  const totals = options.interfaces.map(() => ({ in: 0, out: 0, errors: 0 }));
  let bootedAt = nowMs;
  let steppedAt = nowMs;
  let isSilent = false;

  const writePort = (
    port: LabInterface,
    total: { in: number; out: number; errors: number },
  ): void => {
    const row = [port.index];
    const set = (number: number, value: unknown): void =>
      mib.setTableSingleCell('ifEntry', number, row, value);
    set(7, port.isAdminUp ? 1 : 2);
    set(8, port.isUp && port.isAdminUp ? 1 : 2);
    set(10, Math.floor(total.in) % 4_294_967_296);
    set(14, Math.floor(total.errors));
    set(16, Math.floor(total.out) % 4_294_967_296);
    mib.setTableSingleCell('ifXEntry', 6, row, counter64(total.in));
    mib.setTableSingleCell('ifXEntry', 10, row, counter64(total.out));
  };

  const step = (now: number): void => {
    const seconds = Math.max(0, now - steppedAt) / 1000;
    steppedAt = now;
    mib.setScalarValue('sysUpTime', Math.floor((now - bootedAt) / 10));
    options.interfaces.forEach((port, n) => {
      const total = totals[n];
      if (!total) return;
      if (port.isUp && port.isAdminUp) {
        total.in += (port.inBitsPerSecond / 8) * seconds;
        total.out += (port.outBitsPerSecond / 8) * seconds;
        total.errors += port.inErrorsPerSecond * seconds;
      }
      writePort(port, total);
    });
  };

  return {
    interfaces: options.interfaces,
    step,
    setSilent(silent) {
      if (silent === isSilent) return;
      isSilent = silent;
      if (silent) agent.close();
      else agent.listener.startListening();
    },
    reboot(now) {
      bootedAt = now;
      for (const total of totals) Object.assign(total, { in: 0, out: 0, errors: 0 });
      step(now);
    },
    close: () =>
      new Promise((resolve) => {
        if (isSilent) resolve();
        else agent.close(() => resolve());
      }),
  };
}
