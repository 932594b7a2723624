import type { Reason } from '../../protocol/model/alert.ts';
import { type DurationMs, type EpochMs, minutes } from '../../protocol/model/units.ts';
import { durationText } from './wording.ts';

/** How often an alert changes its state. Plain data. */
export interface Flap {
  /** The last 20 slots, newest in bit 0, 1 = the state changed in it. */
  slots: number;
  /** The newest slot, since 1970. */
  slot: number;
  isFlapping: boolean;
  /** Changes since the first of this unrest, and when that was. */
  changes: number;
  since: EpochMs;
}

export interface FlapBand {
  readonly startAt: number;
  readonly stopAt: number;
}

/**
 * Icinga 2 (lib/icinga/checkable-flapping.cpp): 20 states, weights from 0.80 (oldest) to 1.18, start
 * above 30 %, stop at 25 %. Chosen before Nagios, which needs 21 states and whose shipped limits (5 and
 * 20 %) call two outages in an afternoon flapping; and Icinga counts soft states too, as here every
 * change counts that outlasted holdFor or clearAfter.
 */
const SLOTS = 20;
const OLDEST_WEIGHT = 0.8;
const WEIGHT_STEP = 0.02;
const NEWEST_WEIGHT = OLDEST_WEIGHT + WEIGHT_STEP * (SLOTS - 1);
export const FLAP_BAND: FlapBand = { startAt: 30, stopAt: 25 };

/**
 * Icinga counts checks; in time a slot is its usual retry of a minute, whatever the interval of the
 * probe. Three cycles in 20 min are flapping; a quarter of an hour without change ends it. What comes
 * and goes more slowly is one incident by `reopenWithin`.
 */
const SLOT: DurationMs = minutes(1);
const MASK = 2 ** SLOTS - 1;

/** Weighted share of the slots with a change, 0 to about 99 %. @param slots newest in bit 0 */
export function flapScore(slots: number): number {
  let sum = 0;
  for (let age = 0; age < SLOTS; age++) {
    if ((slots >> age) & 1) sum += NEWEST_WEIGHT - WEIGHT_STEP * age;
  }
  return (sum / SLOTS) * 100;
}

/** Moves on to `at`; undefined when nothing is left to remember. */
export function turnFlap(flap: Flap, at: EpochMs): Flap | undefined {
  const slot = Math.floor(at / SLOT);
  const passed = slot - flap.slot;
  if (passed <= 0) return flap;
  flap.slots = passed >= SLOTS ? 0 : (flap.slots << passed) & MASK;
  flap.slot = slot;
  if (flap.isFlapping && flapScore(flap.slots) <= FLAP_BAND.stopAt) flap.isFlapping = false;
  return flap.slots === 0 ? undefined : flap;
}

/** Notes a change of state. True when it is the one with which flapping begins. */
export function noteChange(flap: Flap): boolean {
  flap.slots |= 1;
  flap.changes += 1;
  if (flap.isFlapping || flapScore(flap.slots) <= FLAP_BAND.startAt) return false;
  flap.isFlapping = true;
  return true;
}

export const createFlap = (at: EpochMs): Flap => ({
  slots: 0,
  slot: Math.floor(at / SLOT),
  isFlapping: false,
  changes: 0,
  since: at,
});

/** Why one alert stays, in words. */
export const flapReason = (flap: Flap, at: EpochMs): Extract<Reason, { kind: 'flapping' }> => ({
  kind: 'flapping',
  changes: flap.changes,
  text: `its state changed ${flap.changes} times in ${durationText(at - flap.since)}; it stays open until it has been steady for a quarter of an hour`,
});
