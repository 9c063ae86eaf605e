/** The lanes of a processor over memory: how they end when they are told to, and what ends them. */
import { SimulatedScorer } from '../../processors/sim/scorer';
import { DEFAULT_RULES, DEFAULT_SETTINGS } from '../../processors/core';
import type { Outbox } from '../../processors/ports';
import { DamagedPositionsError } from '../../processors/runner';
import { MemoryStateStore } from '../../processors/state/memory';
import { INPUT_SAMPLES } from '../../streams/avro/samples';
import { createAvroCodec } from '../../streams/avro/codec';
import { MemoryBroker, MemoryEventLog, MemoryPublisher } from '../../streams/memory';
import { systemClock } from '../clock';
import { LaneSet } from './lane-set';
import type { LaneSetOptions } from './lane-set';

interface Trial {
  lanes: LaneSet;
  fatal: Error[];
}

/** One lane with an event to read, and a publisher that fails from its second publication on, once `opened`, if it is to. */
function withLane(failure?: Error, opened: Promise<void> = Promise.resolve()): Trial {
  const broker = new MemoryBroker(1);
  const codec = createAvroCodec();
  const value = codec.encodeInput('web-events', INPUT_SAMPLES['web-events']);
  broker.append('web-events', 0, [{ key: 'kim', value, recordAt: systemClock.now() }]);
  const publisher = new MemoryPublisher(broker);
  let publications = 0;
  const failing = {
    fence: (partition: number) => publisher.fence(partition),
    publish: (partition: number, outbox: Outbox) =>
      failure !== undefined && ++publications > 1
        ? opened.then(() => Promise.reject(failure))
        : publisher.publish(partition, outbox),
    drop: () => Promise.resolve(),
  };
  const fatal: Error[] = [];
  const lanes = new LaneSet({
    log: Object.assign(new MemoryEventLog(broker), { drop: () => undefined }),
    store: new MemoryStateStore(),
    publisher: failing,
    scorer: new SimulatedScorer(),
    watch: { follows: () => false, saw: () => undefined, forget: () => undefined },
    codec,
    clock: systemClock,
    core: DEFAULT_SETTINGS,
    rules: DEFAULT_RULES,
    lane: { retryMs: 1 },
    ticksPerSecond: 1,
    rescoring: { perSecond: 1, wanted: () => null },
    unitSize: 1,
    onNote: () => undefined,
    onFatal: (error: Error) => fatal.push(error),
  } as unknown as LaneSetOptions);
  lanes.assign([0]);
  return { lanes, fatal };
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 2_000) throw new Error('It never came true.');
    await systemClock.sleep(5);
  }
};

test('lanes that end with everything published leave nothing', async () => {
  const { lanes } = withLane();
  await until(() => lanes.metrics().records > 0);
  await lanes.close();
  expect(lanes.left()).toBeNull();
}, 30_000);

test('a lane whose last batch could not be published says so when it is told to stop', async () => {
  const { lanes, fatal } = withLane(new Error('the broker is away.'));
  await until(() => lanes.metrics().claims > 1);
  await lanes.close();
  expect(lanes.left()).toBe('partition 0: the broker is away.');
  expect(fatal).toEqual([]);
}, 30_000);

test('damage that a lane meets when it has been told to stop leaves nothing that could be finished', async () => {
  let open = (): void => undefined;
  const opened = new Promise<void>(resolve => (open = resolve));
  const { lanes, fatal } = withLane(new DamagedPositionsError('It is gone.'), opened);
  await until(() => lanes.metrics().records > 0);
  const closed = lanes.close();
  open();
  await closed;
  expect([lanes.left(), fatal]).toEqual([null, []]);
}, 30_000);

test('a right that is missing ends the process instead of one claim after another', async () => {
  const refusal = Object.assign(new Error('refused'), { type: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' });
  const { lanes, fatal } = withLane(new Error('given up', { cause: refusal }));
  await until(() => fatal.length > 0);
  expect(fatal[0]).toMatchObject({ message: 'given up', cause: refusal });
  expect(lanes.metrics().claims).toBe(1);
}, 30_000);

test('what the group hands over behind the stop is not begun, and what it hands back does not begin again', async () => {
  const { lanes } = withLane();
  await until(() => lanes.metrics().records > 0);
  const closed = lanes.close();
  lanes.assign([0, 1]);
  await closed;
  expect([lanes.partitions(), lanes.left(), lanes.metrics().claims]).toEqual([[], null, 1]);
}, 30_000);
