/** Typed settings: environment RESCORE_* over rescore.yaml over defaults, parsed once at the root. */
import { DAY_MS, MINUTE_MS } from '../../schemas';
import type { CoreSettings } from '../../processors/core/types';
import type { Settings } from './fields';

export { environmentName, FIELD_NAMES, FIELDS, type FieldName, type Settings } from './fields';
export { parseSettings, readSettings, type ParsedSettings, type SettingProblem } from './parse';

/** The part that changes what the core answers. */
export const coreSettings = (settings: Settings): CoreSettings => ({
  currency: settings.currency,
  sessionGraceMs: Math.round(settings['session.graceMinutes'] * MINUTE_MS),
  publish: {
    engagementDelta: settings['publish.engagementDelta'],
    churnDelta: settings['publish.churnDelta'],
    ltvShare: settings['publish.ltvShare'],
  },
  alerts: {
    churnRaise: settings['alerts.churnRaise'],
    churnClear: settings['alerts.churnClear'],
    inactiveDays: settings['alerts.inactiveDays'],
    dropRaise: settings['alerts.dropRaise'],
    dropExpiryMs: Math.round(settings['alerts.dropExpiryDays'] * DAY_MS),
    vipClearShare: settings['alerts.vipClearShare'],
  },
});
