import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createSnmpEngine } from '../agent/adapters/snmp/snmp-engine.ts';
import type { EchoEngine } from '../agent/ports/echo.ts';
import { readCredential } from './probe-credential.ts';
import { hasAnswered, measure, type ProbeOptions } from './probe-measure.ts';
import { renderProbe, renderProbeJson } from './render-probe.ts';

const HELP = `vedette probe HOST [--snmp CREDENTIAL] [--port N] [--json]

Shows what an agent on this machine would see of a device, without a server: ten ICMP echoes, and by
SNMP the system group and every interface with its exact counters; or the reason in plain words.

  --snmp CREDENTIAL  env:NAME, file:PATH or - (standard input), holding a v2c community or the JSON of a
                     v3 credential; the word public may be written as it is
  --port N           UDP port of the SNMP agent (161)
  --json             one JSON object; counters as decimal strings
  -h, --help         this text

Examples:
  vedette probe 192.0.2.1 --snmp public
  SNMP='{"version":"3","user":"noc","auth":{"protocol":"sha256","key":"…"}}' vedette probe edge-1 --snmp env:SNMP --json

Exit code: 0 the device answered, 1 nothing answered, 2 wrong usage.
`;

type Parsed =
  | { readonly kind: 'probe'; readonly options: ProbeOptions; readonly isJson: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly text: string };

/** The verb `probe`; returns the exit code. */
export async function run(argv: string[]): Promise<number> {
  const parsed = parse(argv);
  if (parsed.kind === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (parsed.kind === 'wrong') {
    process.stderr.write(`vedette probe: ${parsed.text}\nSee vedette probe --help.\n`);
    return 2;
  }
  const progress = createProgress();
  const result = await measure(parsed.options, {
    openEcho,
    openSnmp: createSnmpEngine,
    onProgress: progress.show,
  });
  progress.end();
  process.stdout.write(parsed.isJson ? renderProbeJson(result) : renderProbe(result));
  return hasAnswered(result) ? 0 : 1;
}

function parse(argv: string[]): Parsed {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        snmp: { type: 'string' },
        port: { type: 'string', default: '161' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    return parsedFrom(positionals, values);
  } catch (cause) {
    return { kind: 'wrong', text: (cause as Error).message };
  }
}

function parsedFrom(
  positionals: readonly string[],
  values: { readonly snmp?: string | undefined; readonly port: string; readonly json: boolean },
): Parsed {
  const [host, ...more] = positionals;
  if (host === undefined || host === '') return { kind: 'wrong', text: 'which device? Give HOST' };
  if (more.length > 0) return { kind: 'wrong', text: 'one HOST at a time' };
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port < 1 || port > 65_535) {
    return { kind: 'wrong', text: '--port is a number from 1 to 65535' };
  }
  if (values.snmp === undefined) {
    return { kind: 'probe', options: { host, port }, isJson: values.json };
  }
  const read = readCredential(values.snmp, {
    env: process.env,
    readStdin: () => readFileSync(0, 'utf8'),
  });
  if (read.kind === 'refused') return { kind: 'wrong', text: read.text };
  return {
    kind: 'probe',
    options: { host, port, credential: read.credential },
    isJson: values.json,
  };
}

/** Loaded only here: ICMP needs a native library, and a machine without it can still ask by SNMP. */
async function openEcho(): Promise<EchoEngine> {
  const { openEchoEngine } = await import('../agent/adapters/icmp/echo-engine.ts');
  const { icmp, stamp } = await openEchoEngine();
  await stamp.close();
  return icmp;
}

const QUIET_FOR = 1_000;
const SHOW_EVERY = 500;

/** One line on standard error that is rewritten in place; silent for quick reads and in pipes. */
function createProgress(): { show: (text: string) => void; end: () => void } {
  const { stderr } = process;
  const startedAt = performance.now();
  let shownAt = startedAt + QUIET_FOR - SHOW_EVERY;
  let isShown = false;
  return {
    show(text) {
      const now = performance.now();
      if (!stderr.isTTY || now < shownAt + SHOW_EVERY) return;
      shownAt = now;
      isShown = true;
      stderr.write(`\r\u001b[K${text}`);
    },
    end() {
      if (isShown) stderr.write('\r\u001b[K');
    },
  };
}
