/** The best possible answer at a snapshot of the synthetic world: the posterior given what the customer did until then. */
import type { CustomerId, EpochMs } from '../../../schemas';
import { DAY_MS } from '../../../schemas';
import { WorldPosterior, latentOf, occasionsOf } from '../../../processors/sim/world';
import type { Expectations, Latent, SeenHistory, WorldSettings } from '../../../processors/sim/world';
import { isValidationCustomer } from '../../dataset/plan';
import type { Truth } from '../../dataset';

interface Person {
  latent: Latent;
  history: SeenHistory;
}

/** NaN for customers who train: nobody asks about them. `onCustomer` is told how many were begun. */
export function bestPossible(settings: WorldSettings, onCustomer?: (begun: number) => void): Truth {
  const posterior = new WorldPosterior(settings);
  const indices = new Map(
    Array.from({ length: settings.customers }, (_, index) => [latentOf(settings, index).customerId, index]),
  );
  const people = new Map<CustomerId, Person>();
  // Models ask about the same snapshots.
  const answers = new Map<string, Expectations>();
  return (id, at, model) => {
    if (!isValidationCustomer(id)) return NaN;
    let answer = answers.get(`${id} ${at}`);
    if (answer === undefined) {
      let person = people.get(id);
      if (person === undefined) {
        people.set(id, (person = personOf(settings, indices.get(id)!)));
        onCustomer?.(people.size);
      }
      answer = posterior.expect(person.latent, until(person.history, at), at);
      answers.set(`${id} ${at}`, answer);
    }
    return model === 'ltv' ? answer.revenueMinor / 100 : answer[model];
  };
}

function personOf(settings: WorldSettings, index: number): Person {
  const latent = latentOf(settings, index);
  const history = { sessionsAt: [] as EpochMs[], orders: [] as SeenHistory['orders'][number][] };
  const { startAt, days } = settings;
  for (let midnightAt = startAt; midnightAt < startAt + days * DAY_MS; midnightAt += DAY_MS) {
    const { sessionsAt, orders } = occasionsOf(latent, midnightAt, settings);
    history.sessionsAt.push(...sessionsAt.sort((a, b) => a - b));
    history.orders.push(...orders.sort((a, b) => a.at - b.at));
  }
  return { latent, history };
}

const until = ({ sessionsAt, orders }: SeenHistory, at: EpochMs): SeenHistory => ({
  sessionsAt: sessionsAt.filter(instant => instant <= at),
  orders: orders.filter(order => order.at <= at),
});
