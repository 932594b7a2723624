/** OIDs as numbered in SNMPv2-MIB, IF-MIB (RFC 2863), HOST-RESOURCES-MIB, ENTITY-SENSOR-MIB and Cisco's. */
export const SYSTEM = {
  descr: '1.3.6.1.2.1.1.1.0',
  objectId: '1.3.6.1.2.1.1.2.0',
  uptime: '1.3.6.1.2.1.1.3.0',
  name: '1.3.6.1.2.1.1.5.0',
  engineBoots: '1.3.6.1.6.3.10.2.1.2.0',
  engineTime: '1.3.6.1.6.3.10.2.1.3.0',
} as const;

const IF = '1.3.6.1.2.1.2.2.1';
const IFX = '1.3.6.1.2.1.31.1.1.1';

/** Columns of ifTable and ifXTable. */
export const INTERFACE = {
  descr: `${IF}.2`,
  type: `${IF}.3`,
  speed: `${IF}.5`,
  mac: `${IF}.6`,
  admin: `${IF}.7`,
  oper: `${IF}.8`,
  inOctets32: `${IF}.10`,
  inDiscards: `${IF}.13`,
  inErrors: `${IF}.14`,
  outOctets32: `${IF}.16`,
  outDiscards: `${IF}.19`,
  outErrors: `${IF}.20`,
  name: `${IFX}.1`,
  inOctets64: `${IFX}.6`,
  outOctets64: `${IFX}.10`,
  highSpeed: `${IFX}.15`,
  alias: `${IFX}.18`,
  discontinuity: `${IFX}.19`,
} as const;

const STORAGE = '1.3.6.1.2.1.25.2.3.1';
const SENSOR = '1.3.6.1.2.1.99.1.1.1';

export const ENVIRONMENT = {
  processorLoad: '1.3.6.1.2.1.25.3.3.1.2',
  storageType: `${STORAGE}.2`,
  storageDescr: `${STORAGE}.3`,
  storageUnits: `${STORAGE}.4`,
  storageSize: `${STORAGE}.5`,
  storageUsed: `${STORAGE}.6`,
  sensorType: `${SENSOR}.1`,
  sensorScale: `${SENSOR}.2`,
  sensorPrecision: `${SENSOR}.3`,
  sensorValue: `${SENSOR}.4`,
  sensorState: `${SENSOR}.5`,
  ciscoCpu5min: '1.3.6.1.4.1.9.9.109.1.1.1.1.8',
  ciscoMemoryUsed: '1.3.6.1.4.1.9.9.48.1.1.1.5',
  ciscoMemoryFree: '1.3.6.1.4.1.9.9.48.1.1.1.6',
} as const;

/** hrStorageRam, the value of hrStorageType for main memory. */
export const STORAGE_RAM = '1.3.6.1.2.1.25.2.1.2';
