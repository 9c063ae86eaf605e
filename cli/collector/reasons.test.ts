/** @jest-environment ./models/testing/onnx-environment.js */
/** GET /scores/:customer says why, as the published score does, by the shipped models. */
import { baselineScorer } from '../../models';
import type { OnnxScorer } from '../../models';
import { systemClock } from '../clock';
import { messageAsJson } from '../output/json';
import { end, page, post, scoreOf, start } from './testing/running';

let models: OnnxScorer;
beforeAll(async () => void (models = await baselineScorer()));
afterAll(() => models.release());

test('the reasons are those of the published score; none once other models score', async () => {
  let { constants } = models;
  const scorer = {
    get constants() {
      return constants;
    },
    score: models.score.bind(models),
    explain: models.explain.bind(models),
  };
  const running = await start({}, systemClock, () => Promise.resolve(scorer));
  await post(running, '/v1/page', page('kim', { messageId: 'm1' }));
  const answer = await scoreOf(running, 'kim');
  const [published] = [...running.state.outputs()].filter(({ topic }) => topic === 'engagement-scores');
  const said = running.state.codec.decodeOutput('engagement-scores', published!.value!);
  expect(said.reasons.length).toBeGreaterThanOrEqual(6);
  expect(answer['reasons']).toEqual(messageAsJson(said)['reasons']);
  constants = { ...constants, models: constants.models.map(({ name }) => ({ name, version: 'newer' })) };
  expect((await scoreOf(running, 'kim'))['reasons']).toEqual([]);
  await end(running);
}, 30_000);
