/** The report's content, section by section. Nothing here but what the files say. */
import type { Report } from './blocks';
import { day, minute } from './figures';
import type { RunFiles } from './files';
import { consistencySection, timingsSection } from './sections/closing';
import { curvesSection } from './sections/curves';
import { dataSection } from './sections/data';
import { driftSection } from './sections/drift';
import { fairnessSection } from './sections/fairness';
import { gateSection } from './sections/gate';
import { modelsSection } from './sections/models';
import { summarySection } from './sections/summary';

const SECTIONS = [
  summarySection,
  dataSection,
  modelsSection,
  gateSection,
  curvesSection,
  driftSection,
  fairnessSection,
  consistencySection,
  timingsSection,
] as const;

export function reportOf(files: RunFiles): Report {
  const endAt = files.plan?.range.endAt ?? files.dataset?.range?.endAt ?? null;
  const history = endAt === null ? 'of a history that is not planned yet' : `history until ${minute(endAt)}`;
  return {
    title: endAt === null ? 'Nightly run' : `Nightly run, ${day(endAt)}`,
    subtitle: `rescore backfill, ${history}${files.plan === null ? '' : `, run ${files.plan.id}`}`,
    at: endAt ?? 0,
    sections: SECTIONS.map(section => section(files)),
  };
}
