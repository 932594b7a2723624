/** Why targets are not measured at all; shown in the heartbeat, never counted as loss. */
export interface ProbeNotes {
  set(probe: string, target: string, text: string): void;
  clear(probe: string, target: string): void;
  /** At most 512 characters; undefined when everything is measured. */
  summary(probe: string): string | undefined;
}

export function createProbeNotes(): ProbeNotes {
  const byProbe = new Map<string, Map<string, string>>();
  return {
    set(probe, target, text) {
      const notes = byProbe.get(probe) ?? new Map<string, string>();
      byProbe.set(probe, notes);
      notes.set(target, text);
    },
    clear(probe, target) {
      byProbe.get(probe)?.delete(target);
    },
    summary(probe) {
      const notes = byProbe.get(probe);
      if (notes === undefined || notes.size === 0) return undefined;
      const [first] = notes as Map<string, string>;
      const text = `${notes.size} not measured; ${first?.[0]}: ${first?.[1]}`;
      return text.length <= 512 ? text : `${text.slice(0, 511)}…`;
    },
  };
}
