/** Where a value was written: a place in a file, an environment variable, or a default. */
export interface Origin {
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
  /** Column at which the text of a value on one line begins: behind the quote, if there is one. */
  readonly textColumn?: number;
}

export interface ConfigProblem {
  readonly at: Origin;
  /** Path of the value, `devices[3].site`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, what was expected, and the nearest valid name. Never holds a secret. */
  readonly message: string;
}

export const DEFAULT_ORIGIN: Origin = { source: 'default' };

export const originText = ({ source, line, column }: Origin): string =>
  line === undefined ? source : `${source}:${line}:${column ?? 1}`;

/** "vedette.yaml:12:7: devices[3].site: no site "lyn"; did you mean "lyon"?" */
export const problemText = ({ at, path, message }: ConfigProblem): string =>
  [originText(at), path, message].filter((part) => part !== '').join(': ');

/** In the order in which a person meets them in the files. */
export const sortProblems = (problems: readonly ConfigProblem[]): ConfigProblem[] =>
  [...problems].sort(
    (a, b) =>
      a.at.source.localeCompare(b.at.source) ||
      (a.at.line ?? 0) - (b.at.line ?? 0) ||
      (a.at.column ?? 0) - (b.at.column ?? 0),
  );

/** `/devices/3/site` as people write it. */
export const pathText = (pointer: string): string =>
  pointer
    .slice(1)
    .split('/')
    .map((part, n) => (/^\d+$/.test(part) ? `[${part}]` : `${n > 0 ? '.' : ''}${part}`))
    .join('');
