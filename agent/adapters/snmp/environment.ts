import type { Environment } from '../../ports/snmp.ts';
import { countOf, numberOf, oidOf, textOf } from './cells.ts';
import { type Column, isFilled, type WalkOptions, walkColumns } from './column-walk.ts';
import { dropAbsent } from './drop-absent.ts';
import { ENVIRONMENT, STORAGE_RAM } from './oids.ts';
import type { Varbind } from './snmp-session.ts';

/** CPU, memory and temperature as far as the device has them. Throws `SnmpReadError`. */
export async function readEnvironment(options: WalkOptions): Promise<Environment> {
  const [load, type, descr, size, used] = await walkColumns(
    [
      ENVIRONMENT.processorLoad,
      ENVIRONMENT.storageType,
      ENVIRONMENT.storageDescr,
      ENVIRONMENT.storageSize,
      ENVIRONMENT.storageUsed,
    ],
    options,
  );
  const cpuRatio = meanRatio(load);
  const memoryRatio = memoryOf({ type, descr, size, used });
  const cisco = cpuRatio === undefined || memoryRatio === undefined ? await readCisco(options) : {};
  return dropAbsent({
    cpuRatio: cpuRatio ?? cisco.cpuRatio,
    memoryRatio: memoryRatio ?? cisco.memoryRatio,
    temperatureCelsius: await readTemperature(options),
  });
}

const values = <T>(column: Column | undefined, parse: (varbind: Varbind) => T | undefined): T[] =>
  [...(column?.values() ?? [])]
    .filter(isFilled)
    .map(parse)
    .filter((value) => value !== undefined);

const cell = <T>(
  column: Column | undefined,
  index: string,
  parse: (varbind: Varbind) => T | undefined,
): T | undefined => {
  const varbind = column?.get(index);
  return isFilled(varbind) ? parse(varbind) : undefined;
};

/** Mean of percentages as a ratio; values that are no percentage are left out. */
function meanRatio(column: Column | undefined): number | undefined {
  const percents = values(column, countOf).filter((percent) => percent <= 100);
  if (percents.length === 0) return undefined;
  return percents.reduce((sum, percent) => sum + percent, 0) / percents.length / 100;
}

interface Storage {
  readonly type: Column | undefined;
  readonly descr: Column | undefined;
  readonly size: Column | undefined;
  readonly used: Column | undefined;
}

/**
 * Used share of the RAM of hrStorageTable. On Linux its hrStorageUsed counts caches, which made full
 * memory the best known false alarm: there the rows of Net-SNMP that name what is available, or else
 * cached and buffered, are taken into account.
 */
function memoryOf({ type, descr, size, used }: Storage): number | undefined {
  const ram = [...(type?.keys() ?? [])].find((index) => cell(type, index, oidOf) === STORAGE_RAM);
  if (ram === undefined) return undefined;
  const total = cell(size, ram, countOf);
  const taken = cell(used, ram, countOf);
  if (total === undefined || taken === undefined || total === 0) return undefined;
  const named = (text: string): string | undefined =>
    [...(descr?.keys() ?? [])].find((index) => cell(descr, index, textOf) === text);
  const amount = (column: Column | undefined, index: string | undefined): number | undefined =>
    index === undefined ? undefined : cell(column, index, countOf);
  const available = amount(size, named('Available memory'));
  const reclaimable =
    (amount(used, named('Cached memory')) ?? 0) + (amount(used, named('Memory buffers')) ?? 0);
  return clampRatio(
    available === undefined ? (taken - reclaimable) / total : 1 - available / total,
  );
}

const clampRatio = (ratio: number): number => Math.min(1, Math.max(0, ratio));

async function readCisco(
  options: WalkOptions,
): Promise<Pick<Environment, 'cpuRatio' | 'memoryRatio'>> {
  const [load, used, free] = await walkColumns(
    [ENVIRONMENT.ciscoCpu5min, ENVIRONMENT.ciscoMemoryUsed, ENVIRONMENT.ciscoMemoryFree],
    options,
  );
  // Pool 1 is the processor's (CISCO-MEMORY-POOL-MIB); the others are I/O buffers.
  const pool = used?.has('1') === true ? '1' : used?.keys().next().value;
  const taken = pool === undefined ? undefined : cell(used, pool, countOf);
  const left = pool === undefined ? undefined : cell(free, pool, countOf);
  const total = (taken ?? 0) + (left ?? 0);
  return dropAbsent({
    cpuRatio: meanRatio(load),
    memoryRatio:
      taken === undefined || left === undefined || total === 0 ? undefined : taken / total,
  });
}

const CELSIUS = 8;
const SENSOR_OK = 1;
/** EntitySensorDataScale: units(9) is 10^0, each step a factor of 1,000 (RFC 3433). */
const UNITS = 9;

/** Highest plausible reading of the working Celsius sensors of ENTITY-SENSOR-MIB (RFC 3433). */
async function readTemperature(options: WalkOptions): Promise<number | undefined> {
  const [type, scale, precision, value, state] = await walkColumns(
    [
      ENVIRONMENT.sensorType,
      ENVIRONMENT.sensorScale,
      ENVIRONMENT.sensorPrecision,
      ENVIRONMENT.sensorValue,
      ENVIRONMENT.sensorState,
    ],
    options,
  );
  const readings = [...(value?.keys() ?? [])].map((index) => {
    const isCelsius = cell(type, index, countOf) === CELSIUS;
    const isWorking = (cell(state, index, countOf) ?? SENSOR_OK) === SENSOR_OK;
    const raw = isCelsius && isWorking ? cell(value, index, numberOf) : undefined;
    if (raw === undefined) return Number.NaN;
    const thousands = (cell(scale, index, countOf) ?? UNITS) - UNITS;
    return raw * 10 ** (3 * thousands - (cell(precision, index, numberOf) ?? 0));
  });
  const plausible = readings.filter((celsius) => celsius >= -80 && celsius <= 250);
  return plausible.length === 0 ? undefined : Math.max(...plausible);
}
