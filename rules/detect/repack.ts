import { addRoom } from './inputs.ts';
import { CELL, createMarks, NO_READING, numbersOfSeries, REACH, READING } from './marks.ts';
import { readingOf, setReading } from './rates.ts';
import { loadReach, reachState } from './reach.ts';
import { createVoice, setVoiceMinute, voiceMinute } from './voice.ts';
import type { Cell, Track, Watched } from './watched.ts';

/**
 * Lays the numbers of a subject out anew, without what rules that are gone or changed have left: else every
 * change of a rule would cost memory until the next restart. Its series must find their rules again.
 * @param renewed cells that begin anew, since their detector is another one now
 */
export function repack(watched: Watched, renewed: ReadonlySet<Cell>): void {
  const reach = reachState(watched);
  const cells = watched.cells.map((cell) => {
    const { judge } = cell.compiled;
    const times = watched.marks.slice(cell.place, cell.place + CELL);
    return {
      cell,
      times,
      state: renewed.has(cell) ? null : judge.save(cell.place + CELL, watched),
    };
  });
  const tracks = watched.tracks.filter((track) => track.watched !== undefined);
  const series = tracks.map((track) => seriesOf(watched, track));
  const minute = watched.voice && voiceMinute(watched.voice, watched.marks);

  watched.marks = [...watched.marks.slice(0, REACH), ...createMarks().slice(REACH)];
  watched.bulk = [];
  loadReach(watched, reach);
  for (const { cell, times, state } of cells) {
    const { judge } = cell.compiled;
    cell.place = addRoom(watched, times.concat(judge.first));
    if (state !== null) judge.load(cell.place + CELL, watched, state);
  }
  for (const { track, numbers, exact } of series) {
    const place = addRoom(watched, numbers);
    track.seat = { ...track.seat, place };
    if (exact === undefined) continue;
    // It may say where among the bulk that was.
    watched.marks[place + READING] = NO_READING;
    setReading(watched, place, exact);
  }
  if (minute === undefined) return;
  watched.voice = createVoice(watched, undefined);
  setVoiceMinute(watched.voice, watched.marks, minute);
}

function seriesOf(watched: Watched, track: Track) {
  const { plan, place } = track.seat;
  const isCounter = plan.role === 'counter';
  const numbers = watched.marks.slice(place, place + numbersOfSeries(isCounter).length);
  return { track, numbers, exact: isCounter ? readingOf(watched, place) : undefined };
}
