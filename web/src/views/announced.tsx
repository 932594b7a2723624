import { clock, maintained, maintenance, siteOf, subjectName } from '../live/store.ts';
import { Shape } from '../parts/marks.tsx';
import { siteHref } from '../parts/route.ts';
import { shortTime } from '../parts/words.ts';

const SUBJECTS_SHOWN = 3;
const SOON_MS = 24 * 3_600_000;

/** What is under announced work now, and what begins within a day: one quiet line each. */
export function Announced() {
  const now = clock.value;
  const shown = maintenance.value.filter(({ from }) => from - now < SOON_MS);
  if (shown.length === 0) return null;
  return (
    <section class="announced" aria-labelledby="announced-title">
      <h2 id="announced-title">
        <span>Maintenance</span>
        <a class="more" href="#/changes">
          all announced work
        </a>
      </h2>
      <ul>
        {shown.map(({ id, name, subjects, from, until }) => (
          <li key={id} class={from <= now ? 'is-now' : ''}>
            <Shape mark="maintenance" />
            <p>
              <b>{name}</b>{' '}
              {from <= now
                ? `until ${shortTime(until, now)}`
                : `from ${shortTime(from, now)} to ${shortTime(until, now)}`}
              : <Subjects subjects={subjects} />
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Subjects({ subjects }: { readonly subjects: readonly string[] }) {
  return (
    <span class="subjects">
      {subjects.slice(0, SUBJECTS_SHOWN).map((subject, n) => (
        <span key={subject}>
          {n === 0 ? '' : ', '}
          <SubjectLink subject={subject} />
        </span>
      ))}
      {subjects.length > SUBJECTS_SHOWN ? ` and ${subjects.length - SUBJECTS_SHOWN} more` : ''}
    </span>
  );
}

export function SubjectLink({ subject }: { readonly subject: string }) {
  const site = siteOf(subject);
  if (site === undefined) return <>{subjectName(subject)}</>;
  return <a href={siteHref(site)}>{subjectName(subject)}</a>;
}

/** "‖ maintenance until 04:00", where one of these subjects is under announced work. */
export function UnderWork({ of }: { readonly of: readonly string[] }) {
  const window = of
    .map((subject) => maintained.value.get(subject))
    .find((one) => one !== undefined);
  if (window === undefined) return null;
  return (
    <span class="under-work" title={window.name}>
      <Shape mark="maintenance" /> maintenance until {shortTime(window.until, clock.peek())}
    </span>
  );
}
