/** One measured figure. `budget` is an upper bound unless `budgetIs` says otherwise. */
export interface Figure {
  readonly name: string;
  readonly figure: number;
  readonly unit: string;
  /** The same thing done by something else, measured in the same run (or quoted, see referenceName). */
  readonly reference?: number;
  readonly referenceName?: string;
  readonly budget?: number;
  readonly budgetIs?: 'at most' | 'at least';
  /** What could not be measured here, or how. */
  readonly note?: string;
}

const short = (n: number): string =>
  Math.abs(n) >= 1000 ? Math.round(n).toLocaleString('en') : Number(n.toPrecision(3)).toString();

export function isMet(figure: Figure): boolean | undefined {
  if (figure.budget === undefined) return undefined;
  return figure.budgetIs === 'at least'
    ? figure.figure >= figure.budget
    : figure.figure <= figure.budget;
}

/** `name: figure unit (reference …; ratio …; budget …; met|missed)` */
export function line(figure: Figure): string {
  const parts: string[] = [];
  if (figure.reference !== undefined) {
    const who = figure.referenceName ? ` ${figure.referenceName}` : '';
    parts.push(`reference${who} ${short(figure.reference)}`);
    if (figure.reference !== 0) parts.push(`ratio ${short(figure.figure / figure.reference)}`);
  }
  if (figure.budget !== undefined) {
    parts.push(`budget ${figure.budgetIs ?? 'at most'} ${short(figure.budget)}`);
    parts.push(isMet(figure) ? 'met' : 'missed');
  }
  if (figure.note) parts.push(figure.note);
  const tail = parts.length > 0 ? ` (${parts.join('; ')})` : '';
  return `${figure.name}: ${short(figure.figure)} ${figure.unit}${tail}`;
}
