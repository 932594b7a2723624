/** What the scorer says of one set; the parts that the table shows. */
export interface Score {
  readonly set: string;
  readonly events: number;
  readonly detected: number;
  readonly falseTickets: number;
  readonly late: number;
  readonly duplicates: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly f1Strict: number | null;
  readonly falsePerSeriesMonth?: number;
  readonly falsePerNetworkHour?: number;
  readonly deviceHit?: number;
  readonly delaySamples: { readonly median: number | null; readonly p90: number | null };
  readonly nab?: { readonly standard: number };
  readonly changes?: {
    readonly precision: number;
    readonly recall: number;
    readonly f1: number;
    readonly f2: number;
  };
}

const HEADINGS = [
  'set',
  'found',
  'P',
  'R',
  'F1',
  'strict',
  'false',
  'late+dup',
  'delay',
  'changes P/R/F1/F2',
  'other',
];

const figure = (value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : String(value);

/** One row of the table. Delay in samples, median / 90th percentile; false per series and month. */
export function columnsOf(score: Score): string[] {
  const { changes, delaySamples, falsePerNetworkHour } = score;
  return [
    score.set,
    `${score.detected}/${score.events}`,
    figure(score.precision),
    figure(score.recall),
    figure(score.f1),
    figure(score.f1Strict),
    falsePerNetworkHour === undefined
      ? `${figure(score.falsePerSeriesMonth)}/month`
      : `${falsePerNetworkHour}/h`,
    String(score.late + score.duplicates),
    `${figure(delaySamples.median)}/${figure(delaySamples.p90)}`,
    changes === undefined
      ? '-'
      : `${changes.precision}/${changes.recall}/${changes.f1}/${changes.f2}`,
    otherOf(score),
  ];
}

function otherOf({ nab, deviceHit }: Score): string {
  if (nab !== undefined) return `NAB ${nab.standard}`;
  return deviceHit === undefined ? '' : `right router ${deviceHit}`;
}

/** Columns in line, for people. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const all = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
