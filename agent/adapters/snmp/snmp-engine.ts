import type { SnmpEngine, SnmpReader } from '../../ports/snmp.ts';
import { createSnmpReader, type ReaderHooks } from './snmp-reader.ts';

/**
 * SNMP by net-snmp: v2c and v3, one connected socket per device. Readers are independent: a device that
 * is slow or dead delays no other. Watch `ulimit -n` beyond about 1,000 devices.
 */
export function createSnmpEngine(hooks: ReaderHooks = {}): SnmpEngine {
  const readers = new Set<SnmpReader>();
  return {
    name: 'net-snmp',
    open(target, credential) {
      const reader = createSnmpReader(target, credential, hooks);
      const tracked: SnmpReader = {
        ...reader,
        close() {
          readers.delete(tracked);
          reader.close();
        },
      };
      readers.add(tracked);
      return tracked;
    },
    close() {
      for (const reader of [...readers]) reader.close();
    },
  };
}
