/** What happens to models, in a line of the log each. */
import type { FollowerEvent, SwapEvent } from '../../processors/swap';

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** `stays`: the pointer is not moved back by this process. */
export function sentenceOf(event: SwapEvent | FollowerEvent, stays: boolean): string {
  switch (event.kind) {
    case 'swapped':
      return `${event.model}/${event.version} scores from the next batch on, instead of ${event.previous}; opened in ${event.tookMs.toFixed(0)} ms.`;
    case 'proven':
      return `${event.model}/${event.version} has passed its trial over ${event.scored} scores.`;
    case 'trialExtended':
      return `${event.model}/${event.version} stays on trial: ${event.rows} rows were compared in its time, ${event.wanted} are wanted. It scores; nobody is rescored for it until then.`;
    case 'rolledBack':
      return `${event.model}/${event.version} is rolled back (${event.reason}: ${event.words}); ${event.previous} scores again after ${event.tookMs.toFixed(1)} ms. ${exposure(event.scoredForMs)}${stays ? ` The pointer still names it: \`rescore models rollback ${event.model}\` moves it for all.` : ''}`;
    case 'refused':
      return `${event.model}/${event.version} may not ${event.role === 'shadow' ? 'shadow' : 'score'} (${event.code}): ${event.words} That took ${event.tookMs.toFixed(0)} ms. The current models go on; the next attempts wait longer each time.`;
    case 'unreadable':
      return `The pointers of ${event.model} cannot be read: ${event.words} The current models go on.`;
    case 'pointerMoved':
      return event.how === 'moved'
        ? `The pointer of ${event.model} is moved back from ${event.from} to ${event.to} for every processor.`
        : `The pointer of ${event.model} is no longer at ${event.from}: nothing had to be moved back.`;
    case 'pointerStays':
      return `The pointer of ${event.model} could not be moved back: ${event.words} This process keeps to the version before; \`rescore models rollback ${event.model}\` does it for all.`;
    case 'stillRolledBack':
      return `${event.model}/${event.version} was rolled back before (${event.words}), and the pointer still names it: ${event.previous} scores. \`rescore models rollback ${event.model}\` moves the pointer, \`rescore models promote ${event.model} ${event.version} --again\` brings it back.`;
    case 'startsOnTrial':
      return `${event.model}/${event.version} became current while this process did not run: it scores on trial beside ${event.proven}, the last one that is proven.`;
    case 'untried':
      return `${event.model}/${event.version} scores without a trial, as ${event.proven}, the last one that is proven, may not score any more: ${event.words}`;
    case 'notRemembered':
      if (event.what === 'proven')
        return `That ${event.model}/${event.version} is proven could not be kept: ${event.words} After a restart it may be on trial again.`;
      return `That ${event.model}/${event.version} is rolled back could not be kept: ${event.words} A restart would score with it again: move the pointer with \`rescore models rollback ${event.model}\`.`;
    case 'shadowing':
      return event.version === null
        ? `Nothing shadows ${event.model} any more.`
        : `${event.model}/${event.version} answers beside the current one, and nothing of it is published.`;
    case 'shadowFailed':
      return `The shadow ${event.model}/${event.version} is put off (${event.reason}): ${event.words}`;
    case 'releaseFailed':
      return `${event.model}/${event.version} could not be freed: ${event.words}`;
  }
}

const exposure = (ms: number | null): string =>
  ms === null ? 'It was no longer on trial.' : `It had scored for ${seconds(ms)}.`;
