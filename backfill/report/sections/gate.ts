import { absent, cell } from '../blocks';
import type { Block, Section, Tone } from '../blocks';
import type { RunFiles } from '../files';

/** What was decided, with every reason. */
export const gateSection = ({ gate, publish }: RunFiles): Section => ({
  id: 'gate',
  title: 'Gate',
  blocks: [
    ...(gate === null ? absent('gate.json', 'gate') : gate.models.flatMap(judged)),
    ...(publish === null ? absent('publish.json', 'publish') : published(publish)),
  ],
});

const TONES: Readonly<Record<string, Tone>> = { passed: 'good', failed: 'bad', notApplicable: 'quiet' };
const STATES: Readonly<Record<string, string>> = { notApplicable: 'not applicable' };

function judged({
  name,
  version,
  champion,
  decision,
  reasons,
  checks,
}: NonNullable<RunFiles['gate']>['models'][number]): Block[] {
  const against = champion ? `compared with ${champion}` : 'no model scored before';
  const promoted = decision === 'promote';
  return [
    { kind: 'heading', text: name },
    { kind: 'text', tone: promoted ? 'good' : 'bad', text: `${decision}: ${version}, ${against}.` },
    ...(reasons.length === 0 ? [] : [{ kind: 'list', items: reasons } as const]),
    ...(checks.length === 0
      ? []
      : [
          {
            kind: 'table',
            caption: `Checks of ${name}`,
            columns: [{ title: 'check' }, { title: 'state' }, { title: 'found' }],
            rows: checks.map(({ check, state, said }) => [
              cell(check),
              cell(STATES[state] ?? state, TONES[state]),
              cell(said),
            ]),
          } as const,
        ]),
  ];
}

const published = ({ models }: NonNullable<RunFiles['publish']>): Block[] => [
  {
    kind: 'table',
    caption: 'What scores from now on',
    columns: [{ title: 'model' }, { title: 'version' }, { title: 'published' }, { title: 'why' }],
    rows: models.map(({ name, version, promoted, shadows, reason }) => [
      cell(name),
      cell(version),
      promoted ? cell('yes', 'good') : cell(shadows ? 'shadow' : 'no', 'quiet'),
      cell(reason),
    ]),
  },
];
