'use strict';
/**
 * The order of test files: the slowest first, so that no worker is left with one of them at the end. A fresh clone
 * remembers no times, and Jest would go by the size of files, which says nothing here.
 */
const path = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/** What takes more than half a minute, in this order. A file that is missing here still runs, after these. */
const SLOWEST = [
  'cli/cdnow.test.ts',
  'streams/integrity/soak.test.ts',
  'streams/integrity/servers-fail.test.ts',
  'streams/integrity/identity.test.ts',
  'backfill/image.test.ts',
  'processors/sim/laws/mutants.test.ts',
  'streams/integrity/kills.test.ts',
  'streams/integrity/stops.test.ts',
  'processors/sim/laws/laws.test.ts',
  'processors/sim/simulation.test.ts',
  'streams/integrity/damage.test.ts',
  'backfill/trainer/trainer.test.ts',
  'streams/integrity/consistency.test.ts',
  'streams/integrity/registry.test.ts',
  'backfill/pipeline/pipeline.test.ts',
  'streams/integrity/rebuild.test.ts',
  'models/registry/registry.test.ts',
  'cli/killed.test.ts',
  'streams/integrity/members.test.ts',
  'streams/kafka/event-log.test.ts',
  'cli/commands/backfill/night.test.ts',
  'k8s/fargate/night.test.ts',
];
const root = path.join(__dirname, '..');
const places = new Map(SLOWEST.map((file, at) => [path.join(root, file), at]));
const placeOf = test => places.get(test.path) ?? SLOWEST.length;

module.exports = class SlowestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => placeOf(a) - placeOf(b));
  }
};
