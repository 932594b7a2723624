#!/usr/bin/env node
/** A verb is one file with `run(argv)`; it is loaded only when it is called. */
interface Verb {
  readonly summary: string;
  readonly load: () => Promise<{ run(argv: string[]): Promise<number> }>;
}

const VERBS: Readonly<Record<string, Verb>> = {
  demo: {
    summary: 'show the whole thing on a simulated WAN: no root, no configuration',
    load: () => import('./demo.ts'),
  },
  server: {
    summary: 'collect, judge, file tickets, show the page',
    load: () => import('./server.ts'),
  },
  agent: {
    summary: 'poll routers and links at a site, ship to the server',
    load: () => import('./agent.ts'),
  },
  config: {
    summary: 'check, print, schema, init: the configuration',
    load: () => import('./config.ts'),
  },
  token: {
    summary: 'create, list, revoke: tokens of agents',
    load: () => import('./token.ts'),
  },
  tickets: {
    summary: 'test a destination, show the state of tickets',
    load: () => import('./tickets.ts'),
  },
  maintenance: {
    summary: 'list, add, end: announced work, for which nothing opens',
    load: () => import('./maintenance.ts'),
  },
  incidents: {
    summary: 'list incidents; acknowledge, take over, merge, split, close them',
    load: () => import('./incidents.ts'),
  },
  probe: {
    summary: 'what an agent would see of one device, now',
    load: () => import('./probe.ts'),
  },
  doctor: {
    summary: 'what is missing on this machine, with the line that mends it',
    load: () => import('./doctor.ts'),
  },
  replay: {
    summary: 'run recorded samples through the live engine in virtual time',
    load: () => import('./replay.ts'),
  },
  rules: {
    summary: 'list the rules in force, test rules: given these samples, expect these alerts',
    load: () => import('./rules.ts'),
  },
  record: {
    summary: 'export the input log in the form that replay reads',
    load: () => import('./record.ts'),
  },
  history: {
    summary: 'export, import: samples on record, for replay, promtool and back',
    load: () => import('./history.ts'),
  },
  backup: {
    summary: 'a consistent copy of the state while the server runs',
    load: () => import('./backup.ts'),
  },
  version: {
    summary: 'version of Vedette, of the wire and of Node',
    load: () => import('./version.ts'),
  },
};

const OLDEST_NODE = 24;

function help(): string {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length));
  const lines = Object.entries(VERBS).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  );
  return `vedette VERB [OPTIONS]

Early warning for networks: the right ticket, once, before a user calls, and it closes itself.

${lines.join('\n')}

  -h, --help   this text; \`vedette VERB --help\` explains a verb
  --version    the version

Examples:
  vedette demo
  vedette config init && vedette config check

Exit codes: 0 done, 1 failed, 2 wrong usage, 69 server unreachable, 77 no permission, 78 bad configuration.
`;
}

async function main(argv: string[]): Promise<number> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    process.stderr.write(
      `vedette needs Node ${OLDEST_NODE} or newer; this is ${process.version} (${process.execPath}). In the checkout \`npm run vedette -- VERB\` brings its own.\n`,
    );
    return 1;
  }
  const [first, ...rest] = argv;
  if (first === undefined) {
    process.stderr.write(help());
    return 2;
  }
  if (first === '--version' || first === '-V') return runVerb('version', []);
  if (first === '--help' || first === '-h' || first === 'help') {
    const [verb] = rest;
    if (verb !== undefined && Object.hasOwn(VERBS, verb)) return runVerb(verb, ['--help']);
    process.stdout.write(help());
    return 0;
  }
  return Object.hasOwn(VERBS, first) ? runVerb(first, rest) : unknown(first);
}

async function runVerb(name: string, argv: string[]): Promise<number> {
  const { run } = await (VERBS[name] as Verb).load();
  return run(argv);
}

async function unknown(name: string): Promise<number> {
  const { didYouMean } = await import('../config/words.ts');
  const hint = didYouMean(name, Object.keys(VERBS));
  process.stderr.write(`vedette: there is no verb "${name}"${hint}\nSee vedette --help.\n`);
  return 2;
}

/** `vedette … | head` closes the pipe early: that is no failure, and nobody is left to tell. */
function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}

/** Ends the process once what was printed has left; a verb may leave handles behind. */
function end(code: number): void {
  process.exitCode = code;
  process.stdout.write('', () => {
    process.stderr.write('', () => process.exit(code));
  });
}

/** Usage errors of node:util parseArgs; everything else that arrives here is ours to mend. */
const isUsageError = (error: unknown): error is Error =>
  error instanceof Error &&
  (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS_') === true;

endQuietlyOnClosedPipe();
main(process.argv.slice(2)).then(end, (error: unknown) => {
  const verb = process.argv[2] ?? '';
  if (isUsageError(error)) {
    process.stderr.write(`vedette ${verb}: ${error.message}\nSee vedette ${verb} --help.\n`);
    end(2);
  } else {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`vedette ${verb} failed: ${text}\n`);
    end(1);
  }
});
