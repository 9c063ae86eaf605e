import { Remembered } from './remembered';

test('what was not touched for longest is forgotten first', () => {
  const held = new Remembered<number>(2);
  held.set('a', 1);
  held.set('b', 2);
  held.set('a', 3);
  held.set('c', 4);
  expect([held.get('a'), held.get('b'), held.get('c')]).toEqual([3, undefined, 4]);
});
