import * as fc from 'fast-check';
import { TransactionScope } from './transaction-scope';

const targets = fc.array(
  fc.array(fc.tuple(fc.constantFrom('scores', 'alerts', 'sessions'), fc.array(fc.nat(5))), { maxLength: 4 }),
);

test('every partition is told once, and none that nobody named', () =>
  fc.assert(
    fc.property(targets, steps => {
      const scope = new TransactionScope();
      const told = steps.flatMap(step =>
        scope
          .widen(new Map(step))
          .flatMap(({ topic, partitions }) => partitions.map(partition => `${topic}/${partition}`)),
      );
      const named = steps.flatMap(step =>
        [...new Map(step)].flatMap(([topic, partitions]) =>
          partitions.map(partition => `${topic}/${partition}`),
        ),
      );
      expect([...told].sort()).toEqual([...new Set(named)].sort());
    }),
  ));

test('the group is taken once', () => {
  const scope = new TransactionScope();
  expect([scope.takeGroup(), scope.takeGroup()]).toEqual([true, false]);
});
