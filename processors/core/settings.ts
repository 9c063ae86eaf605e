import { DAY_MS, MINUTE_MS } from '../../schemas';
import type { CoreSettings } from './types';

/** Thresholds of alerts and of the publish rule, as the product ships them. */
export const DEFAULT_SETTINGS: CoreSettings = {
  currency: 'USD',
  sessionGraceMs: 10 * MINUTE_MS,
  publish: { engagementDelta: 0.005, churnDelta: 0.005, ltvShare: 0.01 },
  alerts: {
    churnRaise: 0.7,
    churnClear: 0.6,
    inactiveDays: 30,
    dropRaise: 0.2,
    dropExpiryMs: 7 * DAY_MS,
    vipClearShare: 0.9,
  },
};
