const WORDS = 256;

/** Unguessable 32-bit numbers; the system is asked once for 256 of them. */
export function createRandomWords(): () => number {
  const words = new Uint32Array(WORDS);
  let used = WORDS;
  return () => {
    if (used === WORDS) {
      crypto.getRandomValues(words);
      used = 0;
    }
    const word = words[used] as number;
    used += 1;
    return word;
  };
}
