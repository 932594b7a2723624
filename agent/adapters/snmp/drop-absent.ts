/** `T` with its undefined properties left out. */
export type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Removes keys whose value is undefined: absent means absent (exactOptionalPropertyTypes). */
export function dropAbsent<T extends object>(record: T): Present<T> {
  const kept = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Present<T>;
}
