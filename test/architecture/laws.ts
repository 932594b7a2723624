/** One law: files that match `from` may import what matches `allow`. The first match wins. */
export interface Law {
  readonly from: RegExp;
  /** Project paths are relative to the root; packages are written `npm:NAME`, node core `node:NAME`. */
  readonly allow: RegExp;
  readonly why: string;
}

export const LAWS: readonly Law[] = [
  {
    from: /^protocol\//,
    allow: /^(protocol\/|npm:typebox$)/,
    why: 'protocol/ is the contract: it imports only itself. Move what you need down, or pass it in.',
  },
  {
    from: /^rules\//,
    allow: /^(rules\/|protocol\/model\/)/,
    why: 'rules/ decides, the shell acts: return a fact instead of doing I/O, take `now` as an argument.',
  },
  {
    from: /^config\//,
    allow:
      /^(config\/|protocol\/|rules\/settings\.ts|rules\/packs\/|rules\/express\/|npm:(typebox|yaml|node-cron|ical\.js)|node:)/,
    why: 'config/ reads files and maps them; it knows settings, not stages.',
  },
  {
    from: /^(agent|server)\/main\.ts$/,
    allow: /^(agent|server|protocol|rules|config)\/|^(npm|node):/,
    why: 'main.ts wires one process.',
  },
  {
    from: /^server\/history-thread\.ts$/,
    allow: /^server\/(adapters|history)\/|^node:/,
    why: 'history-thread.ts wires the thread that seals.',
  },
  {
    from: /^(agent|server)\/ports\//,
    allow: /^(agent\/ports|server\/ports|protocol|rules)\/|^node:(events|stream)$/,
    why: 'a port is a description: no driver, no stage.',
  },
  {
    from: /^agent\/adapters\/icmp\//,
    allow:
      /^(agent\/adapters\/(icmp|stamp-dgram)|agent\/ports|protocol)\/|^npm:(koffi|ping)|^node:/,
    why: 'an adapter implements a port; it never calls a stage or another adapter.',
  },
  {
    from: /^agent\/adapters\//,
    allow: /^(agent\/adapters\/SAME|agent\/ports|protocol)\/|^npm:|^node:/,
    why: 'an adapter implements a port; it never calls a stage or another adapter.',
  },
  {
    from: /^agent\//,
    allow: /^(agent\/(?!adapters|main)|protocol\/)|^npm:(pino|typebox)|^node:/,
    why: "judging samples is the collector's job, and only main picks an adapter.",
  },
  {
    from: /^server\/adapters\//,
    allow: /^(server\/adapters\/SAME|server\/ports|protocol|server\/input-log)\/|^npm:|^node:/,
    why: 'an adapter implements a port; it never calls a stage or another adapter.',
  },
  {
    from: /^server\/(collect|show)\//,
    allow: /^(server\/(?!adapters|main)|protocol\/|rules\/)|^npm:|^node:/,
    why: 'only the edge speaks HTTP, and it talks to the rest through ports.',
  },
  {
    from: /^server\//,
    allow: /^(server\/(?!adapters|main)|protocol\/|rules\/)|^npm:(pino|typebox)|^node:/,
    why: 'agent and server meet in protocol/ only; drivers live in adapters.',
  },
  {
    from: /^web\/vite\.config\.ts$/,
    allow: /^npm:vite$|^node:/,
    why: "the page's build knows only the page.",
  },
  {
    from: /^web\//,
    allow: /^(web\/|protocol\/)|^npm:(preact|@preact\/signals|uplot)/,
    why: 'the page gets views, not internals.',
  },
  {
    from: /^lab\//,
    allow: /^(lab\/|protocol\/)|^npm:(net-snmp|koffi|pino)|^node:/,
    why: 'lab/ is the outside world: it imports nothing that it tests.',
  },
  {
    from: /^cli\//,
    allow:
      /^(cli\/|config\/|protocol\/|rules\/|lab\/|(agent|server)\/(main\.ts|adapters\/)|server\/(ticket|ports)\/|agent\/ports\/|agent\/poll\/echo-figures\.ts)|^npm:(pino|yaml|typebox)|^node:/,
    why: 'a verb parses words and calls a main; it has no logic of its own.',
  },
  {
    from: /^bench\//,
    allow: /./,
    why: 'benches may look everywhere.',
  },
  { from: /^test\//, allow: /./, why: 'tests may look everywhere.' },
  { from: /^(vitest\.config|tools\/)/, allow: /^npm:|^node:/, why: 'tools stand alone.' },
];

/** The law that covers a file, with SAME replaced by the file's own adapter folder. */
export function lawFor(file: string): Law | undefined {
  const law = LAWS.find((candidate) => candidate.from.test(file));
  if (!law?.allow.source.includes('SAME')) return law;
  const own = file.split('/')[2] ?? '';
  return { ...law, allow: new RegExp(law.allow.source.replace('SAME', own)) };
}
