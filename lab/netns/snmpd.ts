import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from './namespaces.ts';

export interface Snmpd {
  stop(): Promise<void>;
  start(): void;
}

/** v3 users of the lab: SHA-256 with AES-128, and SHA-512 with AES-256. */
export const LAB_SNMP_KEY = 'password-of-the-lab';

const CONF = `agentaddress udp:161
rocommunity public
createUser vedette SHA-256 ${LAB_SNMP_KEY} AES ${LAB_SNMP_KEY}
createUser big SHA-512 ${LAB_SNMP_KEY} AES-256 ${LAB_SNMP_KEY}
rouser vedette authpriv
rouser big authpriv
sysName lab
`;

/** Debian's snmpd as the router of a host. Each needs its own persistent folder, or engine boots get mixed. */
export function startSnmpd(host: LabHost, folder: string): Snmpd {
  const state = join(folder, `snmpd-${host.name}`);
  mkdirSync(state, { recursive: true });
  // Not snmpd.conf: that is what snmpd calls the state it writes over at its end.
  const conf = join(state, 'agent.conf');
  writeFileSync(conf, CONF);
  let child: ChildProcess | undefined;
  const start = (): void => {
    const pid = join(state, 'pid');
    // Without -C, which would make it forget its engine boots; the path keeps the system's own file out.
    child = host.start('snmpd', ['-f', '-Lf', join(state, 'log'), '-c', conf, '-p', pid], {
      SNMP_PERSISTENT_DIR: state,
      SNMPCONFPATH: state,
    });
  };
  start();
  return {
    start,
    async stop() {
      if (child) await host.end(child);
      child = undefined;
    },
  };
}
