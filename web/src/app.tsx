import { useComputed } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { notice } from './live/actions.ts';
import { clock, counts, isLoaded, isStale, openCounts, silence, version } from './live/store.ts';
import { areKeysOn, isHelpShown, KEYS, switchKeys } from './parts/keys.ts';
import { Shape } from './parts/marks.tsx';
import { route } from './parts/route.ts';
import { count, span, timeOfDay } from './parts/words.ts';
import { Agents } from './views/agents.tsx';
import { ActionDialog } from './views/ask.tsx';
import { Changes } from './views/changes.tsx';
import { Incident } from './views/incident.tsx';
import { Now } from './views/now.tsx';
import { Site } from './views/site.tsx';
import { Sites } from './views/sites.tsx';

export function App() {
  return (
    <div class={isStale.value ? 'page is-stale' : 'page'}>
      <button type="button" class="skip" onClick={skip}>
        To the content
      </button>
      <TopBar />
      <StaleBanner />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <Notice />
      <Announcements />
      <ActionDialog />
      <Help />
    </div>
  );
}

function skip(): void {
  document.getElementById('main')?.focus();
}

function View() {
  const { view, id } = route.value;
  if (view === 'incidents' && id !== undefined) return <Incident key={id} id={id} />;
  if (view === 'sites') return id === undefined ? <Sites /> : <Site key={id} id={id} />;
  if (view === 'changes') return <Changes />;
  if (view === 'agents') return <Agents />;
  return <Now />;
}

const TABS = [
  ['now', 'Now'],
  ['sites', 'Sites'],
  ['changes', 'Changes'],
  ['agents', 'Agents'],
] as const;

function TopBar() {
  const shown = route.value.view === 'incidents' ? 'now' : route.value.view;
  const badges = {
    now: openCounts.value.open,
    changes: 0,
    sites: counts.value.health.down + counts.value.health.degraded,
    agents: counts.value.silentAgents,
  };
  return (
    <header class="top">
      <a class="brand" href="#/now" aria-label="Vedette, to the start">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M7 9l9 15 9-15" />
          <circle cx="16" cy="10" r="2.8" />
        </svg>
        <span>Vedette</span>
      </a>
      <nav aria-label="Views">
        {TABS.map(([view, word]) => (
          <a key={view} href={`#/${view}`} aria-current={shown === view ? 'page' : undefined}>
            {word}
            {badges[view] > 0 ? (
              <span class="badge">{badges[view].toLocaleString('en')}</span>
            ) : null}
          </a>
        ))}
      </nav>
      <Connection />
      <button
        type="button"
        class="help"
        aria-label="Keyboard and help"
        onClick={() => {
          isHelpShown.value = true;
        }}
      >
        ?
      </button>
    </header>
  );
}

function Connection() {
  const text = useComputed(() =>
    silence.value === undefined ? 'connecting…' : `${span(silence.value)} ago`,
  );
  const time = useComputed(() => timeOfDay(clock.value));
  const mark = isStale.value ? 'down' : isLoaded.value ? 'up' : 'unknown';
  return (
    <p class="connection">
      <Shape mark={mark} />
      <span class="word">{isStale.value ? 'Lost' : isLoaded.value ? 'Live' : ''}</span>
      <span class="since">
        {isLoaded.value ? <span class="words">last update </span> : null}
        {text}
      </span>
      <time class="clock">{time}</time>
    </p>
  );
}

/** Old figures must not pass for fresh ones: this is loud, and everything below it is grey. */
function StaleBanner() {
  const since = useComputed(() => span(silence.value ?? 0));
  if (!isStale.value) return null;
  return (
    <div class="stale" role="alert">
      <Shape mark="down" />
      <p>
        <b>No updates for {since}.</b> Everything below is as it was then. Trying to reach the
        server…
      </p>
    </div>
  );
}

function Notice() {
  const said = notice.value;
  useEffect(() => {
    if (said === undefined || said.isBad) return undefined;
    const timer = setTimeout(() => {
      notice.value = undefined;
    }, 4_000);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div class={`notice ${said?.isBad ? 'is-bad' : ''}`} role="status">
      {said === undefined ? null : (
        <>
          <span>{said.text}</span>
          <button
            type="button"
            aria-label="Dismiss"
            onClick={() => {
              notice.value = undefined;
            }}
          >
            ×
          </button>
        </>
      )}
    </div>
  );
}

/** For those who listen: counts politely, a new critical incident at once. */
function Announcements() {
  const { open, critical, unacknowledged } = openCounts.value;
  const isLost = isStale.value;
  useEffect(() => {
    const loud = unacknowledged > 0 ? `${unacknowledged}!` : open;
    const told = open === 0 ? '' : `(${loud}) `;
    document.title = isLost ? 'No updates: Vedette' : `${told}Vedette`;
  }, [open, unacknowledged, isLost]);
  return (
    <div class="unseen">
      <p aria-live="polite">{isLoaded.value ? count(open, 'open incident') : ''}</p>
      <p aria-live="assertive">
        {critical === 0 ? '' : `${count(critical, 'critical incident')} open`}
      </p>
    </div>
  );
}

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isShown = isHelpShown.value;
  useEffect(() => {
    if (isShown && dialog.current?.open === false) dialog.current.showModal();
  }, [isShown]);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="help-title"
      onClose={() => {
        isHelpShown.value = false;
      }}
    >
      <form method="dialog">
        <h2 id="help-title">Keyboard</h2>
        <dl class="keys">
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <label class="check">
          <input
            type="checkbox"
            checked={areKeysOn.value}
            onChange={(event) => switchKeys(event.currentTarget.checked)}
          />
          Single-key shortcuts
        </label>
        <p class="hint">
          Version {version.value}. <a href="/docs">API</a> · <a href="/metrics">metrics</a>
        </p>
        <div class="buttons">
          <button type="submit" class="button is-main">
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}
