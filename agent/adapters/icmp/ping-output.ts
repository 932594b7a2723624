import type { Unsent } from '../../ports/echo.ts';

interface PingFigures {
  readonly sent: number;
  /** Round trips in order, ms; NaN = lost. */
  readonly rttMs: Float64Array;
  readonly unsent?: Unsent;
  readonly unreachableFrom?: string;
}

export interface PingOutput {
  feed(chunk: string): void;
  /** Echoes known to be answered. */
  readonly answered: number;
  figures(): PingFigures;
}

/** A foreign program's output is bounded: what is longer than this is not ping's. */
const MAX_LINE = 1024;
const COMPLAINTS: readonly (readonly [RegExp, Unsent['because']])[] = [
  [/sendmsg: operation not permitted/i, 'firewall'],
  [/operation not permitted|permission denied|lacking privilege|must be root/i, 'no-permission'],
  [/network is unreachable|no route to host|cannot assign requested address/i, 'no-route'],
  [
    /name or service not known|unknown host|bad address|address family|invalid argument/i,
    'bad-address',
  ],
];

/**
 * Reads what `ping` prints: iputils (Linux, numbered from 1), busybox and BSD (from 0), Windows (not
 * numbered, in the system's language). Reads line by line as it comes, so that a silence is noticed
 * before the program ends.
 */
export function createPingOutput(
  count: number,
  isNumbered: boolean,
  firstNumber: number,
): PingOutput {
  const rtt = new Float64Array(count).fill(Number.NaN);
  let rest = '';
  let answered = 0;
  let inOrder = 0;
  let refused = 0;
  let transmitted: number | undefined;
  let unsent: Unsent | undefined;
  let unreachableFrom: string | undefined;
  let first = firstNumber;

  const record = (index: number, ms: number): void => {
    if (!(index >= 0 && index < count) || !Number.isNaN(rtt[index] as number)) return;
    rtt[index] = ms;
    answered += 1;
  };

  const readAnswer = (line: string): boolean => {
    const time = /[=<]\s*(\d+(?:[.,]\d+)?)\s*ms/i.exec(line);
    const number = /\b(icmp_)?seq[= ](\d+)/.exec(line);
    const isAnswer = time !== null && /ttl|hlim|bytes/i.test(line);
    if (!isAnswer) return false;
    const ms = Number((time[1] as string).replace(',', '.'));
    if (!isNumbered) record(inOrder, ms);
    else if (number !== null) {
      // busybox says `seq=` and counts from 0 where iputils says `icmp_seq=` and counts from 1.
      if (number[1] === undefined) first = 0;
      record(Number(number[2]) - first, ms);
    }
    inOrder += 1;
    return true;
  };

  const readComplaint = (line: string): void => {
    const found = COMPLAINTS.find(([pattern]) => pattern.test(line));
    if (found === undefined) return;
    unsent ??= { because: found[1], text: line.slice(0, 200) };
    if (found[1] === 'firewall') refused += 1;
  };

  const readLine = (line: string): void => {
    if (line === '' || readAnswer(line)) return;
    const summary = /^(\d+) packets transmitted/.exec(line);
    if (summary !== null) {
      transmitted = Math.min(count, Number(summary[1]));
      return;
    }
    const from =
      /from ([0-9a-f.:%\w]*[0-9a-f]):? .*(unreachable|time to live exceeded|prohibited)/i;
    const complaint = from.exec(line);
    if (complaint !== null) unreachableFrom = complaint[1];
    else readComplaint(line);
    if (!isNumbered && /^\S.*\.$/.test(line)) inOrder += 1;
  };

  return {
    get answered() {
      return answered;
    },
    feed(chunk) {
      const lines = (rest + chunk).split(/\r?\n/);
      rest = (lines.pop() ?? '').slice(-MAX_LINE);
      for (const line of lines) readLine(line.slice(0, MAX_LINE).trimEnd());
    },
    figures() {
      readLine(rest.trimEnd());
      rest = '';
      // Ended before the summary (killed, or Windows): what it did not complain of, it sent.
      const left = transmitted ?? (unsent === undefined ? count : 0);
      const sent = Math.max(answered, left - refused);
      const order = [...rtt].filter((ms) => !Number.isNaN(ms));
      const rttMs = sent === count ? rtt : new Float64Array(sent).fill(Number.NaN);
      if (sent < count) rttMs.set(sent < highest(rtt) ? order : rtt.subarray(0, sent));
      return {
        sent,
        rttMs,
        ...(unsent === undefined ? {} : { unsent }),
        ...(unreachableFrom === undefined ? {} : { unreachableFrom }),
      };
    },
  };
}

/** One more than the index of the last answer. */
function highest(rtt: Float64Array): number {
  for (let index = rtt.length; index > 0; index -= 1) {
    if (!Number.isNaN(rtt[index - 1] as number)) return index;
  }
  return 0;
}
