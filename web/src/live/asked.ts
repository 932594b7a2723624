import { useEffect, useState } from 'preact/hooks';

/** What was asked for: not here yet, here, or why not. What was read once stays while it is tried again. */
export interface Asked<T> {
  readonly found: T | undefined;
  readonly isFailed: boolean;
}

/** Reads when shown, again whenever `key` changes and every `every` ms. */
export function useAsked<T>(key: string, every: number, read: () => Promise<T>): Asked<T> {
  const [asked, setAsked] = useState<Asked<T> & { readonly key: string }>();
  useEffect(() => {
    let isGone = false;
    const load = () =>
      read()
        .then((found) => {
          if (!isGone) setAsked({ key, found, isFailed: false });
        })
        .catch(() => {
          if (!isGone)
            setAsked((old) => ({
              key,
              found: old?.key === key ? old.found : undefined,
              isFailed: true,
            }));
        });
    void load();
    const timer = setInterval(load, every);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [key]);
  // What belongs to another question is not shown as the answer of this one.
  return asked?.key === key ? asked : { found: undefined, isFailed: false };
}
