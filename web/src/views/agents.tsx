import type { AgentView } from '../../../protocol/wire/views.ts';
import { agents, counts, isLoaded, siteNameOf } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { Age } from '../parts/time.tsx';
import { isNarrow, Windowed } from '../parts/window.tsx';
import { AGENT_MARKS, count } from '../parts/words.ts';
import { Waiting } from './now.tsx';

/** Beyond this an agent's clock falsifies times; the server corrects it and says so. */
const SKEW_SHOWN_MS = 1_000;
const LAG_SHOWN_MS = 1_000;
/** Height of a row with its gap, px; views.css lays a row out to fit. */
const ROW_HEIGHT = 86;
const NARROW_HEIGHT = 236;

/** Who measures, and how well: a silent agent means that its site is unknown, never up. */
export function Agents() {
  if (!isLoaded.value) return <Waiting />;
  const ids = agents.ids.value;
  const { silentAgents } = counts.value;
  return (
    <div class="agents">
      <header class="headline is-row">
        <h1>Agents</h1>
        <p>
          {count(ids.length, 'agent')},{' '}
          {silentAgents === 0 ? 'all of them speak' : `${silentAgents} not heard`}
        </p>
      </header>
      <Windowed
        ids={ids}
        rowHeight={isNarrow.value ? NARROW_HEIGHT : ROW_HEIGHT}
        minWidth={0}
        label="Agents, silent ones first"
        render={(id) => <AgentRow id={id} />}
      />
    </div>
  );
}

function AgentRow({ id }: { readonly id: string }) {
  const agent = agents.row(id)?.value;
  if (agent === undefined) return null;
  const { mark, word } = AGENT_MARKS[agent.state];
  return (
    <div class={`card agent is-${mark}`} data-row tabIndex={-1}>
      <div class="who">
        <Shape mark={mark} />
        <b>{agent.id}</b>
        <span class="state">{word}</span>
        <small class="where">
          {siteNameOf(agent.site)}
          {agent.version === undefined ? '' : `, version ${agent.version}`}
        </small>
      </div>
      <dl class="facts">
        <Fact name="Heard">{agent.lastSeenAt === undefined ? '–' : <Heard agent={agent} />}</Fact>
        <Fact name="Lag" isOdd={(agent.lagMs ?? 0) >= LAG_SHOWN_MS}>
          {agent.lagMs === undefined ? '–' : `${agent.lagMs.toLocaleString('en')} ms`}
        </Fact>
        <Fact name="Spool" isOdd={(agent.spoolSamples ?? 0) > 0}>
          {agent.spoolSamples === undefined ? '–' : agent.spoolSamples.toLocaleString('en')}
        </Fact>
        <Fact name="Dropped" isOdd={(agent.dropped ?? 0) > 0}>
          {agent.dropped === undefined ? '–' : agent.dropped.toLocaleString('en')}
        </Fact>
        <Fact name="Clock" isOdd={Math.abs(agent.clockSkewMs ?? 0) >= SKEW_SHOWN_MS}>
          {skewWords(agent.clockSkewMs)}
        </Fact>
      </dl>
      <ul class="engines">
        {agent.engines.map((engine) => (
          <li key={engine.probe} class={engine.note === undefined ? '' : 'has-note'}>
            <b>{engine.probe}</b> by {engine.engine}
            {engine.note === undefined ? null : <small title={engine.note}>{engine.note}</small>}
          </li>
        ))}
      </ul>
    </div>
  );
}

const Heard = ({ agent }: { readonly agent: AgentView }) =>
  // Live agents are heard every few seconds; a counter that jumps about would only be noise.
  agent.state === 'live' ? <>just now</> : <Age at={agent.lastSeenAt ?? 0} suffix=" ago" />;

interface FactProps {
  readonly name: string;
  readonly isOdd?: boolean;
  readonly children: preact.ComponentChildren;
}

const Fact = ({ name, isOdd = false, children }: FactProps) => (
  <div class={isOdd ? 'is-odd' : ''}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

function skewWords(skew: number | undefined): string {
  if (skew === undefined) return '–';
  if (Math.abs(skew) < 100) return 'right';
  return `${(Math.abs(skew) / 1000).toFixed(1)} s ${skew < 0 ? 'slow' : 'fast'}`;
}
