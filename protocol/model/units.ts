/** An instant: milliseconds since 1970-01-01T00:00:00Z. Fields: `at`, `since`, `until`, `from`. */
export type EpochMs = number & { readonly __unit: 'epoch-ms' };

/** A length of time in milliseconds. Fields end in `For`, `Within`, `After` or `Every`. */
export type DurationMs = number & { readonly __unit: 'duration-ms' };

export const epochMs = (ms: number): EpochMs => ms as EpochMs;
export const durationMs = (ms: number): DurationMs => ms as DurationMs;

/** `seconds(30)` reads better than 30_000 in tables of rules. */
export const seconds = (n: number): DurationMs => (n * 1000) as DurationMs;
export const minutes = (n: number): DurationMs => (n * 60_000) as DurationMs;
export const hours = (n: number): DurationMs => (n * 3_600_000) as DurationMs;

/** Time that passed from `from` to `to`; negative when `to` is earlier. */
export const elapsed = (from: EpochMs, to: EpochMs): DurationMs => (to - from) as DurationMs;
export const later = (at: EpochMs, by: DurationMs): EpochMs => (at + by) as EpochMs;

/** Makes a new union member a compile error wherever a switch forgot it. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
